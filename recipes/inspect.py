"""What a network costs and what its layers see, as a table and as pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

import kerascnn.inspect
import kerascnn.training
from kerascnn import checks, files, keras_file, plots
from kerascnn import data as datasets
from kerascnn.layers import nested

SEEN = 8  # images in a picture


def inspect(
    model: str | Path,
    *,
    images: Sequence[str | Path] | None = None,
    layers: Sequence[str] | None = None,
    channels: int = 0,
    image_size: tuple[int, int] | None = None,
    batch_size: int = 32,
    output: Literal["table", "markdown"] | None = "table",
    to: str | Path = "inspected",
) -> kerascnn.inspect.Table:
    """Shows what each layer of a network gives, costs and sees; with images also what it sees in them.

    The table has, for each layer, the shape of what it gives, its parameters, multiply-adds, receptive field, and
    memory. With images there are pictures: `filters.png` (kernels of the first convolution), `receptive_fields.png`,
    `feature_maps.png` (of the first image) and, of a classifier, `attributions.png`: what speaks for its answers by
    Grad-CAM, Grad-CAM++, saliency, integrated gradients and occlusion, side by side.

    Args:
        model: Folder of a finished run, a name in the zoo, or a .keras file.
        images: Image files to look at; attributions are drawn of the first 8.
        layers: Layers whose maps are drawn; None is the last of each resolution.
        channels: How many channels of each of `layers` get a picture of what excites them most (`maximal_inputs.png`).
        image_size: Height and width, for a network that takes any; None is that of its training.
        batch_size: Images that training takes at once, for its memory in the table.
        output: Print the table as text, as Markdown, or not.
        to: Folder for the pictures.

    Raises:
        ValueError: for a wrong argument, an unknown layer (with the nearest names), or a network without a graph.
        OSError: that names a missing or broken file.

    Examples:
        python -m recipes inspect --model digits-resnet20 --images one.png two.png --to seen
    """
    checks.one_of("output", output, ["table", "markdown", None])
    checks.positive_int("channels", channels, least=0)
    if channels and not layers:
        raise ValueError(checks.message("layers", "name at least one where `channels` are asked for", layers))
    if images or channels:
        files.check_writable("to", to)
    network, record = _opened(model)
    shape = _shape(network, record, image_size)
    view = nested.one_view(network)
    table = kerascnn.inspect.table(view, shape, batch_size=batch_size)
    if output:
        print(table if output == "table" else table.markdown())
        if view is not network:
            print("Its answer is the mean over several views of an image, each of which costs that much.")
    pictures = dict(_pictures(view, record, images, layers, shape))
    fields = {row.layer: row.field for row in table.rows if row.field}
    if images and fields:
        pictures["receptive_fields.png"] = plots.receptive_fields(_read(images[0], record, shape), fields)
    if channels:
        pictures["maximal_inputs.png"] = _maximal_inputs(view, layers, channels, shape)
    for name, figure in pictures.items():
        plots.save(figure, Path(to, name))
    if pictures:
        print(f"Wrote {', '.join(pictures)} in {to}.")
    return table


def _opened(model: str | Path) -> tuple[keras.Model, Mapping[str, Any]]:
    """The network, and the record of its run, empty for a file."""
    if Path(model).is_file():
        return nested.graph(keras_file.read(model)), {}
    result = kerascnn.training.load(model)
    return nested.graph(result.model), result.extras["record"]


def _shape(network, record, image_size) -> tuple[int, int, int]:
    if len(network.inputs) != 1 or len(network.input_shape) != 4:
        raise ValueError(checks.message("model", "take one image (height, width, channels)", network.input_shape))
    own = tuple(network.input_shape[1:])
    trained = tuple(record.get("data", {}).get("image_shape", own))
    shape = tuple(mine or given for mine, given in zip(own, (*(image_size or trained[:2]), trained[-1]), strict=True))
    if image_size and shape[:2] != tuple(image_size):
        raise ValueError(checks.message("image_size", f"be {shape[:2]}, the only one that it takes", image_size))
    if None in shape:
        mend = "Pass --image-size HEIGHT WIDTH."
        raise ValueError(checks.message("image_size", "be given for a network of any size", image_size, mend))
    return shape


def _pictures(network, record, files, layers, shape) -> Iterator[tuple[str, Any]]:
    """The figures by the files' names."""
    if not files:
        return
    images = np.stack([_read(file, record, shape) for file in files])
    if kerascnn.inspect.is_convolutional(network):
        maps = kerascnn.inspect.feature_maps(network, images[:1], layers)
        yield "filters.png", plots.filters(kerascnn.inspect.filters(network))
        yield "feature_maps.png", plots.feature_maps(images[0], {name: found[0] for name, found in maps.items()})
    if _classifies(network, record):
        images = images[:SEEN]
        answers = _answers(network, images, record)
        yield "attributions.png", plots.attributions(images, _maps(network, images), titles=answers)


def _maps(network, images) -> dict[str, np.ndarray]:
    """What speaks for the answers, by method."""
    methods = {
        "Grad-CAM": kerascnn.inspect.grad_cam,
        "Grad-CAM++": kerascnn.inspect.grad_cam_plus_plus,
        "saliency": kerascnn.inspect.saliency,
        "integrated gradients": kerascnn.inspect.integrated_gradients,
        "occlusion": kerascnn.inspect.occlusion,
    }
    of_maps = () if kerascnn.inspect.is_convolutional(network) else ("Grad-CAM", "Grad-CAM++")
    return {name: method(network, images) for name, method in methods.items() if name not in of_maps}


def _maximal_inputs(network, layers, channels, shape):
    found = [kerascnn.inspect.maximal_input(network, layer, range(channels), image_shape=shape) for layer in layers]
    names = [f"{layer} {channel}" for layer in layers for channel in range(channels)]
    return plots.maximal_inputs(np.concatenate(found), names)


def _classifies(network, record) -> bool:
    labelled = record.get("data", {}).get("targets", "labels") == "labels" and not record.get("embedding")
    return labelled and len(network.outputs) == 1 and len(network.output_shape) == 2


def _answers(network, images, record) -> list[str]:
    scores = network.predict_on_batch(images)
    names = record.get("data", {}).get("class_names") or range(scores.shape[-1])
    return [str(names[answer]) for answer in scores.argmax(axis=-1)]


def _read(file, record, shape) -> np.ndarray:
    resize = record.get("data", {}).get("report", {}).get("resize") or record.get("arguments", {}).get("resize")
    return datasets.read_image(file, image_size=shape[:2], resize=resize or "stretch", channels=shape[-1])
