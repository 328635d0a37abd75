"""Image files through a network that answers for each pixel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn import data as datasets
from kerascnn import plots, tiling
from kerascnn.training import Result

WHOLE = 2**20  # pixels up to which an image goes through the network in one piece


def answer(result: Result, file: Path, to: Path) -> dict[str, Any]:
    """Writes the masks or the restored image of a file into the folder `to`; says where, and each class's share."""
    data = result.extras["record"]["data"]
    image = datasets.read_image(file, channels=data["image_shape"][-1])
    if image.shape[0] * image.shape[1] <= WHOLE:
        output = np.asarray(result.model.predict_on_batch(image[None]))[0]
    else:
        output = tiling.predict_tiled(result.model, image)
    to.mkdir(parents=True, exist_ok=True)
    if data["targets"] == "images":
        written = to / f"{file.stem}-restored.png"
        datasets.write_image(written, np.clip(np.rint(output), 0, 255).astype(np.uint8))
        return {"image": str(file), "written": str(written)}
    return {"image": str(file), **_masks(output, data["class_names"], data["multi_label"], to / file.stem)}


def cells(answer: Mapping[str, Any]) -> dict[str, str]:
    """The columns of the table for a file."""
    shares = sorted(answer.get("shares", {}).items(), key=lambda each: -each[1])
    told = {"pixels": ", ".join(f"{name} {share:.1%}" for name, share in shares[:5])} if shares else {}
    return {"image": answer["image"], "written": answer["written"], **told}


def _masks(output: np.ndarray, names: Sequence[str], several: bool, stem: Path) -> dict[str, Any]:
    """Writes a mask of class indices; where a pixel may have `several` classes, a mask of 0 and 1 for each class."""
    colours = plots.mask_colours(len(names))
    if several:
        layers = {f"{stem}-{name}.png": output[..., index] >= 0.5 for index, name in enumerate(names)}
        for place, (path, mask) in enumerate(layers.items()):
            datasets.write_mask(path, mask, np.stack([np.zeros(3), colours[place]]))
        shares, written = [mask.mean() for mask in layers.values()], f"{stem}-*.png"
    else:
        mask, written = output.argmax(axis=-1), f"{stem}-mask.png"
        datasets.write_mask(written, mask, colours)
        shares = np.bincount(mask.ravel(), minlength=len(names)) / mask.size
    return {"written": written, "shares": {name: round(float(s), 6) for name, s in zip(names, shares, strict=True)}}
