"""Searching for better settings: spaces, and sweeps that survive anything; the only place that imports keras-tuner."""

from kerascnn.tuning.crew import check_picklable as check_picklable
from kerascnn.tuning.exploring import check_space as check_space
from kerascnn.tuning.job import Job as Job
from kerascnn.tuning.job import better as better
from kerascnn.tuning.job import known_to as known_to
from kerascnn.tuning.plan import Plan as Plan
from kerascnn.tuning.result import TuneResult as TuneResult
from kerascnn.tuning.result import write as write
from kerascnn.tuning.service import is_remote as is_remote
from kerascnn.tuning.service import work_for_chief as work_for_chief
from kerascnn.tuning.spaces import Between as Between
from kerascnn.tuning.spaces import Choices as Choices
from kerascnn.tuning.spaces import ConvNetSpace as ConvNetSpace
from kerascnn.tuning.spaces import LeNetSpace as LeNetSpace
from kerascnn.tuning.spaces import ResNetSpace as ResNetSpace
from kerascnn.tuning.spaces import UNetSpace as UNetSpace
from kerascnn.tuning.spaces import VGGSpace as VGGSpace
from kerascnn.tuning.spaces import ZFNetSpace as ZFNetSpace
from kerascnn.tuning.sweep import JOURNAL as JOURNAL
from kerascnn.tuning.sweep import Sweep as Sweep
from kerascnn.tuning.text import parse_space as parse_space
from kerascnn.tuning.trials import Trial as Trial
from kerascnn.tuning.trials import ranked as ranked
from kerascnn.tuning.trials import settings as settings
