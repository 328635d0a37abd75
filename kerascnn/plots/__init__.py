"""Pictures of data, training and results: functions that return a matplotlib Figure, which `save` writes."""

from kerascnn.plots.augmented import augmentations as augmentations
from kerascnn.plots.classification import calibration as calibration
from kerascnn.plots.classification import confusion as confusion
from kerascnn.plots.classification import per_class as per_class
from kerascnn.plots.images import examples as examples
from kerascnn.plots.images import mistakes as mistakes
from kerascnn.plots.inspection import feature_maps as feature_maps
from kerascnn.plots.inspection import filters as filters
from kerascnn.plots.inspection import grad_cam as grad_cam
from kerascnn.plots.maps import iou_bars as iou_bars
from kerascnn.plots.maps import restoration as restoration
from kerascnn.plots.maps import segmentation as segmentation
from kerascnn.plots.painting import mask_colours as mask_colours
from kerascnn.plots.parallel import parallel_coordinates as parallel_coordinates
from kerascnn.plots.pareto import pareto as pareto
from kerascnn.plots.style import save as save
from kerascnn.plots.sweep import by_value as by_value
from kerascnn.plots.training import curves as curves
from kerascnn.plots.training import learning_curve as learning_curve
from kerascnn.plots.training import learning_rate as learning_rate
