"""What a job is judged by: figures, and the pictures that show them."""

from kerascnn.reports.autoencoding import autoencoding as autoencoding
from kerascnn.reports.classification import classification as classification
from kerascnn.reports.detection import detection as detection
from kerascnn.reports.embedding import embedding as embedding
from kerascnn.reports.explained import explained as explained
from kerascnn.reports.localization import localization as localization
from kerascnn.reports.report import Report as Report
from kerascnn.reports.report import examples_of as examples_of
from kerascnn.reports.report import predict as predict
from kerascnn.reports.restoration import restoration as restoration
from kerascnn.reports.segmentation import segmentation as segmentation
