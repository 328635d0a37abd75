"""What the recipe `stylize` makes beside the image: steps on the way, a network, figures, a record."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kerascnn import checks, models, stylizing, training
from kerascnn import data as datasets
from kerascnn.models.registry import parse
from recipes import _pretrained, _scene

NETWORKS = {"stylizer": models.stylizer}


def keeper(folder: training.RunFolder) -> Callable[[np.ndarray, int], None]:
    """Writes an image into the folder of the run, as that after so many steps."""

    def keep(image: np.ndarray, step: int) -> None:
        if folder.path is not None:
            (folder.path / "steps").mkdir(parents=True, exist_ok=True)
            datasets.write_image(folder.path / "steps" / f"{step:05d}.png", np.rint(image).astype("uint8"))

    return keep


def contents(data, seen: keras.Model, size: int, **options) -> datasets.Data:
    """The images that a network learns from, of `size` pixels a side and in the colours that are seen."""
    if isinstance(data, datasets.Data):
        return datasets.load(data, targets="images", seed=options["seed"])
    color = _pretrained.color(seen)
    return datasets.load(data, targets="images", image_size=size, resize="crop", color=color, **options)


def built(model, image_shape: tuple[int | None, ...]) -> keras.Model:
    """The network that `model` stands for: a text, None for "stylizer", or a builder `f(image_shape, channels)`."""
    builder, arguments = parse(model, NETWORKS) if isinstance(model, str) else (model or models.stylizer, {})
    network = builder(image_shape, image_shape[-1], **arguments)
    if network.output_shape[-1] != image_shape[-1]:
        rule = f"give images of {image_shape[-1]} channels"
        raise ValueError(checks.message("model", rule, network.output_shape))
    return network


def judged(image: np.ndarray, content: np.ndarray, goal: stylizing.Objective) -> dict[str, float]:
    """The losses of an image."""
    losses = goal.parts(image[None], goal.content(content[None]))
    losses = dict(zip(stylizing.PARTS, keras.ops.convert_to_numpy(losses)[0].tolist(), strict=True))
    return {"loss": sum(losses.values())} | {f"{part}_loss": loss for part, loss in losses.items()}


def fitted(painted: stylizing.Painted, image: np.ndarray) -> training.Fitted:
    """What a training would return, of an image."""
    model, rounds = stylizing.picture(image.astype("float32")), len(painted.seconds)
    return training.Fitted(
        model, painted.history, painted.seconds, images_per_second=0, best_epoch=rounds, input_wait=0
    )


def stands_for(content, image: np.ndarray) -> dict[str, Any]:
    """What the record of an image has in the place of data."""
    return {"name": _scene.names(content), "targets": "picture", "image_shape": list(image.shape)}
