"""`Plan`: a pipeline without its nesting, each step with the columns of its draws and the gates that let it act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kerascnn.augmentation.transform import Transform


@dataclass(frozen=True)
class Gate:
    """Open for the images whose draw in `column` is in `low`..`high`."""

    column: int
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """A transform, its first column of draws, and the gates that must all be open."""

    transform: Transform
    first: int
    gates: tuple[Gate, ...] = ()

    def own(self, u):
        """The draws `(n, draws)` of its transform."""
        return u[:, self.first : self.first + self.transform.draws]

    def active(self, u):
        """`(n,)`, whether the step acts on each image; None if it acts on all."""
        mask = None
        for gate in self.gates:
            draw = u[:, gate.column]
            inside = (draw >= gate.low) & (draw < gate.high)
            mask = inside if mask is None else mask & inside
        return mask


@dataclass(frozen=True)
class Plan:
    """`steps` in their order, and how many `draws` they need for an image."""

    steps: tuple[Step, ...]
    draws: int


def plan(transform) -> Plan:
    """The steps of a transform, however deep it is nested.

    >>> from kerascnn.augmentation import OneOf, Pipeline, Rotate, Zoom
    >>> [step.gates for step in plan(Pipeline(Rotate(10), OneOf(Rotate(90), Zoom(0.1)))).steps]
    [(), (Gate(column=1, low=0.0, high=0.5),), (Gate(column=1, low=0.5, high=1.0),)]
    """
    steps, draws = [], 0
    for step, needed in _walk(transform, (), 0):
        draws = max(draws, needed)
        steps += [step] if step else []
    return Plan(tuple(steps), draws)


def _walk(transform, gates, first) -> Iterator[tuple[Step | None, int]]:
    """Each step with the column behind its last; a pair without a step moves the column alone."""
    if transform.p < 1:
        gates, first = (*gates, Gate(first, 0.0, transform.p)), first + 1
        yield None, first
    if hasattr(transform, "expanded"):
        transform = transform.expanded()
    children = getattr(transform, "transforms", None)
    if children is None:
        yield Step(transform, first, gates), first + transform.draws
        return
    column, ends = first, None
    if hasattr(transform, "ends"):
        first, ends = first + 1, transform.ends()
        yield None, first
    for number, child in enumerate(children):
        own = gates if ends is None else (*gates, Gate(column, *ends[number]))
        for step, first in _walk(child, own, first):  # noqa: B020, PLW2901
            yield step, first
