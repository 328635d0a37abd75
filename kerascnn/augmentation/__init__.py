"""Augmentation: pipelines of transforms with stateless draws and one interpolation an image."""

from kerascnn.augmentation.pipeline import Pipeline as Pipeline
from kerascnn.augmentation.policy import auto as auto
from kerascnn.augmentation.policy import named as named
from kerascnn.augmentation.transforms import Cutout as Cutout
from kerascnn.augmentation.transforms import RandomFlip as RandomFlip
from kerascnn.augmentation.transforms import Rotate as Rotate
from kerascnn.augmentation.transforms import Shift as Shift
from kerascnn.augmentation.transforms import Zoom as Zoom
