"""How good a segmentation is."""

from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import metrics
from kerascnn.data import Data
from kerascnn.reports.report import Report, answers, examples_of, judged_on, worst_and_others

SHOWN = 6  # images in the picture, half of them the worst


def segmentation(model: keras.Model, data: Data) -> Report:
    """Judges a segmentation on the test split, or on the validation split where there is none.

    Figures are those of `metrics.segmentation`, counted over all pixels, and where each pixel has one class
    `boundary_f`, the mean over images and classes. Pictures are "masks.png", the worst images and others beside their
    masks, and "iou.png".
    """
    split = judged_on(data)
    confusion, errors, borders = 0, [], []
    for _, masks, probabilities in answers(model, data, split):
        for mask, answer in zip(masks, probabilities, strict=True):
            counted = metrics.map_confusion(mask[None], answer[None], data.classes, multi_label=data.multi_label)
            confusion = confusion + counted
            errors.append(1 - np.trace(counted, axis1=-2, axis2=-1).sum() / max(counted.sum(), 1))
            if mask.ndim == 2:  # one class a pixel, of an image
                borders.append(metrics.boundary_f(mask, answer.argmax(axis=-1), data.classes))
    figures = metrics.segmentation(confusion, data.class_names)
    if borders and not np.isnan(borders).all():
        figures["boundary_f"] = float(np.nanmean(borders))
    from kerascnn import plots

    pictures = {
        "masks.png": partial(_masks, model, data, split, worst_and_others(np.array(errors), SHOWN)),
        "iou.png": partial(plots.iou_bars, figures["per_class"]),
    }
    return Report(split, figures, pictures if len(data.image_shape) == 3 else {})


def _masks(model, data, split, chosen) -> Any:
    from kerascnn import plots

    images, masks = examples_of(data, split, chosen)
    outputs = [np.asarray(model.predict_on_batch(image[None]))[0] for image in images]
    return plots.segmentation(images, masks, outputs, data.class_names)
