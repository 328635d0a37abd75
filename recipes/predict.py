"""What a model that a recipe has saved says of image files: their classes, a map for each, or the objects in them."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

import kerascnn.data
import kerascnn.training
from kerascnn import checks, files
from recipes import _boxes, _maps

TOP, BATCH = 3, 32  # classes to name, and images at once, unless it is said
TAKES = {"labels": ("top", "batch_size"), "boxes": ("score",), "box": ("score",)}  # of what depends on the network


def predict(
    model: str | Path,
    images: Sequence[str | Path],
    *,
    top: int | None = None,
    score: float | None = None,
    output: Literal["table", "json"] | None = "table",
    to: str | Path = ".",
    batch_size: int | None = None,
    overwrite: bool = False,
) -> list[dict[str, Any]]:
    """Says what is in image files: their classes, the objects in them, or a mask or a restored image of each.

    For a classifier, files of any size and kind are brought to the network's size and colours as the training images
    were; there is one entry a file: `{"image": path, "predictions": [{"label", "probability"}, ...]}`, likeliest first.
    For a network of `segment` or `denoise` there is a map of each file's own size: `{"image", "written": path}`, and of
    masks `"shares"`, the share of the pixels that each class has. Where images were resized for training, the network
    sees files at that scale.

    For a network of `autoencode` its reconstruction is written, in the network's size, and the entry is `{"image",
    "written": path, "error", "unusual"}`: the mean square of the differences, of values in 0..1, and whether it is more
    than 99 in 100 of the images that the network was judged on have.

    For a network of `detect` or `localize` boxes are drawn on a copy of each file, and the entry is `{"image",
    "written": path, "objects": [{"label", "score", "box": [left, top, right, bottom]}, ...]}`, the surest first and in
    pixels of the file.

    Args:
        model: Folder of a finished run, or a name in the zoo.
        images: Image files to label.
        top: How many classes a classifier names for each image; None is 3.
        score: Least score of an object, in 0..1; None takes the detector's own. Others are left out.
        output: Print a table, JSON, or nothing.
        to: Folder for masks (PNG files whose values are the classes' indices), restored images and images with boxes.
        batch_size: Images that go through a classifier at once; None is 32. Other networks see them singly.
        overwrite: Replace files in `to` of the names that are to be written, even if others than `predict` wrote them.

    Raises:
        ValueError: for no image, a wrong number, pictures that would have one name, a network that gives embeddings, or
            what a network of this kind cannot be asked.
        OSError: that names a missing or broken file.

    Examples:
        python -m recipes predict --model digits-resnet20 image.png another.jpg --output json
    """
    for name, value in {"top": top, "batch_size": batch_size}.items():
        if value is not None:
            checks.positive_int(name, value)
    if score is not None:
        checks.in_range("score", score, 0, 1)
    checks.one_of("output", output, ["table", "json", None])
    if not images:
        raise ValueError(checks.message("images", "name at least one file", images, "Pass the path of an image."))
    result = kerascnn.training.load(model)
    _check(result.extras["record"], model, top=top, score=score, batch_size=batch_size)
    data, resize = result.extras["record"]["data"], _resize(result.extras["record"])
    if _targets(data) == "labels":
        answers, row = _labelled(result.model, images, data, resize, top or TOP, batch_size or BATCH), _cells
    else:
        _maps.check_names(images)
        files.check_writable("to", to)
        if not overwrite:
            _maps.check_free(result.extras["record"], images, Path(to))
        answers, row = _drawn(result, images, Path(to), resize, score)
    _print(answers, output, row)
    return answers


def _targets(data: Mapping[str, Any]) -> str:
    return data.get("targets", "labels")


def _check(record: Mapping[str, Any], model: str | Path, **asked) -> None:
    """Raises ValueError for a network that does not say what is in an image, and for what it cannot be asked."""
    if record.get("embedding"):
        mend = "This one gives embeddings: `python -m recipes index` and `search` find what is like an image."
        raise ValueError(checks.message("model", "say what is in an image", str(model), mend))
    if _targets(record["data"]) == "picture":
        raise ValueError(checks.message("model", "say what is in an image", str(model), "This one is an image itself."))
    takes = TAKES.get(_targets(record["data"]), ())
    for name, value in asked.items():
        if value is not None and name not in takes:
            mend = f"It takes {' and '.join(takes)}." if takes else ""
            raise ValueError(checks.message(name, f"be left out for a network of {record['recipe']}", value, mend))


def _drawn(result, images, to: Path, resize: str, score: float | None) -> tuple[list[dict[str, Any]], Callable]:
    """The answers of a network that says where something is, and what makes a row of the table of one."""
    if result.extras["record"].get("autoencoder"):
        return [_maps.rebuild(result, Path(file), to, resize) for file in images], _maps.cells
    if result.extras["record"]["data"]["targets"] in ("boxes", "box"):
        return _boxes.answers(result, images, to, resize=resize, score=score), _boxes.cells
    return [_maps.answer(result, Path(file), to) for file in images], _maps.cells


def _labelled(model, images, data: Mapping[str, Any], resize: str, top: int, batch_size: int) -> list[dict[str, Any]]:
    answers = []
    for start in range(0, len(images), batch_size):
        files = images[start : start + batch_size]
        probabilities = model.predict_on_batch(np.stack([_read(file, data, resize) for file in files]))
        answers += [
            _answer(file, row, data["class_names"], top) for file, row in zip(files, probabilities, strict=True)
        ]
    return answers


def _resize(record: Mapping[str, Any]) -> str:
    done = record["data"].get("report", {}).get("resize")  # None if all images had the network's size already
    return done or record.get("arguments", {}).get("resize") or "stretch"


def _read(file: str | Path, data: Mapping[str, Any], resize: str) -> np.ndarray:
    *size, channels = data["image_shape"]
    return kerascnn.data.read_image(file, image_size=tuple(size), resize=resize, channels=channels)


def _answer(file: str | Path, probabilities: np.ndarray, class_names: Sequence[str], top: int) -> dict[str, Any]:
    best = np.argsort(-probabilities, kind="stable")[:top]
    named = [{"label": class_names[i], "probability": round(float(probabilities[i]), 6)} for i in best]
    return {"image": str(file), "predictions": named}


def _cells(answer: Mapping[str, Any]) -> dict[str, str]:
    """The columns of the table for a file."""
    titles = ["likeliest", *[f"{rank}." for rank in range(2, len(answer["predictions"]) + 1)]]
    texts = [f"{each['label']} {each['probability']:.1%}" for each in answer["predictions"]]
    return {"image": answer["image"], **dict(zip(titles, texts, strict=True))}


def _print(answers: Sequence[Mapping[str, Any]], output: str | None, cells: Callable) -> None:
    if output == "json":
        print(json.dumps(answers, indent=1))
    elif output == "table":
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Column, Table

        first, *others = cells(answers[0])
        table = Table(Column(first, overflow="fold"), *others)
        for answer in answers:
            table.add_row(*map(escape, cells(answer).values()))
        Console().print(table)
