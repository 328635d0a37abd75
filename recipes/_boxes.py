"""Image files through a network that says where objects are."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import data as datasets
from kerascnn import plots
from kerascnn.training import Result

DIGITS = 2  # after the point of an edge, in pixels


def answers(
    result: Result, files: Sequence[str | Path], to: Path, *, resize: str = "letterbox", score: float | None = None
) -> list[dict[str, Any]]:
    """Draws the objects of each file into the folder `to`; says where, and each one's class, score and box.

    `resize` is how training images came to the size of the network. Objects come the surest first; those below `score`
    are left out, for which a detector has a default.
    """
    model, data = result.model, result.extras["record"]["data"]
    if data["targets"] == "boxes":
        find = partial(_detected, model if score is None else model.with_(score=score))
    else:
        find = partial(_localized, model, size=tuple(data["image_shape"][:2]), resize=resize, score=score or 0)
    return [_answer(find, Path(file), to, data) for file in files]


def _answer(find: Callable, file: Path, to: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    image = datasets.read_image(file, channels=data["image_shape"][-1])
    boxes, scores, classes = find(image)
    names, labels = data["class_names"], classes.tolist()
    objects = [
        {"label": names[label], "score": round(float(each), 6), "box": [round(float(edge), DIGITS) for edge in box]}
        for box, each, label in zip(boxes, scores, labels, strict=True)
    ]
    palette = plots.class_colours(len(names))
    texts = [f"{each['label']} {each['score']:.2f}" for each in objects]
    written = to / f"{file.stem}-boxes.png"
    datasets.write_image(written, plots.boxed(image, boxes, texts, [palette[label] for label in labels]))
    return {"image": str(file), "written": str(written), "objects": objects}


def cells(answer: Mapping[str, Any]) -> dict[str, str]:
    """The columns of the table for a file."""
    counts = Counter(each["label"] for each in answer["objects"]).most_common()
    objects = ", ".join(f"{count} {name}" for name, count in counts) or "none"
    return {"image": answer["image"], "written": answer["written"], "objects": objects}


def _detected(detector, image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a detector finds, which takes an image of any size as it is."""
    (found,) = detector.predict([image])
    return found["boxes"], found["scores"], found["classes"]


def _localized(model, image, size, resize, score) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The one object that a localizer finds, with its box in pixels of the image itself."""
    output = model.predict_on_batch(datasets.fit(image, size, resize)[None])
    probabilities, box = np.asarray(output["class"]), np.asarray(output["box"])
    box = datasets.unfit_boxes(box, image.shape[:2], size, resize)
    scores = probabilities.max(axis=-1)
    kept = scores >= score
    return box[kept], scores[kept], probabilities.argmax(axis=-1)[kept]
