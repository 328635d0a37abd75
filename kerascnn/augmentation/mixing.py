"""What batch operations need of the engine: partners for each image, and one batch out of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kerascnn.augmentation.batch import one_hot, partners
from kerascnn.augmentation.plan import Plan, Step


def grouped(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps one by one, but batch operations that exclude each other (choices of a `OneOf`) together."""
    group: list[Step] = []
    for step in steps:
        if group and not (hasattr(step.transform, "mix") and all(_exclusive(step, other) for other in group)):
            yield group
            group = []
        group.append(step)
        if not hasattr(step.transform, "mix"):
            yield group
            group = []
    if group:
        yield group


def _exclusive(one: Step, other: Step) -> bool:
    ends = {gate.column: (gate.low, gate.high) for gate in one.gates}
    return any(
        gate.column in ends and (gate.high <= ends[gate.column][0] or ends[gate.column][1] <= gate.low)
        for gate in other.gates
    )


def partner_counts(plan: Plan) -> list[int]:
    """For each group of batch operations, in their order, how many partners an image needs."""
    groups = (steps for steps in grouped(plan.steps) if hasattr(steps[0].transform, "mix"))
    return [max(step.transform.others for step in steps) for steps in groups]


def with_partners(plan: Plan, indices: np.ndarray, epoch: int, seed: int, size: int) -> np.ndarray:
    """The examples `indices` of `size` in all, then the partners of each: those of the last operation first."""
    for number, count in reversed(list(enumerate(partner_counts(plan)))):
        indices = np.concatenate([indices, *partners(indices, epoch, seed + number, size, count).T])
    return indices


def combined(batch, steps: Sequence[Step], u, backend) -> tuple[dict, int]:
    """The batch that the operations make of its rows, the examples and then their partners, and its length."""
    parts = 1 + max(step.transform.others for step in steps)
    count = backend.np.shape(u)[0] // parts
    groups = [taken(batch, slice(i * count, (i + 1) * count)) for i in range(parts)]
    result, u = groups[0], u[:count]
    for step in steps:
        mixed = step.transform.mix(groups[: 1 + step.transform.others], step.own(u), backend)
        on = step.active(u)
        result = mixed if on is None else _chosen(on, mixed, result, backend.np)
    return result, count


def taken(batch, rows) -> dict:
    """The `rows` of everything in a batch."""
    return {key: taken(leaf, rows) if isinstance(leaf, dict) else leaf[rows] for key, leaf in batch.items()}


def _chosen(on, new, old, xp):
    """`new` where `on` is true and `old` elsewhere, `old` brought to the form of `new`."""
    chosen = {}
    for key, leaf in new.items():
        if isinstance(leaf, dict):
            chosen[key] = _chosen(on, leaf, old[key], xp)
            continue
        other = old[key]
        if key == "labels" and len(other.shape) < len(leaf.shape):
            other = one_hot(other, leaf.shape[1], xp)
        elif key in ("boxes", "labels") and leaf.shape[1:] != other.shape[1:]:
            more = [(0, 0)] * len(leaf.shape)
            more[1] = (0, leaf.shape[1] - other.shape[1])
            other = xp.pad(other, more, constant_values=-1 if key == "labels" else 0)
        mask = xp.reshape(on, (-1, *(1,) * (len(leaf.shape) - 1)))
        kept = xp.where(mask, leaf, other)
        chosen[key] = kept.astype(leaf.dtype) if isinstance(kept, np.ndarray) else kept
    return chosen
