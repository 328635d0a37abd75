"""Data that are read once for many trainings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kerascnn.data.dataset import Data, changed
from kerascnn.data.options import Options

_KEPT: ContextVar[dict | None] = ContextVar("kept", default=None)
_TEST: ContextVar[bool] = ContextVar("test", default=True)


@contextmanager
def remembered(*, test: bool = True) -> Iterator[None]:
    """Within it, `load` reads the same data with the same options once, and then gives the same `Data` again.

    Without `test` no `Data` has a test split: the trainings of a search are to be compared on the validation split.
    """
    before = _KEPT.get()
    kept, seen = _KEPT.set({} if before is None else before), _TEST.set(test)
    try:
        yield
    finally:
        _KEPT.reset(kept)
        _TEST.reset(seen)


def recall(data, options: Options, read: Callable[[], Data]) -> Data:
    """What `read()` gives for `data`, or gave before, within `remembered`."""
    kept = _KEPT.get()
    if kept is None:
        return read()
    key = (str(data) if isinstance(data, str) or hasattr(data, "__fspath__") else id(data), options)
    if key not in kept:
        kept[key] = data, read()  # `data` too, so that its id stays its own
    found = kept[key][1]
    return found if _TEST.get() else without_test(found)


def without_test(data: Data) -> Data:
    """The same data without a test split."""
    sources = {split: source for split, source in data.sources.items() if split != "test"}
    return changed(data, test=None, test_size=0, sources=sources)
