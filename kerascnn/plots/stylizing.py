"""Pictures of a style transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn.plots.images import show
from kerascnn.plots.style import BLUE, INK, MUTED, ORANGE, blank, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 2.6  # of the images, in inches


@styled
def stylization(content: np.ndarray, styles: Sequence[np.ndarray], image: np.ndarray) -> Figure:
    """The content, the image or images of the style and, larger, what was made of them, side by side.

    All are `(height, width, channels)` in 0..255.
    """
    small = [(content, "content"), *((style, "style") for style in styles)]
    ratio = image.shape[1] / image.shape[0]
    column = max(style.shape[1] / style.shape[0] for style, _ in small) * 2 * HEIGHT / len(small)
    figure = blank(2 * HEIGHT * ratio + column, 2 * HEIGHT + 0.3)
    left, right = figure.subfigures(1, 2, width_ratios=(column, 2 * HEIGHT * ratio))
    panels = left.subplots(len(small), 1, squeeze=False).ravel()
    for panel, (shown, title) in zip([*panels, right.subplots()], [*small, (image, "result")], strict=True):
        show(panel, shown)
        panel.set_anchor("NW")
        panel.set_title(title, fontsize=9, pad=4)
    return figure


@styled
def descent(history: Mapping[str, Sequence[float]]) -> Figure:
    """How the losses fell with the steps: lists "step" and "size", and each list whose name ends with "loss".

    The axis of the losses is logarithmic; what is 0 throughout is left out. A line stands where the size
    grew.
    """
    figure = blank(5.4, 3.2)
    panel = figure.subplots()
    steps, sizes = history["step"], history["size"]
    names = [name for name in history if name.endswith("loss") and any(history[name])]
    starts = [0, *(np.flatnonzero(np.diff(sizes)) + 1).tolist()]
    for name, colour in zip(names, (INK, BLUE, ORANGE, MUTED), strict=False):
        for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
            label = None if start else "sum" if name == "loss" else name.removesuffix("_loss")
            panel.plot(steps[start:end], history[name][start:end], ".-", color=colour, label=label, markersize=4)
    for start in starts:
        begun = steps[start - 1] if start else 0
        panel.axvline(begun, color=MUTED, linewidth=0.8, linestyle="--" if start else "none")
        panel.text(begun, 1.01, f" {sizes[start]} px", transform=panel.get_xaxis_transform(), color=MUTED, fontsize=8)
    panel.set(yscale="log", xlabel="step", ylabel="weighted loss", xlim=(0, steps[-1] * 1.02))
    panel.legend(loc="best", ncols=2)
    return figure
