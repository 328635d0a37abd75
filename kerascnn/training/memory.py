"""Memory that is not enough: advice where training fails, and the batch size that fits, found before it begins."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import keras
import numpy as np

from kerascnn import checks
from kerascnn.callbacks import snapshot
from kerascnn.data import Data, batches
from kerascnn.data.memory import free_bytes
from kerascnn.files import refused
from kerascnn.layers import rematerializing
from kerascnn.training.devices import has_devices
from kerascnn.training.folder import RunFolder
from kerascnn.training.policy import dtype_policy

SIGNS = ("RESOURCE_EXHAUSTED", "OOM when allocating", "Out of memory", "out of memory", "bad_alloc", "MemoryError")
MARGIN = 0.9  # of the free memory: training reads ahead too
PEAK = Path("/proc/self/clear_refs")  # of Linux, where the peak of a process can begin anew
FOR_MORE = "rematerialize=True, or smaller images"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of any backend says that there was not enough memory.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: 3 GiB"))
    (True, True)
    """
    if refused(error) is not None:  # TensorFlow has one name for a full disk and a full memory
        return False
    known = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return known or (isinstance(error, Exception) and any(sign in str(error) for sign in SIGNS))


@contextmanager
def advised(batch_size: int | None) -> Iterator[None]:
    """Within it an error for lack of memory becomes a MemoryError that says what to do."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(_advice(batch_size)) from error


def sparing(build: Callable[[], keras.Model], image_shape, wanted: bool) -> Callable[[], keras.Model]:
    """`build`, whose networks train as `layers.rematerialize` says if that is `wanted`."""
    return (lambda: rematerializing.rematerialize(build(), image_shape)) if wanted else build


def fitting_batch_size(
    build: Callable[[], keras.Model],
    data: Data,
    batch_size: int,
    *,
    wanted: bool,
    folder: RunFolder,
    precision: str = "auto",
    rematerialize: bool = False,
    augment=None,
    target_of: Callable | None = None,
    verbose: int | str = "auto",
) -> int:
    """`batch_size`, if `wanted` halved until two training steps fit the memory; once for all starts in `folder`.

    Without an accelerator they may take 90 % of the memory that is free, which is foreseen from smaller batches, as the
    system would end a process that takes more.

    Args:
        build: makes the compiled model.
        data: a batch of its training split is used.
        batch_size: images a step, to begin with.
        wanted: whether to look at all.
        folder: of the run.
        precision: of the training; "auto" tries float32, which takes the most.
        rematerialize: as in `built`.
        augment: as in `data.batches`.
        target_of: as in `run`.
        verbose: 0 says nothing.

    Raises:
        MemoryError: if not even one image fits.
    """
    if not wanted:
        return batch_size
    build = sparing(build, data.image_shape, rematerialize)
    steps = partial(_steps, build, data, precision=precision, augment=augment, target_of=target_of)
    return folder.decide("batch_size", lambda: _halved(steps, batch_size, verbose))


def _halved(steps: Callable[[int], None], batch_size: int, verbose) -> int:
    needed = _foreseen(steps, batch_size)
    size = batch_size
    while needed(size) > MARGIN * free_bytes() or not _fits(steps, size):
        if size == 1:
            raise MemoryError(_advice(1))
        size //= 2
    if size < batch_size and verbose != 0:
        print(f"batch_size={size}: {2 * size} do not fit the memory", file=sys.stderr)
    return size


def _fits(steps: Callable[[int], None], size: int) -> bool:
    try:
        steps(size)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        gc.collect()
    return True


def _steps(build, data: Data, batch_size: int, *, precision, augment, target_of) -> None:
    """Two training steps, which are undone: the second has the optimizer's variables from its beginning."""
    with dtype_policy("float32" if precision == "auto" else precision):
        model = build()
    images, targets = next(iter(batches(data, "train", batch_size, augment=augment)))
    batch = keras.tree.map_structure(np.asarray, (images, targets if target_of is None else target_of(targets)))
    before = snapshot.take(model.variables)  # a network that the user has made must not have been trained
    try:
        for _ in range(2):
            model.train_on_batch(*batch)
    finally:
        snapshot.put(model.variables, before)


def _foreseen(steps: Callable[[int], None], batch_size: int) -> Callable[[int], float]:
    """Says how many bytes more than now steps of a size will take at most, by the line through two small sizes.

    A system without an accelerator would end the process before it has an error to catch. Elsewhere it says 0, as it
    does where nothing can be measured or the sizes are too small to tell.
    """
    small, larger = batch_size // 16, batch_size // 8
    if not small or not PEAK.exists() or has_devices("gpu", "tpu"):
        return lambda size: 0
    steps(small)  # compiles what all sizes share
    low, high = (_peak(steps, size) for size in (small, larger))
    each = max(0.0, (high - low) / (larger - small))
    return lambda size: high + each * (size - larger) - _memory("VmRSS")


def _peak(steps: Callable[[int], None], size: int) -> int:
    """Bytes that the process holds at most during the steps."""
    PEAK.write_text("5")  # begins anew
    steps(size)
    gc.collect()
    return _memory("VmHWM")


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def _advice(batch_size: int | None) -> str:
    rule = "be so small that a training step fits the memory"
    if batch_size is None or batch_size < 2:
        return checks.message("batch_size", rule, batch_size, f"Pass {FOR_MORE}.")
    half = f"batch_size={batch_size // 2} with accumulate=2, which makes the same updates"
    return checks.message("batch_size", rule, batch_size, f"Pass {half}, fit_memory=True, {FOR_MORE}.")
