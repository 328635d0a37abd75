"""Weighted sums of losses."""

from collections.abc import Iterable
from typing import Any

import keras

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class Sum(keras.losses.Loss):
    """The weighted sum of losses: `parts` are pairs of a keras.losses.Loss and its weight, a number of at least 0.

    Every part is given the targets, the predictions and the sample weights.

    >>> from kerascnn.losses import MapCrossentropy, SoftDice
    >>> loss = Sum([(MapCrossentropy(), 1.0), (SoftDice(), 0.5)])
    >>> round(float(loss([[0]], [[[0.5, 0.5]]])), 4)  # ln 2 + (1 - 1 / 1.5) / 2
    0.8598
    """

    def __init__(self, parts: Iterable[tuple[keras.losses.Loss, float]], *, name: str = "sum"):
        super().__init__(name=name)
        self.parts = tuple(_part(part) for part in parts)
        if not self.parts:
            raise ValueError(checks.message("parts", "have at least one pair of a loss and its weight", self.parts))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The sum of the losses of a batch."""
        return sum(weight * loss(y_true, y_pred, sample_weight) for loss, weight in self.parts)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"name": self.name, "parts": [[keras.losses.serialize(loss), weight] for loss, weight in self.parts]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Sum":
        """The sum that `get_config` described."""
        parts = [(keras.losses.deserialize(loss), weight) for loss, weight in config["parts"]]
        return cls(**{**config, "parts": parts})


def _part(part):
    pair = tuple(part) if isinstance(part, tuple | list) else (part,)
    if len(pair) != 2 or not isinstance(pair[0], keras.losses.Loss):
        mend = "Pass [(SoftDice(), 0.5), ...]."
        raise ValueError(checks.message("parts", "be pairs of a keras.losses.Loss and its weight", part, mend))
    return pair[0], checks.in_range("parts", pair[1], 0, float("inf"), ends="[)")
