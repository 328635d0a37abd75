"""Running, judging, saving and loading a training."""

from kerascnn.training.bar import bar as bar
from kerascnn.training.environment import versions as versions
from kerascnn.training.export import export as export
from kerascnn.training.features import features as features
from kerascnn.training.features import split_at as split_at
from kerascnn.training.features import vectors as vectors
from kerascnn.training.folder import RunFolder as RunFolder
from kerascnn.training.heads import begin_with_nearest_mean as begin_with_nearest_mean
from kerascnn.training.heads import nearest_mean as nearest_mean
from kerascnn.training.learning_rate import LearningRateCurve as LearningRateCurve
from kerascnn.training.learning_rate import find_learning_rate as find_learning_rate
from kerascnn.training.precision import as_built as as_built
from kerascnn.training.precision import built as built
from kerascnn.training.precision import dtype_policy as dtype_policy
from kerascnn.training.precision import fastest_precision as fastest_precision
from kerascnn.training.record import record as record
from kerascnn.training.result import Result as Result
from kerascnn.training.result import find as find
from kerascnn.training.result import load as load
from kerascnn.training.run import Fitted as Fitted
from kerascnn.training.run import finish as finish
from kerascnn.training.run import run as run
from kerascnn.training.run import tensorboard as tensorboard
from kerascnn.training.seeding import set_seed as set_seed
from kerascnn.training.stage import Stage as Stage
from kerascnn.training.stages import run_stages as run_stages
