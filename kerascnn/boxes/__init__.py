"""Boxes around objects: their forms, their overlap, non-maximum suppression, and networks' outputs as boxes."""

from kerascnn.boxes.assigning import Assigned as Assigned
from kerascnn.boxes.assigning import cell_centres as cell_centres
from kerascnn.boxes.assigning import task_aligned as task_aligned
from kerascnn.boxes.decoding import AnchorFree as AnchorFree
from kerascnn.boxes.decoding import Decoder as Decoder
from kerascnn.boxes.decoding import YoloGrid as YoloGrid
from kerascnn.boxes.formats import FORMATS as FORMATS
from kerascnn.boxes.formats import convert as convert
from kerascnn.boxes.indicators import indicators as indicators
from kerascnn.boxes.overlaps import iou as iou
from kerascnn.boxes.overlaps import overlap as overlap
from kerascnn.boxes.suppression import suppressed as suppressed
