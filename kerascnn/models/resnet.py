"""ResNet (He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition") for signals, images, volumes."""

from collections.abc import Callable
from functools import partial

import keras

from kerascnn.blocks import activate, bottleneck, classifier, conv, layer_of_rank, normalize, preactivation, residual
from kerascnn.models.inputs import image_input, shortest_side


def photo_stem(x, filters: int, *, kernel_size: int = 7, name: str, **options):
    """The stem for photographs: a convolution and a max-pooling, each of stride 2."""
    x = conv(x, filters, kernel_size, strides=2, name=name, **options)
    return layer_of_rank("MaxPooling", x)(3, 2, padding="same", name=f"{name}_pool")(x)


def small_stem(x, filters: int, *, kernel_size: int = 3, name: str, **options):
    """The stem for small images: one convolution of stride 1."""
    return conv(x, filters, kernel_size, name=name, **options)


def resnet(
    image_shape: tuple[int, ...],
    classes: int,
    *,
    depths: tuple[int, ...],
    block: Callable = residual,
    stem: Callable | None = None,
    filters: int = 64,
    kernel_size: int = 3,
    strides: int = 2,
    activation: str = "relu",
    normalization="batch",
    shortcut: str = "projection",
    name: str = "resnet",
) -> keras.Model:
    """A stem, stages of `depths` residual blocks and average pooling; each stage doubles `filters`.

    (batch, height, width, channels) in, of raw values 0..255, or (batch, length, channels) or (batch, depth, height,
    width, channels); probabilities (batch, classes) out. Trainable parameters are those of torchvision: 11,689,512 for
    `resnet18`, 25,557,032 for `resnet50`. `block` is `residual`, `bottleneck`, `preactivation` or a function that takes
    their arguments, such as `partial(residual, drop_path=0.1)`. `strides` divide the map at each stage but the first.
    Without a `stem`, it is `photo_stem`, or `small_stem` for images under 64 pixels.

    >>> resnet18((64, 3), 5, filters=4).output_shape  # signals of length 64 with 3 channels
    (None, 5)
    """
    inputs, x = image_input(image_shape, ranks=(1, 2, 3))
    style = {"activation": activation, "normalization": normalization}
    stem = stem or (small_stem if shortest_side(image_shape) < 64 else photo_stem)
    x = stem(x, filters, **style, name="stem")
    for stage, depth in enumerate(depths):
        options = {"kernel_size": kernel_size, "shortcut": shortcut, **style}
        for number in range(depth):
            step = strides if stage and not number else 1
            x = block(x, filters * 2**stage, strides=step, **options, name=f"stage{stage + 1}_block{number + 1}")
    if getattr(block, "func", block) is preactivation:
        x = activate(normalize(x, normalization, name="top_norm"), activation, name="top_act")
    return keras.Model(inputs, classifier(x, classes, name="probabilities"), name=name)


resnet18 = partial(resnet, depths=(2, 2, 2, 2), name="resnet18")
resnet34 = partial(resnet, depths=(3, 4, 6, 3), name="resnet34")
resnet50 = partial(resnet, depths=(3, 4, 6, 3), block=bottleneck, name="resnet50")
resnet101 = partial(resnet, depths=(3, 4, 23, 3), block=bottleneck, name="resnet101")
resnet152 = partial(resnet, depths=(3, 8, 36, 3), block=bottleneck, name="resnet152")
