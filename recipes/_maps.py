"""Image files through a network that answers for each pixel, or gives the image back."""

import re
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import checks, plots, tiling
from kerascnn import data as datasets
from kerascnn.data.writing import is_ours
from kerascnn.training import Result

WHOLE = 2**20  # pixels up to which an image goes through the network in one piece


def check_names(files: Sequence[str | Path]) -> None:
    """Raises ValueError for files of which what is written would have one name."""
    stems = [Path(file).stem for file in files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        mend = "Answer them one after the other, with another `to` for each."
        raise ValueError(checks.message("images", "have different names, as what is written of them has", twice, mend))


def check_free(record: Mapping[str, Any], files: Sequence[str | Path], to: Path) -> None:
    """Raises ValueError if a file is there that would be replaced, of others than of an earlier prediction.

    What would be written is said by the record of the network.
    """
    names = [f"{escape(Path(file).stem)}-{name}" for file in files for name in _endings(record)]
    there = [found.name for name in names for found in to.glob(name) if not is_ours(found)]
    if there:
        mend = "Pass overwrite=True to replace them, or name another folder."
        raise ValueError(checks.message("to", f"be a folder without {', '.join(there[:5])}", str(to), mend))


def _endings(record: Mapping[str, Any]) -> list[str]:
    """How the names of what is written of a file end, as patterns."""
    data = record["data"]
    if record.get("autoencoder"):
        return ["rebuilt.png"]
    if data.get("multi_label"):
        return [f"{index}-*.png" for index in range(len(data["class_names"]))]
    return [{"images": "restored.png", "masks": "mask.png"}.get(data["targets"], "boxes.png")]


def answer(result: Result, file: Path, to: Path) -> dict[str, Any]:
    """Writes the masks or the restored image of a file into the folder `to`; says where, and each class's share."""
    record = result.extras["record"]
    data = record["data"]
    image = datasets.read_image(file, channels=data["image_shape"][-1])
    output = _output(result.model, image, _seen_size(result.model, image.shape[:2], data))
    to.mkdir(parents=True, exist_ok=True)
    if data["targets"] == "images":
        written = to / f"{file.stem}-restored.png"
        datasets.write_image(written, np.clip(np.rint(output), 0, 255).astype(np.uint8))
        return {"image": str(file), "written": str(written)}
    return {"image": str(file), **_masks(output, data["class_names"], data["multi_label"], to, file.stem)}


def rebuild(result: Result, file: Path, to: Path, resize: str) -> dict[str, Any]:
    """Writes what an autoencoder makes of a file into the folder `to`; says where, and how far it is from the image."""
    record = result.extras["record"]
    *size, channels = record["data"]["image_shape"]
    image = datasets.read_image(file, image_size=tuple(size), resize=resize, channels=channels)
    output = np.asarray(result.model.predict_on_batch(image[None]))[0]
    to.mkdir(parents=True, exist_ok=True)
    written = to / f"{file.stem}-rebuilt.png"
    datasets.write_image(written, np.clip(np.rint(output), 0, 255).astype(np.uint8))
    error = float(np.mean(np.square((output - image) / 255)))
    unusual = error > record["metrics"]["mse_p99"]
    return {"image": str(file), "written": str(written), "error": round(error, 6), "unusual": unusual}


def _seen_size(model, size: tuple[int, int], data: Mapping[str, Any]) -> tuple[int, int]:
    """The size at which the network sees an image: that of training where images were resized for it."""
    trained, resize = tuple(data["image_shape"][:2]), data.get("report", {}).get("resize")
    if None not in model.input_shape[1:3] or resize == "stretch":
        return trained
    if resize is None:
        return size
    choose = min if resize == "letterbox" else max  # what "crop" cuts off is seen too, at the same scale
    scale = choose(new / old for new, old in zip(trained, size, strict=True))
    return tuple(max(1, round(side * scale)) for side in size)


def _output(model, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What the network says of an image that it sees at `size`, brought back to the image's own size."""
    seen = image if image.shape[:2] == size else datasets.fit(image, size)
    if size[0] * size[1] <= WHOLE or None not in model.input_shape[1:3]:
        output = np.asarray(model.predict_on_batch(seen[None]))[0]
    else:
        output = tiling.predict_tiled(model, seen)
    return output if size == image.shape[:2] else datasets.fit(output, image.shape[:2])


def cells(answer: Mapping[str, Any]) -> dict[str, str]:
    """The columns of the table for a file."""
    shares = sorted(answer.get("shares", {}).items(), key=lambda each: -each[1])
    told = {"pixels": ", ".join(f"{name} {share:.1%}" for name, share in shares[:5])} if shares else {}
    if "error" in answer:
        told = {"error": f"{answer['error']:.4f}{' (unusual)' * answer['unusual']}"}
    return {"image": answer["image"], "written": answer["written"], **told}


def _masks(output: np.ndarray, names: Sequence[str], several: bool, to: Path, stem: str) -> dict[str, Any]:
    """Writes a mask of class indices; where a pixel may have `several` classes, a mask of 0 and 1 for each class."""
    colours = plots.mask_colours(len(names))
    if several:
        words = [re.sub(r"[^\w.-]+", "-", name) for name in names]
        layers = {f"{stem}-{index}-{word}.png": output[..., index] >= 0.5 for index, word in enumerate(words)}
        for place, (path, mask) in enumerate(layers.items()):
            datasets.write_mask(to / path, mask, np.stack([np.zeros(3), colours[place]]))
        shares, written = [mask.mean() for mask in layers.values()], str(to / f"{stem}-*.png")
    else:
        mask, written = output.argmax(axis=-1), str(to / f"{stem}-mask.png")
        datasets.write_mask(written, mask, colours)
        shares = np.bincount(mask.ravel(), minlength=len(names)) / mask.size
    return {"written": written, "shares": {name: round(float(s), 6) for name, s in zip(names, shares, strict=True)}}
