"""The engine: runs the steps of a plan with one interpolation and one pass over the colours, wherever that is possible.

Matrices, displacements and colour maps wait until something needs the pixels they would change: a pixel operation, a
batch operation or the end. What waits is multiplied together. Geometry is done first, then colour; both orders give the
same picture but for rounding, and for what comes in from outside, which is recoloured with the rest. Displacements act
in the frame of the result, whatever matrices stand beside them.

It is written once for `host` (NumPy, OpenCV) and `graph` (keras.ops): `backend.np` is the one's `numpy`, the other's
`ops`.
"""

from __future__ import annotations

from typing import Any

from kerascnn.augmentation import targets
from kerascnn.augmentation.draws import substreams
from kerascnn.augmentation.mixing import combined, grouped
from kerascnn.augmentation.plan import Plan, Step
from kerascnn.augmentation.waiting import Colour, Geometry, Line, Points


def run(plan: Plan, batch: dict, u, backend, *, border="reflect", ignore=255, min_visible=0.1, keys=None) -> dict:
    """The changed `batch` (a dict with Keras' names; see `Pipeline`) of a plan and its draws `u` `(n, plan.draws)`.

    `keys` seed noise: on the host a uint64 for each image, in a graph a Keras seed.
    """
    edges = {"border": border, "ignore": ignore, "min_visible": min_visible}
    state = _State(batch, u, backend, edges, keys)
    for steps in grouped(plan.steps):
        if hasattr(steps[0].transform, "mix"):
            state.mix(steps)
        else:
            kind = next(kind for kind in KINDS if hasattr(steps[0].transform, kind))
            KINDS[kind](state, steps[0], steps[0].active(state.u), steps[0].own(state.u))
    state.flush()
    return state.batch


class _State:
    """A batch on its way, and what waits to be done to it."""

    def __init__(self, batch: dict, u, backend, edges: dict, keys: Any):
        self.batch, self.u, self.backend, self.edges, self.keys = dict(batch), u, backend, edges, keys
        self.geometry, self.colour, self.points = Geometry(backend), Colour(backend), Points(backend)

    @property
    def size(self) -> tuple[int, int]:
        """`(height, width)` of the images once what waits is done."""
        return self.geometry.size or tuple(self.batch["images"].shape[1:3])

    def move(self, step: Step, on, u):
        """A matrix joins those that wait."""
        transform, xp = step.transform, self.backend.np
        if getattr(transform, "swap", None):
            mirrored = xp.ones_like(self.batch["images"][:, 0, 0, 0], dtype="bool") if on is None else on
            self.batch = targets.swap(self.batch, mirrored, transform.swap, xp)
        size = transform.output_size(self.size) if hasattr(transform, "output_size") else self.size
        self.geometry.join(on, size, matrices=transform.matrices(u, self.size, xp))

    def bend(self, step: Step, on, u):
        """Displacements join those that wait, if their grids are alike."""
        field, waiting = step.transform.displacements(u, self.size, self.backend.np), self.geometry.field
        if waiting is not None and waiting.shape[1:] != field.shape[1:]:
            self.flush()
        self.geometry.join(on, self.size, field=field)

    def recolour(self, step: Step, on, u):
        """A colour matrix joins those that wait, or the functions of single values if there are any."""
        transform, xp, line = step.transform, self.backend.np, None
        if self.points.entries and not transform.per_channel:
            self.flush()
        means = self._means(on) if transform.needs_means else None
        matrices = transform.colours(u, self.batch["images"].shape[-1], means, xp)
        if transform.per_channel:
            line = (Line, xp.stack([matrices[:, 0, 0], matrices[:, 0, -1]], axis=1), on)
        if self.points.entries:
            self.points.entries.append(line)
        else:
            self.colour.join(on, matrices, line)

    def _means(self, on):
        means, waiting = self.backend.means(self.batch["images"], on), self.colour.matrices
        if waiting is None:
            return means
        return self.backend.np.einsum("nij,nj->ni", waiting[..., :-1], means) + waiting[..., -1]

    def point(self, step: Step, on, u):
        """A function of single values joins those that wait, after the colour matrices if these are such functions."""
        if self.colour.lines:
            self.points.entries, self.colour = self.colour.lines, Colour(self.backend)
        self.points.entries.append((step.transform, u, on))

    def operate(self, step: Step, on, u):
        """A pixel operation: what waits for its images is done first."""
        self.flush(on)
        self._change(
            on, lambda images, u, keys: step.transform.pixels(images, u, self.backend, keys),
            u, substreams(self.keys, step.first),
        )  # fmt: skip

    def mix(self, steps: list[Step]):
        """Batch operations, of which at most one acts on each image: several rows become one."""
        self.flush()
        self.batch, count = combined(self.batch, steps, self.u, self.backend)
        self.u, self.keys = self.u[:count], self.keys[:count] if hasattr(self.keys, "shape") else self.keys

    def flush(self, on=None):
        """Does what waits for the images `on`; geometry that changes the size is done for all of them."""
        if self.geometry.waits:
            self._warp(on)
        if self.colour.matrices is not None:
            matrices, rows = self.colour.take(on)
            self._change(rows, self.backend.recolour, matrices)
        if self.points.entries:
            change, given, rows = self.points.take(on)
            self._change(rows, change, *given)

    def _warp(self, on):
        before, size, border = tuple(self.batch["images"].shape[1:3]), self.size, self.edges["border"]
        matrices, field, rows = self.geometry.take(on if size == before else None, self.backend.np.shape(self.u)[0])
        known = {}  # by the masks, for the images
        if len(self.batch) > 1:
            self.batch |= targets.move(
                self.batch, matrices, before, size, self.backend, field=field, known=known, **self.edges
            )
        rows = rows if size == before else None
        self._change(
            rows, lambda images, *given: self.backend.warp(images, given[0], size, border, *given[1:], known=known),
            matrices, *([] if field is None else [field])
        )  # fmt: skip

    def _change(self, rows, function, *given):
        self.batch["images"] = self.backend.partly(function, rows, self.batch["images"], *given)


KINDS = {
    "matrices": _State.move,
    "displacements": _State.bend,
    "colours": _State.recolour,
    "values": _State.point,
    "pixels": _State.operate,
}
