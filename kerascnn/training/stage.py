"""One stage of a training: what it is, its training, and what is told of it."""

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from kerascnn import checks
from kerascnn.data import Data
from kerascnn.training.devices import building
from kerascnn.training.record import count_weights
from kerascnn.training.run import Fitted


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    Attributes:
        name: of the stage, and of its folder: letters, digits, spaces, ".", "_" and "-".
        epochs: passes over its data.
        ready: given the model to train, it sets what of it trains, and compiles it.
        on: given the network, the model to train and the data to train it on without augmentation: a head on cached
            features, say, whose layers the network shares. None is the network itself, on the data of the training.
        batch_size: images a step; None is that of the training.
    """

    name: str
    epochs: int
    ready: Callable[[keras.Model], None]
    on: Callable[[keras.Model], tuple[keras.Model, Data]] | None = None
    batch_size: int | None = None

    def __post_init__(self):
        """Checks the arguments."""
        if not re.fullmatch(r"[\w-][\w .-]*", self.name):
            raise ValueError(checks.message("name", "be a name for a folder", self.name))
        checks.positive_int("epochs", self.epochs)
        if self.batch_size is not None:
            checks.positive_int("batch_size", self.batch_size)


def train_stage(stage: Stage, network: keras.Model, data: Data, train: Callable[..., Fitted]) -> Fitted:
    """What `train(model, data, epochs=...)`, a `run`, makes of the stage, with the report of `Fitted.stages`."""
    begun = time.perf_counter()
    model, data = (network, data) if stage.on is None else stage.on(network)
    with building():
        stage.ready(model)
    prepared = time.perf_counter() - begun
    fitted = train(model, data, epochs=stage.epochs)
    report = {
        "name": stage.name,
        "epochs": len(fitted.seconds),
        "trainable_weights": count_weights(model),
        "seconds": round(sum(fitted.seconds), 2),
        "preparation_seconds": round(prepared, 2),
        "images_per_second": round(fitted.images_per_second, 1),
        "peak_memory_mib": peak_memory(),
    }
    return replace(fitted, stages=(report,))


def peak_memory() -> float | None:
    """MiB that the process has held at most so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
