"""Losses that Keras lacks, of labels and of maps; `maps` names the latter."""

from kerascnn.losses.boundary import Boundary as Boundary
from kerascnn.losses.crossentropy import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from kerascnn.losses.lovasz import Lovasz as Lovasz
from kerascnn.losses.named import maps as maps
from kerascnn.losses.pixelwise import Focal as Focal
from kerascnn.losses.pixelwise import MapCrossentropy as MapCrossentropy
from kerascnn.losses.regions import SoftDice as SoftDice
from kerascnn.losses.regions import Tversky as Tversky
from kerascnn.losses.sums import Sum as Sum
