"""Losses of embeddings: labels `(b,)` and embeddings `(b, d)`, or cosines to class centres, to one number."""

from keras.losses import Circle as Circle  # Keras' own, on embeddings of length 1

from kerascnn.layers.distances import DISTANCES as DISTANCES
from kerascnn.layers.distances import between as between
from kerascnn.layers.distances import pairwise as pairwise
from kerascnn.losses.metric.centres import ArcFace as ArcFace
from kerascnn.losses.metric.centres import CosFace as CosFace
from kerascnn.losses.metric.centres import ProxyAnchor as ProxyAnchor
from kerascnn.losses.metric.contrastive import Contrastive as Contrastive
from kerascnn.losses.metric.contrastive import PairContrastive as PairContrastive
from kerascnn.losses.metric.named import EMBEDDING_LOSSES as EMBEDDING_LOSSES
from kerascnn.losses.metric.named import embeddings as embeddings
from kerascnn.losses.metric.named import needs_centres as needs_centres
from kerascnn.losses.metric.pairs import Lifted as Lifted
from kerascnn.losses.metric.pairs import MultiSimilarity as MultiSimilarity
from kerascnn.losses.metric.pairs import NPairs as NPairs
from kerascnn.losses.metric.pairs import SupervisedContrastive as NTXent  # noqa: F401 (one loss, known by two names)
from kerascnn.losses.metric.pairs import SupervisedContrastive as SupervisedContrastive
from kerascnn.losses.metric.shares import Triplets as Triplets
from kerascnn.losses.metric.shares import triplet_counts as triplet_counts
from kerascnn.losses.metric.shares import triplet_shares as triplet_shares
from kerascnn.losses.metric.triplet import MINERS as MINERS
from kerascnn.losses.metric.triplet import Triplet as Triplet
from kerascnn.losses.metric.triplet import TripletDistances as TripletDistances
