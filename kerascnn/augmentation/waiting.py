"""What the engine has put off: matrices, displacements and colour maps of a batch, each for the images that it is for.

A mask `(n,)` says for which images; `None` in its place stands for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Geometry:
    """One matrix an image, and perhaps one field of displacements, for a result of `size`."""

    backend: Any
    matrices: Any = None
    field: Any = None
    size: tuple | None = None
    on: Any = None
    waits: bool = False

    def join(self, on, size, *, matrices=None, field=None):
        """Adds matrices, to act after those there are, or displacements, to be added to those there are."""
        xp = self.backend.np
        if matrices is not None:
            matrices = matrices if on is None else xp.where(on[:, None, None], matrices, eye(3, xp))
            self.matrices = matrices if self.matrices is None else xp.matmul(matrices, self.matrices)
        if field is not None:
            field = field if on is None else field * _share(on, xp)
            self.field = field if self.field is None else self.field + field
        self.on = either(self.on, on) if self.waits else on
        self.size, self.waits = size, True

    def take(self, on, count):
        """Matrices and field that are due for the images `on`, and the images that they move; the rest waits on."""
        xp, identity = self.backend.np, eye(3, self.backend.np)
        due = xp.tile(identity[None], (count, 1, 1)) if self.matrices is None else self.matrices
        field, rows = self.field, both(self.on, on)
        if on is None:
            self.matrices, self.field, self.size, self.waits = None, None, None, False
            return due, field, rows
        self.matrices = xp.where(on[:, None, None], identity, due)
        self.on = both(self.on, ~on)
        if field is not None:
            self.field, field = field * _share(~on, xp), field * _share(on, xp)
        return xp.where(on[:, None, None], due, identity), field, rows


@dataclass
class Colour:
    """One colour matrix `(channels, channels + 1)` an image; as `lines` too, entries of `Points`, if it is no more."""

    backend: Any
    matrices: Any = None
    on: Any = None
    lines: list | None = field(default_factory=list)

    def join(self, on, matrices, line=None):
        """Adds colour matrices, to act after those there are."""
        xp = self.backend.np
        self.lines = None if line is None or self.lines is None else [*self.lines, line]
        if on is not None:
            matrices = xp.where(on[:, None, None], matrices, eye(matrices.shape[-1], xp)[:-1])
        if self.matrices is None:
            self.matrices, self.on = matrices, on
            return
        linear = xp.matmul(matrices[..., :-1], self.matrices[..., :-1])
        offset = xp.matmul(matrices[..., :-1], self.matrices[..., -1:]) + matrices[..., -1:]
        self.matrices, self.on = xp.concatenate([linear, offset], axis=-1), either(self.on, on)

    def take(self, on):
        """The matrices, and the images among `on` that they change; the others' go on waiting."""
        due, rows, xp = self.matrices, both(self.on, on), self.backend.np
        if on is None:
            self.matrices, self.lines = None, []
        else:
            self.matrices = xp.where(on[:, None, None], eye(due.shape[-1], xp)[:-1], due)
            self.on, self.lines = both(self.on, ~on), None
        return due, rows


@dataclass
class Points:
    """Functions of single values: `entries` of (transform, draws, mask), one after the other."""

    backend: Any
    entries: list = field(default_factory=list)

    def take(self, on):
        """A function of images and what it is to be given, and the images among `on` that it changes."""
        transforms, given, rows = [], [], False
        for transform, u, acts in self.entries:
            transforms.append(transform)
            given += [u, acts]
            rows = either(rows, acts)
        self.entries = [] if on is None else [(t, u, both(acts, ~on)) for t, u, acts in self.entries]

        def change(images, *given):
            def function(levels):
                for transform, u, acts in zip(transforms, given[::2], given[1::2], strict=True):
                    levels = _valued(transform, levels, u, acts, self.backend.np)
                return levels

            return self.backend.pointwise(images, function)

        return change, given, both(rows, on)


class Line:
    """`a * x + b`, where the draws are `a` and `b`: a colour matrix that treats every channel alike."""

    draws = 2

    @staticmethod
    def values(x, u, xp):
        """The point of the line."""
        return u[0] * x + u[1]


def _valued(transform, levels, u, acts, xp):
    own = tuple(_over(u[:, i], levels, xp) for i in range(transform.draws))
    changed = transform.values(levels, own, xp)
    return changed if acts is None else xp.where(_over(acts, levels, xp), changed, levels)


def _over(numbers, x, xp):
    """`(n,)` in a shape that broadcasts against `x` `(n, ...)`."""
    return xp.reshape(numbers, (-1, *(1,) * (len(x.shape) - 1)))


def _share(on, xp):
    return xp.where(on, 1.0, 0.0)[:, None, None, None]


def eye(size, xp):
    """The identity, in the type that the namespace counts in."""
    return xp.eye(size, dtype="float64" if xp.__name__ == "numpy" else "float32")


def either(one, other):
    """The images of one mask or the other; None stands for all, False for none."""
    if one is None or other is None:
        return None
    return other if one is False else one | other


def both(one, other):
    """The images of both masks; None stands for all."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
