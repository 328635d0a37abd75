"""Noise as a value: what a network that restores images learns to take away."""

from kerascnn.noise.kinds import Chain as Chain
from kerascnn.noise.kinds import Gaussian as Gaussian
from kerascnn.noise.kinds import Masked as Masked
from kerascnn.noise.kinds import Noise as Noise
from kerascnn.noise.kinds import Poisson as Poisson
from kerascnn.noise.kinds import SaltAndPepper as SaltAndPepper
from kerascnn.noise.text import named as named
