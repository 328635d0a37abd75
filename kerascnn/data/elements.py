"""The examples of a source one by one, as a tf.data dataset that is made when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

TOGETHER = 16  # examples read at a time


class Elements:
    """A field of `Data` for the dataset of a split: the one that was given, else one of its source, or None."""

    def __set_name__(self, owner: type, name: str):
        """Learns the name of the split."""
        self._split, self._made = name, f"_{name}_made"

    def __get__(self, data: Any, owner: type | None = None) -> Any:
        """The dataset; it is made once."""
        if data is None:
            return self
        kept = data.__dict__
        if kept[self._split] is None and self._split in data.sources and self._made not in kept:
            kept[self._made] = elements_of(data.sources[self._split])
        return kept.get(self._made, kept[self._split])

    def __set__(self, data: Any, dataset: tf.data.Dataset | None):
        """Keeps what was given; a field that was left out gets this descriptor itself."""
        data.__dict__[self._split] = None if dataset is self else dataset

    def __repr__(self):
        """As the default of a field, in its signature."""
        return "None"


def elements_of(source) -> tf.data.Dataset:
    """The examples of `source` one by one, in their order."""
    import tensorflow as tf

    from kerascnn.data.stepping import as_dataset

    def make(number: int):
        return source.fetch(np.arange(number * TOGETHER, min((number + 1) * TOGETHER, source.size)))

    blocks = as_dataset(make, range(-(-source.size // TOGETHER)), lambda: source.fetch(np.zeros(1, np.int64)), None)
    return blocks.unbatch().apply(tf.data.experimental.assert_cardinality(source.size))
