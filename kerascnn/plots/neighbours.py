"""Images and what a search has found for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.plots.images import show
from kerascnn.plots.style import BLUE, INK, ORANGE, blank, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, HEIGHT, GAP = 1.15, 1.4, 0.2  # of a panel in inches; the gap after the query in widths of a panel


@styled
def neighbours(
    queries: Sequence[np.ndarray],
    found: Sequence[Sequence[np.ndarray]],
    titles: Sequence[Sequence[str]],
    *,
    right: Sequence[Sequence[bool]] | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """A row for each query: its image, then those found for it, nearest first, under their titles (distances, say).

    Images are `(height, width, channels)` in 0..255, of any size; rows may be of different length. `right` says of each
    found image whether it is of the query's class: right ones are framed in blue, wrong ones in orange. `names` stand
    above the queries. Raises: ValueError without a query, and where the arguments do not match.
    """
    for name, rows in (("found", found), ("titles", titles), ("right", right), ("names", names)):
        if rows is not None:
            checks.same_length("queries", queries, name, rows)
    columns = max(map(len, found), default=0)
    if not columns:
        raise ValueError(checks.message("found", "hold an image at least", "none"))
    figure = blank((1 + GAP + columns) * SIDE, len(queries) * HEIGHT)
    ratios = [1, GAP, *[1] * columns]
    panels = figure.subplots(len(queries), columns + 2, squeeze=False, width_ratios=ratios)
    for panel in panels.ravel():
        panel.axis("off")
    for row, (query, images, texts) in enumerate(zip(queries, found, titles, strict=True)):
        _draw(panels[row, 0], query, names[row] if names else "query", INK)
        frames = [None] * len(images) if right is None else [BLUE if good else ORANGE for good in right[row]]
        for panel, image, text, frame in zip(panels[row, 2:], images, texts, frames, strict=False):
            _draw(panel, image, text, frame or INK, framed=frame is not None)
    return figure


def _draw(panel, image, title, colour, *, framed=False) -> None:
    panel.axis("on")
    show(panel, image)
    panel.set_title(title, color=colour, fontsize=8, pad=4)
    if framed:
        panel.spines[:].set(visible=True, color=colour, linewidth=2.5)
