"""Callbacks that keep, log, show and resume a run; they work in any user's own `fit`."""

from kerascnn.callbacks.harder_triplets import HarderTriplets as HarderTriplets
from kerascnn.callbacks.keep_best import KeepBest as KeepBest
from kerascnn.callbacks.late_start import LateStart as LateStart
from kerascnn.callbacks.log import Log as Log
from kerascnn.callbacks.progress import Progress as Progress
from kerascnn.callbacks.resume import Resume as Resume
from kerascnn.callbacks.stop_on_nan import StopOnNaN as StopOnNaN
from kerascnn.callbacks.time_budget import TimeBudget as TimeBudget
from kerascnn.callbacks.watch_embedding import WatchEmbedding as WatchEmbedding
