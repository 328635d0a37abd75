"""How good an embedding is: for search, for telling whether two images show the same, and for classes known by few."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import keras
import numpy as np

from kerascnn import checks, metrics
from kerascnn.data import Data
from kerascnn.metrics.distances import unit
from kerascnn.reports.embedding_figures import at_tau, compared, drawn_pairs, of_episodes
from kerascnn.reports.hardest import hardest
from kerascnn.reports.report import Report, examples_of, judged_on, predict, worst_and_others

QUERIES, FOUND, PAIRS = 6, 8, 8  # rows and columns of the picture of neighbours, and hardest pairs of each kind
CLASSES, EACH = 12, 80  # on the map, and images of each
PLANES = {"t-sne": "t-SNE", "pca": "principal components"}


def embedding(
    tower: keras.Model,
    data: Data,
    *,
    distance: str = "euclidean",
    far: float | None = None,
    episodes: Mapping[str, Any] | None = None,
    untrained: keras.Model | None = None,
    pairs: int = 20_000,
    plane: Literal["t-sne", "pca"] = "t-sne",
    seed: int = 0,
) -> Report:
    """Judges an embedding on the test split, or on the validation split where there is none.

    Figures are those of `metrics.retrieval` among the split's images; `nmi`; over drawn pairs, half of them of one
    class, `auc`, `eer` and `tau`, the threshold of the distance, which is chosen on the validation split, with its
    `false_accepts`, `false_rejects` and `accuracy_at_tau`, the mean of what is right of both kinds (of a split that was
    chosen on, these are a little too good); with `episodes` `episode_accuracy` and the ends of its 95 % interval,
    `_low` and `_high`. `recall_at_1_pixels` is that of the Euclidean distance of the images themselves, left out above
    67 million levels, and `recall_at_1_untrained` that of another tower.

    Pictures are "distances.png", "roc.png", "embedding.png" (up to 12 classes in the plane), "neighbours.png" (half of
    the queries are the worst ones) and "hardest.png".

    Args:
        tower: raw images -> `(batch, d)`.
        data: labelled; its classes may be others than those of the training.
        distance: "squared", "euclidean" or "cosine".
        far: wanted rate of false accepts, by which tau is chosen; None is the equal error rate.
        episodes: arguments of `metrics.episodes`, such as `{"ways": 20, "groups": data.groups}`; `drawers` are those
            of the split that is judged.
        untrained: a tower to compare with, as it was before training.
        pairs: how many to draw.
        plane: by which method embeddings are brought into the plane.
        seed: of pairs, clusters, episodes and plane.

    Raises:
        ValueError: for a wrong argument, and for splits without two images of a class or without two classes.
    """
    checks.one_of("plane", plane, PLANES)
    split = judged_on(data)
    labels, rows = predict(tower, data, split)
    apart, same = drawn_pairs(rows, labels, distance, pairs, seed)
    found = metrics.verification(apart, same)
    chosen = (labels, rows) if split == "validation" else predict(tower, data, "validation")
    tau = metrics.threshold(*drawn_pairs(*chosen[::-1], distance, pairs, seed), far)
    figures = metrics.retrieval(rows, labels, distance=distance, k=(1, 5))
    figures |= {"nmi": metrics.nmi(rows, labels, seed, distance=distance), "auc": found.auc, "eer": found.eer}
    figures |= at_tau(apart, same, tau) | compared(data, split, labels, untrained, distance)
    figures |= of_episodes(rows, labels, distance, {"seed": seed, **(episodes or {})}) if episodes is not None else {}
    from kerascnn import plots

    pictures = {
        "distances.png": partial(plots.distance_histogram, apart, same, tau),
        "roc.png": partial(plots.roc, found, tau),
    }
    if len(data.image_shape) == 3:
        pictures |= {
            "embedding.png": partial(_map, data, split, rows, labels, distance, plane, seed),
            "neighbours.png": partial(_neighbours, data, split, rows, labels, distance),
            "hardest.png": partial(_hardest, data, split, rows, labels, distance),
        }
    return Report(split, figures, pictures)


def _map(data, split, rows, labels, distance, plane, seed) -> Any:
    from kerascnn import plots

    shown = _of_few(labels, seed)
    points = in_plane(unit(rows[shown]) if distance == "cosine" else rows[shown], plane, seed)
    images, _ = examples_of(data, split, shown)
    present, every = len(np.unique(labels[shown])), len(np.unique(labels))
    title = f"{present} of {every} classes" if present < every else f"{every} classes"
    return plots.embedding_map(points, images, labels[shown], data.class_names, title=f"{title}, by {PLANES[plane]}")


def _of_few(labels: np.ndarray, seed: int) -> np.ndarray:
    """Indices of up to 80 images of each of up to 12 classes, which lie evenly among those that occur."""
    classes = np.unique(labels)
    chosen = classes[np.linspace(0, len(classes) - 1, min(len(classes), CLASSES)).astype(int)]
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:EACH] for label in chosen]))


def in_plane(rows: np.ndarray, plane: str, seed: int) -> np.ndarray:
    """Rows `(n, d)` as points `(n, 2)`: their principal components, or t-SNE from there (van der Maaten 2008)."""
    centred = rows - rows.mean(axis=0)
    components = np.linalg.svd(centred.astype(np.float64), full_matrices=False)[2][:2]
    points = centred @ components.T
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    if plane == "pca" or len(rows) < 8 or not points.std(axis=0)[0]:
        return points
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    start = 1e-4 * points / points.std(axis=0)[0]
    with threadpool_limits(1):  # its threads wait for each other, ten times longer where other work runs
        return TSNE(perplexity=min(30, (len(rows) - 1) / 3), init=start, random_state=seed).fit_transform(rows)


def _neighbours(data, split, rows, labels, distance) -> Any:
    from kerascnn import plots

    found, apart = metrics.nearest(rows, rows, FOUND, distance=distance, own=np.arange(len(rows)))
    right = labels[found] == labels[:, None]
    shown = worst_and_others(1 - right.mean(axis=1), QUERIES)
    wanted = np.concatenate([shown, found[shown].ravel()])
    images = examples_of(data, split, wanted)[0]
    rest = iter(images[len(shown) :])
    return plots.neighbours(
        images[: len(shown)],
        [[next(rest) for _ in row] for row in found[shown]],
        [[f"{far:.3g}" for far in row] for row in apart[shown]],
        right=right[shown],
        names=[plots.style.short(data.class_names[label], 14) for label in labels[shown]],
    )


def _hardest(data, split, rows, labels, distance) -> Any:
    from kerascnn import plots

    def told(pair, far):
        names = dict.fromkeys(plots.style.short(data.class_names[label], 12) for label in labels[pair])
        return f"{far:.3g}  {' | '.join(names)}"

    kinds = hardest(rows, labels, PAIRS, distance)
    images = iter(examples_of(data, split, np.concatenate([kind.pairs.ravel() for kind in kinds]))[0])
    shown = [[(next(images), next(images), told(*each)) for each in zip(*kind, strict=True)] for kind in kinds]
    return plots.hardest_pairs(*shown)
