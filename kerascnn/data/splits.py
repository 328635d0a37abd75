"""Stratified, seeded splits."""

import numpy as np

from kerascnn import checks


def stratified(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sorted arrays of indices, `(kept, held)`: about `share` of each class is held out.

    A class of two or more examples gives at least one and keeps at least one; a single example is kept. The draw of a
    class depends on `seed` and that class only.

    >>> kept, held = stratified(np.array([0, 0, 0, 0, 1, 1]), 0.25, seed=0)
    >>> len(kept), np.bincount(np.array([0, 0, 0, 0, 1, 1])[held]).tolist()
    (4, [1, 1])
    """
    checks.in_range(
        "validation", share, 0, 1, ends="()", mend="Pass validation=0.1, or a validation split of your own."
    )
    held = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        held.append(np.random.default_rng([seed, label]).permutation(members)[:count])
    held = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held), held
