"""Layers that Keras lacks, and a faster batch normalisation."""

import kerascnn.layers.detecting  # noqa: F401 (saved detectors are known from here on; `models.Detector` is its name)
from kerascnn.layers.batch_normalization import BatchNormalization as BatchNormalization
from kerascnn.layers.cell_boxes import CellBoxes as CellBoxes
from kerascnn.layers.class_centres import ClassCentres as ClassCentres
from kerascnn.layers.codes import GaussianCode as GaussianCode
from kerascnn.layers.codes import SparseCode as SparseCode
from kerascnn.layers.distances import Distance as Distance
from kerascnn.layers.drop_path import DropPath as DropPath
from kerascnn.layers.fixed_convolution import FixedConv2D as FixedConv2D
from kerascnn.layers.fusion import fuse as fuse
from kerascnn.layers.fusion import unfuse as unfuse
from kerascnn.layers.halving import halves as halves
from kerascnn.layers.halving import is_autoencoder as is_autoencoder
from kerascnn.layers.layer_scale import LayerScale as LayerScale
from kerascnn.layers.learnt_threshold import LearntThreshold as LearntThreshold
from kerascnn.layers.letterbox import Letterbox as Letterbox
from kerascnn.layers.pooling import LpPooling2D as LpPooling2D
from kerascnn.layers.pooling import MinPooling2D as MinPooling2D
from kerascnn.layers.rematerializing import rematerialize as rematerialize
from kerascnn.layers.sizes import CropToReference as CropToReference
from kerascnn.layers.sizes import PadToMultiple as PadToMultiple
from kerascnn.layers.tied import Tied as Tied
