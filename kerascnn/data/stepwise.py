"""Batches for `fit` where TensorFlow is not the backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras

from kerascnn.data.stepping import Make, in_order


class Stepwise(keras.utils.PyDataset):
    """The batches of `numbers` for `fit` without TensorFlow: NumPy arrays, some made ahead by threads, in their order.

    `waited` is told how many seconds each of them was waited for.
    """

    def __init__(self, make: Make, numbers: range, waited: Callable[[float], None] | None = None):
        super().__init__()
        self.make = make
        self.numbers = numbers
        self.waited = waited
        self._place, self._coming = 0, iter(())

    @property
    def num_batches(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers)

    def __getitem__(self, place: int):
        """The batch at this place; the next one is being made already, another one begins anew there."""
        if place != self._place or not place:
            self._coming = in_order(self.make, self.numbers[place:], self.waited)
        self._place = place + 1
        return next(self._coming)

    def __iter__(self) -> Iterator:
        """All of them, from the first."""
        return in_order(self.make, self.numbers, self.waited)

    def as_numpy_iterator(self) -> Iterator:
        """All of them, as a dataset gives them under this name."""
        return iter(self)

    def told(self, waited: Callable[[float], None]) -> Stepwise:
        """The same batches, with `waited`."""
        return Stepwise(self.make, self.numbers, waited)

    def mapped(self, change: Callable) -> Stepwise:
        """What `change(*batch)` makes of each."""
        make = self.make
        return Stepwise(lambda number: change(*make(number)), self.numbers, self.waited)
