"""How much of an image its code keeps, and what the code knows of classes that nobody told it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import checks, metrics
from kerascnn.data import Data
from kerascnn.reports import autoencoding_pictures as drawing
from kerascnn.reports.autoencoding_figures import activity, levels, principal_components, probed
from kerascnn.reports.report import Report, answers, batches, judged_on

TAUGHT = 20_000  # training codes that a probe sees
EXACT = 1e-9  # mean squared error of components that leave nothing out


def autoencoding(
    model: keras.Model,
    data: Data,
    *,
    encoder: keras.Model,
    decoder: keras.Model,
    kind: str,
    code_size: int,
    labels: Mapping[str, Any] | None = None,
    class_names: Sequence[str] = (),
    seed: int = 0,
) -> Report:
    """Judges an autoencoder on the test split, or on the validation split where there is none.

    Of the reconstruction, means over images: `mse`, of values in 0..1, not clipped; `mse_p99`, which one image in 100
    exceeds: a threshold for what is unlike the training images; `psnr` in dB; `ssim` where sides have 11 pixels or
    more; `mse_pca` of as many principal components of training images as a code has numbers, and by which share the
    network's is lower, `mse_below_pca`.

    Of the codes, which are those of the targets, without noise: `code_std_least`, the least standard deviation of a
    unit, and `active_units`, the share of units whose variance is above 0.01 (Burda et al. 2016,
    https://arxiv.org/abs/1509.00519): of the mean square of all codes, or, if `kind` is "variational", of 1. Where half
    or more are not, that is a warning, which is in `warnings` too. Of "sparse" also `active_share`, how many units of a
    code are not 0, a mean over images.

    With labels: `linear_probe_accuracy` and `knn_accuracy` of classifiers that are taught by up to 20,000 training
    codes, `linear_probe_accuracy_pca` by principal components instead, and `recall_at_1` of a search among the codes.

    Pictures are "reconstructions.png", "anomalies.png", "codes.png", "interpolations.png" and "samples.png".

    Args:
        model: `decoder(encoder(images))`, of raw images in 0..255.
        data: whose targets are images of the same shape.
        encoder: images -> codes `(batch, code_size)`.
        decoder: codes -> images.
        kind: samples of a "variational" one are drawn from N(0, 1), of others from a Gaussian fitted to the codes.
        code_size: numbers in a code.
        labels: integers `(n,)` by split, of the training split and of the one that is judged.
        class_names: of the labels; otherwise their numbers.
        seed: of all that is drawn.

    Raises:
        ValueError: for labels of another number, or without one of these splits.
    """
    split = judged_on(data)
    _check(labels, data, split)
    components = principal_components(data, code_size, seed)
    (known, known_pca), (codes, codes_pca) = (_codes(encoder, components, data, each) for each in ("train", split))
    rows = _rebuilt(model, components, data, split)
    figures = {name: float(np.mean(values)) for name, values in rows.items()}
    figures |= {"mse_p99": float(np.percentile(rows["mse"], 99))}
    if figures["mse_pca"] > EXACT:
        figures["mse_below_pca"] = 1 - figures["mse"] / figures["mse_pca"]
    figures |= activity(codes, kind)
    truth = None if labels is None else np.asarray(labels[split])
    if labels is not None:
        chosen = np.random.default_rng(seed).permutation(len(known))[:TAUGHT]
        taught = np.asarray(labels["train"])[chosen]
        figures |= probed(known[chosen], taught, codes, truth, (known_pca[chosen], codes_pca))
    pictures = {
        "reconstructions.png": partial(drawing.reconstructions, model, data, split, rows["mse"]),
        "anomalies.png": partial(drawing.anomalies, model, data, split, rows["mse"]),
        "codes.png": partial(drawing.code_space, data, split, codes, truth, class_names, seed),
        "interpolations.png": partial(drawing.interpolations, decoder, data, split, codes, truth, seed),
        "samples.png": partial(drawing.samples, decoder, known, kind, seed),
    }
    return Report(split, figures, pictures if len(data.image_shape) == 3 else {})


def _check(labels: Mapping[str, Any] | None, data: Data, split: str) -> None:
    for name in () if labels is None else ("train", split):
        if len(labels.get(name, ())) != data.size(name):
            rule = f"have one entry an image of {name}, {data.size(name)}"
            raise ValueError(checks.message("labels", rule, len(labels.get(name, ()))))


def _codes(encoder: keras.Model, components: Any, data: Data, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The codes of all targets of a split, `(n, code_size)`, by the encoder and by principal components."""
    found = [
        (np.asarray(encoder.predict_on_batch(targets)), components.transform(levels(targets)))
        for _, targets in batches(data, split)
    ]
    codes, projected = map(np.concatenate, zip(*found, strict=True))
    return codes.reshape(len(codes), -1), projected


def _rebuilt(model: keras.Model, components: Any, data: Data, split: str) -> dict[str, np.ndarray]:
    """What is measured of each image of a split."""
    rows: dict[str, list[np.ndarray]] = {}
    for images, targets, outputs in answers(model, data, split):
        projected = components.inverse_transform(components.transform(levels(images)))
        found = {"mse": _mse(levels(outputs), levels(targets)), "psnr": metrics.psnr(outputs, targets)}
        if targets.ndim == 4 and min(targets.shape[1:3]) >= metrics.regression.WINDOW:
            found["ssim"] = metrics.ssim(outputs, targets)
        for name, values in (found | {"mse_pca": _mse(projected, levels(targets))}).items():
            rows.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in rows.items()}


def _mse(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.mean((rows - others) ** 2, axis=1)
