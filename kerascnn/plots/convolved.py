"""What designed kernels make of an image, and what of it layers see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show
from kerascnn.plots.style import MUTED, blank, grid, short, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 2.1  # of a panel, in inches
MOST = 8  # frames that the eye tells apart
LARGEST = 1.1  # of a frame, against the image


@styled
def convolved(results: Mapping[str, np.ndarray], kernels: Mapping[str, Any], *, columns: int = 4) -> Figure:
    """What kernels make of an image, a panel each, with the kernel in a corner: white above 0, black below.

    Where the numbers of a kernel sum to 0, it gives 0 for level parts of an image: they are middle grey, and the
    contrast is that of the 99th percentile. What other kernels give is drawn as an image in 0..255.

    Args:
        results: by the kernel's name `(height, width)` or `(height, width, channels)`, of `inspect.apply`.
        kernels: by name `(height, width)`, such as `inspect.KERNELS`.
        columns: panels in a row.

    Raises: ValueError for no results, or a name without a kernel.
    """
    if not results:
        raise ValueError(checks.message("results", "hold at least one", results))
    matrices = {name: np.asarray(kernels[checks.one_of("results", name, kernels)], float) for name in results}
    height, width = np.shape(next(iter(results.values())))[:2]
    figure, panels = grid(len(results), columns, WIDTH, WIDTH * height / width + 0.25)
    for panel, (name, result) in zip(panels, results.items(), strict=True):
        result, matrix = np.asarray(result, float), matrices[name]
        if abs(matrix.sum()) < 1e-6:
            result = 127.5 + 127.5 * result / (np.percentile(np.abs(result), 99) or 1)
        show(panel, result.reshape(*result.shape[:2], -1))
        panel.set_title(short(name), fontsize=9, pad=4)
        _inset(panel, matrix, height / width)
    return figure


@styled
def receptive_fields(image: np.ndarray, fields: Mapping[str, Any]) -> Figure:
    """Frames around what layers see of an image: of each the place whose field's centre is nearest to the middle.

    Of layers with fields of one size the first is drawn, and no more than 8 in all, evenly chosen; those of one pixel
    and those much larger than the image are left out where there are others.

    Args:
        image: `(height, width, channels)` in 0..255.
        fields: by layer, of `inspect.receptive_fields`.

    Raises: ValueError for no fields.
    """
    if not fields:
        raise ValueError(checks.message("fields", "hold at least one", fields))
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    height, width = np.shape(image)[:2]
    first = {field.size: name for name, field in reversed(fields.items())}
    chosen = sorted(first.items(), key=lambda each: each[0][0] * each[0][1])
    fitting = [each for each in chosen if each[0] != (1, 1) and max(each[0]) <= LARGEST * max(height, width)]
    chosen = fitting or chosen[:1]
    chosen = [chosen[index] for index in np.unique(np.linspace(0, len(chosen) - 1, MOST).round().astype(int))]
    figure = blank(8, max(2.5, 5.5 * height / width))
    panel = figure.subplots()
    show(panel, image)
    for (size, name), colour in zip(chosen, colormaps["plasma"](np.linspace(0, 0.9, len(chosen))), strict=True):
        sides = zip((height, width), size, fields[name].stride, fields[name].centre, strict=True)
        corner = [_corner(*side) for side in sides]
        label = f"{size[0]} x {size[1]}  {short(name, 30)}"
        frame = Rectangle(corner[::-1], *size[::-1], fill=False, edgecolor=colour, linewidth=1.8, label=label)
        panel.add_patch(frame)
    panel.autoscale_view()
    figure.legend(loc="outside right upper", fontsize=8.5)
    return figure


def _corner(length: int, size: int, stride: float, centre: float) -> float:
    """Where, along an axis of the image, the field nearest to the middle begins."""
    place = max(0, round(((length - 1) / 2 - centre) / stride))
    return centre + place * stride - size / 2


def _inset(panel: Axes, matrix: np.ndarray, ratio: float) -> None:
    high = 0.24 * min(1, 1 / ratio)
    corner = panel.inset_axes((0.02, 0.02, high * ratio * matrix.shape[1] / matrix.shape[0], high))
    reach = np.abs(matrix).max() or 1
    corner.pcolormesh(matrix[::-1], cmap="gray", vmin=-reach, vmax=reach, edgecolors=MUTED, linewidth=0.5)
    corner.set(xticks=[], yticks=[])
    corner.grid(False)
