"""An image made by an optimizer, from coarse to fine, in rounds after each of which it can be stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn.callbacks import snapshot
from kerascnn.data import fit
from kerascnn.stylizing.objective import PARTS

ROUND = 50  # steps between two savings; L-BFGS begins anew with each round, so that a resumed run is the same


@dataclass(frozen=True)
class Painted:
    """What `paint` returns.

    Attributes:
        image: `(height, width, channels)` in 0..255, float32.
        history: a list for each figure, an entry a round: "step", the "size" of the longer side, and the losses.
        seconds: of each round.
    """

    image: np.ndarray
    history: dict[str, list[float]]
    seconds: list[float]


def paint(
    image: np.ndarray,
    sizes: Sequence[tuple[int, int]],
    gradient_at: Callable[[int], Callable],
    *,
    steps: int,
    descent: Any,
    file: Path | None = None,
    tell: Callable[[int], object] = lambda steps: None,
    show: Callable[[np.ndarray, int], object] = lambda image, step: None,
) -> Painted:
    """Changes `image` until its losses are small, at one size after the other.

    Args:
        image: the start, `(height, width, channels)` in 0..255 of any size.
        sizes: (height, width) of each scale, from coarse to fine.
        gradient_at: for the number of a scale, a function that gives the losses `(1, parts)` of an image `(1, height,
            width, channels)` and their slope, as `inspect.compiled_gradient` makes it.
        steps: at each scale.
        descent: an `Lbfgs` or `Adam`.
        file: keeps the state after each round; the same call goes on from it to the very same image.
        tell: is told how many steps more are done.
        show: is given the image, and the number of steps so far, after each round.

    Raises: ArithmeticError where a loss is no number.
    """
    rounds = [(scale, min(ROUND, steps - done)) for scale in range(len(sizes)) for done in range(0, steps, ROUND)]
    painted = Painted(fit(image.astype("float32"), sizes[0]), {}, [])
    if file is not None and file.exists():
        painted = _found(file, descent, tell, [sizes[scale] for scale, _ in rounds])
    current = None
    for scale, count in rounds[len(painted.seconds) :]:
        if scale != current:
            gradient, current = gradient_at(scale), scale
        painted = _round(painted, sizes[scale], gradient, count, descent, tell)
        if file is not None:
            facts = {"history": painted.history, "seconds": painted.seconds}
            snapshot.write(file, {"image": [painted.image], "descent": descent.state()}, facts)
        show(painted.image, painted.history["step"][-1])
    return painted


def _round(painted: Painted, size, gradient, count: int, descent, tell) -> Painted:
    begun, done = perf_counter(), []

    def step():
        done.append(1)
        tell(1)

    image = descent(gradient, fit(painted.image, size)[None], count, step)
    tell(count - len(done))  # of a descent that has found no better image
    losses = ops.convert_to_numpy(gradient(ops.convert_to_tensor(image))[0])[0]
    if not np.isfinite(losses).all():
        raise ArithmeticError(f"The losses became {losses.tolist()}. Try a lower `learning_rate`, or other layers.")
    earlier = painted.history.get("step", [0])[-1]
    figures = {"step": earlier + count, "size": max(size), "loss": float(losses.sum())}
    figures |= {f"{part}_loss": float(loss) for part, loss in zip(PARTS, losses, strict=True)}
    history = {name: [*painted.history.get(name, ()), value] for name, value in figures.items()}
    return Painted(image[0], history, [*painted.seconds, perf_counter() - begun])


def _found(file: Path, descent, tell, sizes: Sequence[tuple[int, int]]) -> Painted:
    """What the run has come to, with the descent's state if the next round, of which `sizes` tells, is of one size."""
    arrays, facts = snapshot.read(file)
    painted = Painted(arrays["image"][0], facts["history"], facts["seconds"])
    done = len(painted.seconds)
    if done < len(sizes) and painted.image.shape[:2] == tuple(sizes[done]):
        descent.restore(arrays.get("descent", []))
    tell(painted.history["step"][-1])
    return painted


def picture(image: np.ndarray) -> keras.Model:
    """A small model whose only weight is an image: `model.predict(np.zeros(1))` gives it, `(1, height, width, 3)`.

    It is made of Keras' own layers, so that its file opens anywhere.

    >>> picture(np.full((2, 3, 1), 7.0)).predict(np.zeros(1), verbose=0).ravel().tolist()
    [7.0, 7.0, 7.0, 7.0, 7.0, 7.0]
    """
    number = keras.Input((), dtype="int32", name="number")
    x = keras.layers.Embedding(1, image.size, name="image")(number)
    model = keras.Model(number, keras.layers.Reshape(image.shape, name="shape")(x), name="picture")
    model.set_weights([image.reshape(1, -1)])
    return model
