"""Learning rates as functions of the step."""

from kerascnn.schedules.named import named as named
from kerascnn.schedules.one_cycle import OneCycle as OneCycle
from kerascnn.schedules.warmup_cosine import warmup_cosine as warmup_cosine
