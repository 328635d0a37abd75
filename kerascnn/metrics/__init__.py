"""What the tests of a trained network say, from labels and probabilities as numpy arrays, and Keras metrics."""

from kerascnn.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from kerascnn.metrics.calibration import calibration as calibration
from kerascnn.metrics.classification import classification as classification
from kerascnn.metrics.confusion import PerClass as PerClass
from kerascnn.metrics.confusion import confusion_matrix as confusion_matrix
from kerascnn.metrics.confusion import most_confused as most_confused
from kerascnn.metrics.confusion import per_class as per_class
from kerascnn.metrics.ranking import top_k_accuracy as top_k_accuracy
from kerascnn.metrics.ranking import worst_mistakes as worst_mistakes
