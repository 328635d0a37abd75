"""Losses of one box an image, `(batch, 4)` "xyxy" in pixels, for localization."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.boxes import overlap
from kerascnn.boxes.overlaps import KINDS


class _OfEdges(keras.losses.Loss):
    """A loss of the four edges as shares of the image's `size`, (height, width) in pixels."""

    def __init__(self, size: tuple[int, int], *, name: str, **options: Any):
        super().__init__(name=name, **options)
        if not isinstance(size, tuple | list) or len(size) != 2:
            raise ValueError(checks.message("size", "be (height, width) in pixels", size))
        self.size = tuple(checks.positive_int("size", side) for side in size)

    def differences(self, y_true: Any, y_pred: Any) -> Any:
        """Predicted minus true edges, `(batch, 4)`, as shares of width and height."""
        height, width = self.size
        scale = ops.convert_to_tensor([width, height, width, height], "float32")
        return (ops.cast(y_pred, "float32") - ops.cast(y_true, "float32")) / scale

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "size": list(self.size)}


@keras.saving.register_keras_serializable("kerascnn")
class BoxMSE(_OfEdges):
    """The mean square of the errors of the four edges, as shares of the image's `size` (height, width).

    >>> round(float(BoxMSE((100, 200))([[0, 0, 100, 50]], [[20, 0, 100, 60]])), 6)  # (0.1^2 + 0.1^2) / 4
    0.005
    """

    def __init__(self, size: tuple[int, int], *, name: str = "box_mse", **options: Any):
        super().__init__(size, name=name, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each box, `(batch,)`."""
        return ops.mean(ops.square(self.differences(y_true, y_pred)), axis=-1)


@keras.saving.register_keras_serializable("kerascnn")
class SmoothL1(_OfEdges):
    """The mean over the edges of d^2 / (2 beta) for errors below `beta` and d - beta / 2 for larger ones.

    Errors d are shares of the image's `size` (height, width): far boxes pull no harder than others, near ones come to
    rest. Girshick 2015, https://arxiv.org/abs/1504.08083

    >>> round(float(SmoothL1((100, 100), beta=0.1)([[0, 0, 50, 50]], [[5, 0, 80, 50]])), 6)  # (0.0125 + 0.25) / 4
    0.065625
    """

    def __init__(self, size: tuple[int, int], beta: float = 0.1, *, name: str = "smooth_l1", **options: Any):
        super().__init__(size, name=name, **options)
        self.beta = checks.in_range("beta", beta, 0, float("inf"), ends="()")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each box, `(batch,)`."""
        errors = ops.abs(self.differences(y_true, y_pred))
        near = ops.square(errors) / (2 * self.beta)
        return ops.mean(ops.where(errors < self.beta, near, errors - self.beta / 2), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "beta": self.beta}


@keras.saving.register_keras_serializable("kerascnn", name="BoxIoULoss")  # the metric BoxIoU has the plain name
class BoxIoU(keras.losses.Loss):
    """1 - overlap of `kind` "iou", "giou", "diou" or "ciou", as `kerascnn.boxes.overlap` explains them.

    >>> round(float(BoxIoU("diou")([[0, 0, 10, 10]], [[5, 0, 15, 10]])), 4)
    0.7436
    """

    def __init__(self, kind: str = "ciou", *, name: str | None = None, **options: Any):
        self.kind = checks.one_of("kind", kind, KINDS)
        super().__init__(name=name or kind, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each box, `(batch,)`."""
        return 1 - overlap(y_true, y_pred, self.kind)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "kind": self.kind}
