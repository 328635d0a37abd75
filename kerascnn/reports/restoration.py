"""How much of an image comes back."""

from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import filters, metrics
from kerascnn.data import Data
from kerascnn.data.dataset import examples
from kerascnn.reports.report import Report, answers, examples_of, judged_on

SHOWN = 6  # images in the picture, from the worst to the best
TRIED, PART = 16, 128  # images of the validation split with which the filters are chosen, and pixels of their sides


def restoration(model: keras.Model, data: Data, *, compare: bool = True) -> Report:
    """Judges a network that restores images on the test split, or on the validation split where there is none.

    Outputs are clipped to 0..255. Figures are means over images: `psnr` in dB, `ssim` where sides have 11 pixels or
    more, `mse`; `input_psnr` of what the network is given; and with `compare` `filter_psnr` and `filter_ssim` of the
    best classical filter, which is chosen on parts of images of the validation split and named in `filter`; that takes
    seconds, and for the split about as long as OpenCV needs. The picture is "restored.png".
    """
    split = judged_on(data)
    best = _best_filter(data) if compare and _comparable(data) else None
    rows: dict[str, list[float]] = {}
    for images, targets, outputs in answers(model, data, split):
        outputs = np.clip(outputs, 0, 255)
        _add(rows, "", outputs, targets)
        if images.shape == targets.shape:
            _add(rows, "input_", images, targets, only=("psnr",))
        if best is not None:
            filtered = [filters.FILTERS[best.name](image, **best.parameters) for image in images]
            _add(rows, "filter_", np.clip(filtered, 0, 255), targets, only=("psnr", "ssim"))
    figures: dict[str, Any] = {name: float(np.mean(values)) for name, values in rows.items()}
    if best is not None:
        figures["filter"] = {"name": best.name, **best.parameters}
    pictures = {"restored.png": partial(_restored, model, data, split, _spread(np.array(rows["psnr"])))}
    return Report(split, figures, pictures if len(data.image_shape) == 3 else {})


def _comparable(data: Data) -> bool:
    """Whether filters can be asked: for images whose targets have their shape."""
    image, target = data.element_spec
    return len(image.shape) == 3 and tuple(image.shape) == tuple(target.shape)


def _best_filter(data: Data) -> filters.Best:
    pairs = zip(*next(examples(data, "validation", TRIED)), strict=True)
    noisy, clean = zip(*((image[:PART, :PART], target[:PART, :PART]) for image, target in pairs), strict=True)
    return filters.best_filter(noisy, clean)


def _add(rows, prefix, outputs, targets, only=("psnr", "ssim", "mse")) -> None:
    """Appends the figures of each image."""
    measured = {"psnr": metrics.psnr, "ssim": metrics.ssim, "mse": _mse}
    for name in only:
        if name != "ssim" or (targets.ndim == 4 and min(targets.shape[1:3]) >= metrics.regression.WINDOW):
            rows.setdefault(prefix + name, []).extend(measured[name](outputs, targets).tolist())


def _mse(outputs, targets) -> np.ndarray:
    return np.mean((outputs - np.float32(targets)) ** 2, axis=tuple(range(1, outputs.ndim)))


def _spread(psnr: np.ndarray) -> np.ndarray:
    """The indices of images from the worst to the best."""
    order = np.argsort(psnr, kind="stable")
    return order[np.linspace(0, len(order) - 1, min(len(order), SHOWN)).astype(int)]


def _restored(model, data, split, chosen) -> Any:
    from kerascnn import plots

    images, targets = examples_of(data, split, chosen)
    outputs = [np.clip(np.asarray(model.predict_on_batch(image[None]))[0], 0, 255) for image in images]
    return plots.restoration(images, outputs, targets)
