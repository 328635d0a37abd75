"""Looking into a model: which pixels speak for a class, what its layers see, what its first kernels look for."""

from kerascnn.inspect.cost import Cost as Cost
from kerascnn.inspect.cost import cost as cost
from kerascnn.inspect.grad_cam import grad_cam as grad_cam
from kerascnn.inspect.gradients import gradient as gradient
from kerascnn.inspect.maps import feature_maps as feature_maps
from kerascnn.inspect.maps import filters as filters
from kerascnn.inspect.maps import is_convolutional as is_convolutional
