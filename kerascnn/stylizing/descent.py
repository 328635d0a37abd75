"""Ways down: an image changed step by step until a loss is small."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.callbacks import snapshot

LIGHTEST = 255.0  # values stay from 0 to here: what was cut off only at the end would spoil the losses
FIRST = 2.0  # levels by which L-BFGS's first step changes a value, on the average; the others it finds by itself
TINY = 1e-30
EPSILON = 1e-15  # of Adam: slopes at single values are as small as Keras' 1e-7

Gradient = Callable[[Any], tuple[Any, Any]]


class Lbfgs:
    """L-BFGS-B of SciPy (Zhu et al. 1997), which learns the curvature; each call begins anew, so it has no state."""

    def __call__(self, gradient: Gradient, image: np.ndarray, steps: int, tell: Callable[[], object]) -> np.ndarray:
        """The float32 `image`, of values in 0..255, after `steps` steps or fewer.

        `gradient(image)` gives losses, whose sum is to fall, and the slope of the sum; `tell` is called at each step.
        """
        from scipy.optimize import Bounds, minimize

        scale = None

        def scaled(flat):
            nonlocal scale
            losses, slope = gradient(ops.convert_to_tensor(flat.reshape(image.shape), "float32"))
            slope = np.asarray(ops.convert_to_numpy(slope), "float64").ravel()
            if scale is None:  # SciPy's first step is the slope itself
                scale = FIRST / max(float(np.sqrt(np.mean(slope**2))), TINY)
            return scale * float(np.sum(ops.convert_to_numpy(losses), dtype="float64")), scale * slope

        options = {"maxiter": steps, "maxfun": 4 * steps + 20, "ftol": 0, "gtol": 0}
        found = minimize(
            scaled, image.ravel().astype("float64"), jac=True, method="L-BFGS-B", bounds=Bounds(0, LIGHTEST),
            callback=lambda _: tell(), options=options,
        )  # fmt: skip
        return found.x.reshape(image.shape).astype("float32")

    def state(self) -> list[np.ndarray]:
        """Nothing."""
        return []

    def restore(self, arrays: list[np.ndarray]) -> None:
        """Takes it."""


class Adam:
    """Adam of Keras with a constant learning rate, in levels of 0..255 a step."""

    def __init__(self, learning_rate: float = 5.0):
        self.learning_rate = learning_rate
        self._optimizer: keras.optimizers.Optimizer | None = None
        self._image: keras.Variable | None = None
        self._found: list[np.ndarray] = []

    def __call__(self, gradient: Gradient, image: np.ndarray, steps: int, tell: Callable[[], object]) -> np.ndarray:
        """As `Lbfgs`; an image of another size than the last begins anew."""
        if self._image is None or self._image.shape != image.shape:
            self._begin(image)
        self._image.assign(image)
        for _ in range(steps):
            _, slope = gradient(ops.convert_to_tensor(self._image))
            self._optimizer.apply([slope], [self._image])
            self._image.assign(ops.clip(self._image, 0, LIGHTEST))
            tell()
        return snapshot.take([self._image])[0]

    def state(self) -> list[np.ndarray]:
        """Momenta and step."""
        return snapshot.take(self._optimizer.variables) if self._optimizer else []

    def restore(self, arrays: list[np.ndarray]) -> None:
        """Takes the `state` with which the next call, with an image of the same size, goes on."""
        self._found = arrays

    def _begin(self, image: np.ndarray) -> None:
        self._image = keras.Variable(image, dtype="float32", name="image")
        self._optimizer = keras.optimizers.Adam(self.learning_rate, epsilon=EPSILON)
        self._optimizer.build([self._image])
        if self._found:
            snapshot.put(self._optimizer.variables, self._found)
            self._found = []
