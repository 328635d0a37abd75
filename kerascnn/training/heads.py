"""A classifier from the mean features of each class: in closed form, and from one image a class on."""

import keras
import numpy as np

from kerascnn import checks

SURENESS = 0.9  # of the answer for the mean of a class
SMALL = 1e-12  # in place of a length of 0
ALIKE = 1e-4  # least squared distance of means of length 1 that is taken for one


def nearest_mean(features, labels, classes: int, *, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Kernel `(d, classes)` and bias `(classes,)` of a dense layer whose softmax is over distances to class means.

    The logit of class c is `-|x - m_c|^2 / temperature` with the mean m_c of its features; without `|x|^2`, which all
    classes share, it is linear: `2 m_c x / temperature - |m_c|^2 / temperature` (Snell et al. 2017, "Prototypical
    Networks for Few-shot Learning", https://arxiv.org/abs/1703.05175, section 2.4).

    Args:
        features: `(n, d)`.
        labels: `(n,)` indices of classes; each class has one example or more.
        classes: their number.
        temperature: above 0; the smaller, the surer the answers. It does not change which class is the nearest.

    >>> kernel, bias = nearest_mean([[0.0, 2.0], [0.0, 4.0], [1.0, 0.0]], [0, 0, 1], 2, temperature=2.0)
    >>> kernel.tolist(), bias.tolist()
    ([[0.0, 1.0], [3.0, 0.0]], [-4.5, -0.5])
    """
    checks.in_range("temperature", temperature, 0, float("inf"), ends="()")
    means = _means(np.asarray(features, np.float64), np.asarray(labels), classes)
    kernel, bias = 2 * means.T / temperature, -(means**2).sum(axis=1) / temperature
    return kernel.astype(np.float32), bias.astype(np.float32)


def _means(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean features of each class `(classes, d)`."""
    checks.same_length("features", features, "labels", labels)
    counts = np.bincount(labels, minlength=classes)
    if len(counts) > classes or not counts.all():
        rule = f"hold each of the classes 0..{classes - 1} once or more"
        raise ValueError(checks.message("labels", rule, f"counts {counts.tolist()}"))
    shares = (labels == np.arange(classes)[:, None]) / counts[:, None]
    return shares @ features


def begin_with_nearest_mean(layer: keras.layers.Dense, features, labels) -> None:
    """Sets a dense layer with softmax to the nearest class mean, by the directions of the features alone.

    The distance is that of `x / |x|` to the mean of a class, made of such vectors and itself of length 1 (the largest
    cosine). With a photograph of ants and one of bees, and EfficientNet-Lite0 in front, 78.3 % of the others are told
    apart, against 71.0 % by plain means (200 draws from hymenoptera); with all 244 both have 94.1 %. Means of length 1
    need no bias, so that which class is the answer does not depend on `|x|`; for how sure it is, `|x|` counts as the
    root mean square of the training features'. The temperature is such that a feature at the mean of a class, among
    others at their mean distance, has `SURENESS`.

    It needs one image a class. It is the start from which the head is trained, and all there is where nothing is.

    Args:
        layer: with its weights made; its units are the classes.
        features: `(n, d)`, what the layer gets.
        labels: `(n,)` indices of classes.

    Raises:
        ValueError: where the layer takes other features, and for a class without an example.
    """
    features = np.asarray(features, np.float64)
    if tuple(layer.kernel.shape) != (features.shape[1], layer.units):
        raise ValueError(checks.message("layer", f"take the {features.shape[1]} features", tuple(layer.kernel.shape)))
    means = _unit(_means(_unit(features), np.asarray(labels), layer.units))
    kernel, _ = nearest_mean(means, np.arange(layer.units), layer.units, temperature=_temperature(means))
    layer.kernel.assign(kernel / np.sqrt((features**2).sum(axis=1).mean() + SMALL))
    if layer.bias is not None:
        layer.bias.assign(np.zeros(layer.units))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), SMALL)


def _temperature(means: np.ndarray) -> float:
    """With which a point at a mean, and the others at the mean distance of two, has `SURENESS` of its class."""
    others = len(means) - 1
    if not others:
        return 1.0
    spread = 2 * ((means - means.mean(axis=0)) ** 2).sum() / others  # the mean of |m_c - m_k|^2 over pairs
    return max(spread, ALIKE) / np.log(others * SURENESS / (1 - SURENESS))
