"""The warping error: what remains wrong when borders may be moved as long as nothing splits, joins or vanishes."""

from collections import deque
from typing import Any

import numpy as np

from kerascnn import checks


def warping_error(truth: Any, predicted: Any) -> float:
    """The share of pixels of a binary map `(height, width)` that differ after `truth` was warped towards `predicted`.

    Non-zero is object (connected by 4 neighbours), 0 is background (by 8), as are all pixels outside. The truth changes
    one pixel at a time, where it differs from the prediction and where the change keeps its topology (a simple point),
    until no such pixel is left: what still differs are splits, mergers, holes and objects too few or too many. The
    order is that of a queue from the top left; another order may end a little lower, as the best warping is not
    searched for. Time grows with the number of pixels that differ, some microseconds each.
    Raises: ValueError for shapes that differ. Jain et al. 2010, https://doi.org/10.1109/CVPR.2010.5539950

    >>> warping_error([[1, 1, 1, 0]], [[1, 0, 0, 0]])  # only shorter
    0.0
    >>> warping_error([[1, 1, 1, 0]], [[1, 0, 1, 0]])  # torn
    0.25
    """
    truth, predicted = np.asarray(truth) != 0, np.asarray(predicted) != 0
    if truth.ndim != 2 or truth.shape != predicted.shape:
        raise ValueError(checks.message("truth", f"be (height, width), as `predicted`, {predicted.shape}", truth.shape))
    warped = _warped(np.pad(truth, 1), np.pad(predicted, 1))
    return float(np.mean(warped[1:-1, 1:-1] != predicted))


def _warped(truth, goal):
    """`truth` flipped at simple points where it differs from `goal`, until none is left; both have a margin of 0."""
    width = truth.shape[1]
    around = (1, 1 - width, -width, -width - 1, -1, width - 1, width, width + 1)  # from the east, counter-clockwise
    shape, simple = truth.shape, _simple_points()
    state, goal = bytearray(truth.tobytes()), goal.tobytes()
    queue = deque(np.flatnonzero(truth.ravel() != np.frombuffer(goal, bool)).tolist())
    while queue:
        place = queue.popleft()
        if state[place] != goal[place] and simple[sum(state[place + step] << i for i, step in enumerate(around))]:
            state[place] ^= 1
            queue.extend(place + step for step in around if state[place + step] != goal[place + step])
    return np.frombuffer(bytes(state), bool).reshape(shape)


def _simple_points():
    """For each of the 256 neighbourhoods, whether its middle may change: its connectivity number is 1 (Yokoi 1973)."""
    x = np.arange(256)[:, None] >> np.arange(8) & 1
    east = range(0, 8, 2)
    number = sum(x[:, k] - x[:, k] * x[:, k + 1] * x[:, (k + 2) % 8] for k in east)
    return (number == 1).tolist()
