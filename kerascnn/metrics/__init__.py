"""What the tests of a trained network say, from targets and predictions as numpy arrays, and Keras metrics."""

from kerascnn.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from kerascnn.metrics.boundaries import boundary_f as boundary_f
from kerascnn.metrics.calibration import calibration as calibration
from kerascnn.metrics.classification import classification as classification
from kerascnn.metrics.confusion import PerClass as PerClass
from kerascnn.metrics.confusion import confusion_matrix as confusion_matrix
from kerascnn.metrics.confusion import most_confused as most_confused
from kerascnn.metrics.confusion import per_class as per_class
from kerascnn.metrics.instances import Agreement as Agreement
from kerascnn.metrics.instances import rand_error as rand_error
from kerascnn.metrics.instances import v_info as v_info
from kerascnn.metrics.instances import v_rand as v_rand
from kerascnn.metrics.instances import v_rand_of_membranes as v_rand_of_membranes
from kerascnn.metrics.maps import Dice as Dice
from kerascnn.metrics.maps import MeanIoU as MeanIoU
from kerascnn.metrics.maps import PixelAccuracy as PixelAccuracy
from kerascnn.metrics.ranking import top_k_accuracy as top_k_accuracy
from kerascnn.metrics.ranking import worst_mistakes as worst_mistakes
from kerascnn.metrics.regression import PSNR as PSNR
from kerascnn.metrics.regression import psnr as psnr
from kerascnn.metrics.regression import ssim as ssim
from kerascnn.metrics.segmentation import map_confusion as map_confusion
from kerascnn.metrics.segmentation import segmentation as segmentation
from kerascnn.metrics.warping import warping_error as warping_error
