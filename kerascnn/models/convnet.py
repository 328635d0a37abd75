"""A network of stages whose every size is free: what a search over architectures draws from."""

import keras

from kerascnn import checks
from kerascnn.blocks import classifier, conv, inception, layer_of_rank, residual
from kerascnn.models.inputs import image_input

POOLINGS = ("none", "max", "average")
LEAST_OF_INCEPTION = 8  # filters, so that no branch is without


def convnet(  # noqa: PLR0913 (what a search varies)
    image_shape: tuple[int, ...],
    classes: int,
    *,
    filters: tuple[int, ...] = (32, 64, 128),
    depths: int | tuple[int, ...] = 1,
    kernel_sizes: int | tuple[int, ...] = 3,
    strides: int | tuple[int, ...] = 2,
    block: str = "plain",
    pooling: str = "none",
    activation: str = "relu",
    normalization: bool = True,
    head: str = "average",
    units: tuple[int, ...] = (),
    dropout: float = 0.0,
    name: str = "convnet",
) -> keras.Model:
    """A stage of `depths` blocks for each entry of `filters`, pooling, dense layers; 95,210 weights for 32 x 32 x 3.

    Images (batch, height, width, channels) of raw values 0..255 in, also signals and volumes; probabilities (batch,
    classes) out. All maps are padded, so that any number of stages leaves at least one pixel of any image.

    Args:
        image_shape: sizes in pixels and the number of channels.
        classes: how many probabilities.
        filters: channels of each stage.
        depths: blocks of each stage; as the two that follow, one integer for all stages or one for each.
        kernel_sizes: of the convolutions.
        strides: by which the first block of a stage shrinks the map.
        block: "plain", one convolution; "residual", two and a shortcut; or "inception", four branches, which share out
            `filters` as GoogLeNet's first block does: a quarter to 1x1, half to `kernel_size` - 2, an eighth to
            `kernel_size` (of 1x1 at least), an eighth to pooling.
        pooling: how a map is shrunk: "none" by the stride of a convolution (of its own before an inception block,
            which has no stride), "max" or "average" by pooling after the first block, as in LeNet and VGG.
        activation: after each convolution and hidden dense layer.
        normalization: whether a batch normalisation follows each convolution.
        head: what the last map becomes: its "average", its "max", or all of it ("flatten").
        units: hidden dense layers.
        dropout: in [0, 1), after each hidden layer, or on the pooled features without one.
        name: of the model.

    Raises: ValueError for a tuple with another number of stages, a size under 1, or an unknown block, pooling or head.

    >>> convnet((28, 28, 1), 10, filters=(16, 32), kernel_sizes=(5, 3), block="residual").output_shape
    (None, 10)
    """
    checks.one_of("block", block, BLOCKS)
    checks.one_of("pooling", pooling, POOLINGS)
    checks.one_of("head", head, ("average", "max", "flatten"))
    units, widths = _integers("units", units), _widths(filters, block)
    columns = {"depths": depths, "kernel_sizes": kernel_sizes, "strides": strides}
    stages = zip(widths, *(_a_stage(key, value, len(widths)) for key, value in columns.items()), strict=True)
    style = {"activation": activation, "normalization": "batch" if normalization else None}
    inputs, x = image_input(image_shape, ranks=(1, 2, 3))
    for stage, (width, depth, kernel_size, step) in enumerate(stages, 1):
        options = {"kernel_size": kernel_size, **style}
        first = step if pooling == "none" else 1
        x = BLOCKS[block](x, width, strides=first, **options, name=f"stage{stage}_block1")
        if first != step:
            x = layer_of_rank(f"{pooling.title()}Pooling", x)(step, padding="same", name=f"stage{stage}_pool")(x)
        for number in range(2, depth + 1):
            x = BLOCKS[block](x, width, **options, name=f"stage{stage}_block{number}")
    top = {"pooling": head, "units": units, "dropout": dropout, "activation": activation}
    return keras.Model(inputs, classifier(x, classes, **top, name="probabilities"), name=name)


def _shared_out(x, filters: int, *, kernel_size: int, strides: int = 1, name: str, **style):
    """An inception block of `filters` channels in all, in the proportions of GoogLeNet's block 3a."""
    if strides > 1:
        x = conv(x, filters, kernel_size, strides=strides, **style, name=f"{name}_down")
    half, eighth = filters // 2, filters // 8
    pairs = (3 * filters // 8, half), (max(1, filters // 16), eighth)
    branches = (filters - half - 2 * eighth, *pairs, eighth)
    return inception(x, branches, kernel_sizes=(max(1, kernel_size - 2), kernel_size), **style, name=name)


BLOCKS = {"plain": conv, "residual": residual, "inception": _shared_out}


def _widths(filters, block: str) -> tuple[int, ...]:
    widths = _integers("filters", filters, least=LEAST_OF_INCEPTION if block == "inception" else 1)
    if not widths:
        raise ValueError(checks.message("filters", "have an entry for each stage, one at least", filters))
    return widths


def _a_stage(name: str, value, stages: int) -> tuple[int, ...]:
    values = _integers(name, value if isinstance(value, (tuple, list)) else (value,) * stages)
    if len(values) != stages:
        rule = f"be one integer, or one for each of the {stages} stages that `filters` has"
        raise ValueError(checks.message(name, rule, value))
    return values


def _integers(name: str, values, least: int = 1) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)):
        raise ValueError(checks.message(name, "be a tuple of integers", values, f"Pass {name}=({values!r},)."))
    return tuple(checks.positive_int(name, value, least=least) for value in values)
