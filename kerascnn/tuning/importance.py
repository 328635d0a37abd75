"""How much each hyperparameter has to do with the score."""

from collections.abc import Iterable, Sequence

import numpy as np

from kerascnn import checks
from kerascnn.tuning.trials import Trial, varying

LEAST = 4
"""So many finished trials are needed to say anything."""
TREES, SEED = 300, 0


def importance(trials: Iterable[Trial], direction: str | None = None) -> dict[str, float]:
    """The share of each hyperparameter in the variation of the score, largest first; the shares sum to 1.

    A random forest learns the score from the values. The importance of a hyperparameter is how much the squared error
    rises, on the trials that a tree has not learnt from, when these get the values of other trials for it. Where a
    hyperparameter is inactive it has no influence, so it gets values there at random: the credit for its absence
    stays with the one that switched it off.

    `direction`: None weighs all differences. With "max" or "min", scores worse than the median count as the median:
    what counts is what makes a good network better, rather than what breaks a bad one.

    Returns: {} with fewer than 4 finished trials, and where the scores or the values are all equal.

    Sources: importance of hyperparameters by a forest after Hutter, Hoos and Leyton-Brown, "An Efficient Approach for
    Assessing Hyperparameter Importance" (ICML 2014); permutation on unseen examples after Breiman, "Random Forests"
    (Machine Learning 45, 2001), section 10.
    """
    if direction is not None:
        checks.one_of("direction", direction, ("max", "min"))
    finished = sorted((t for t in trials if t.status == "finished"), key=lambda trial: trial.number)
    drawn = varying(finished)
    if len(finished) < LEAST or not drawn:
        return {}
    scores = _scores([trial.score for trial in finished], direction)
    generator = np.random.default_rng(SEED)
    rises = _rises([_encoded(column, generator) for column in drawn.values()], scores, generator)
    total = rises.sum()
    shares = zip(drawn, (rises / total).tolist(), strict=True) if total > 0 else ()
    return dict(sorted(shares, key=lambda share: -share[1]))


def _scores(scores: Sequence[float], direction: str | None) -> np.ndarray:
    """The scores to explain, scaled to 0..1 so that no unit of the score is too small for a tree."""
    scores = np.asarray(scores, float)
    if direction is not None:
        scores = {"max": np.maximum, "min": np.minimum}[direction](scores, np.median(scores))
    reach = np.ptp(scores)
    return (scores - scores.min()) / (reach if reach > 0 else 1)


def _encoded(column: Sequence, generator: np.random.Generator) -> np.ndarray:
    """The column as `(trials, features)`: numbers as they are, as a tree sees only their order; text one-hot."""
    active = [value for value in column if value is not None]
    drawn = generator.integers(len(active), size=len(column))
    filled = [active[other] if value is None else value for value, other in zip(column, drawn, strict=True)]
    if all(isinstance(value, (int, float)) for value in active):
        return np.array(filled, "float32")[:, None]
    texts = np.array([str(value) for value in filled])
    return (texts[:, None] == np.unique(texts)).astype("float32")


def _rises(columns: Sequence[np.ndarray], scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """How much the squared error on unseen trials rises without each column, as a mean over the trees, at least 0."""
    from sklearn.ensemble import RandomForestRegressor

    table = np.concatenate(columns, axis=1)
    ends = np.cumsum([column.shape[1] for column in columns])
    forest = RandomForestRegressor(TREES, random_state=SEED).fit(table, scores)
    rises = np.zeros(len(columns))
    for tree, seen in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        unseen = np.setdiff1d(np.arange(len(scores)), seen)
        if not len(unseen):
            continue
        without = [table[unseen]] * (len(columns) + 1)
        for place, (column, end) in enumerate(zip(columns, ends, strict=True)):
            without[place] = table[unseen].copy()
            without[place][:, end - column.shape[1] : end] = column[generator.integers(len(scores), size=len(unseen))]
        guesses = tree.predict(np.concatenate(without)).reshape(len(without), len(unseen))
        errors = np.mean((guesses - scores[unseen]) ** 2, axis=1)
        rises += errors[:-1] - errors[-1]
    return np.maximum(rises, 0)
