"""Inception blocks with a shortcut (Szegedy et al. 2016, https://arxiv.org/abs/1602.07261)."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv

# Inception-ResNet-v2. A branch is a row of (filters, kernel size); the scale keeps wide nets from diverging.
BRANCHES = {
    "a": (((32, 1),), ((32, 1), (32, 3)), ((32, 1), (48, 3), (64, 3))),
    "b": (((192, 1),), ((128, 1), (160, (1, 7)), (192, (7, 1)))),
    "c": (((192, 1),), ((192, 1), (224, (1, 3)), (256, (3, 1)))),
}
SCALES = {"a": 0.17, "b": 0.1, "c": 0.2}


def inception_residual(
    x,
    branches="a",
    *,
    scale: float | None = None,
    activation="relu",
    normalization="batch",
    name: str,
):
    """Branches of convolutions, joined by a 1x1 to the channels of `x`, scaled and added to it.

    `branches`: "a", "b" or "c" as the paper has them on its 35x35, 17x17 and 8x8 maps, or a table of your own like
    `BRANCHES["a"]`. `scale`: 0.17, 0.1 and 0.2 for these, else 0.1. `activation=None` leaves out the last one too.
    Nodes `NAME_branch1_1_conv`, ..., `NAME_concat`, `NAME_join_conv`, `NAME_scale`, `NAME_add`, `NAME_act`.

    >>> import keras
    >>> inception_residual(keras.Input((35, 35, 320)), "a", name="mix").shape
    (None, 35, 35, 320)
    """
    if isinstance(branches, str):
        checks.one_of("branches", branches, BRANCHES, "Or pass a table like blocks.inception_residual.BRANCHES['a'].")
        scale = SCALES[branches] if scale is None else scale
        branches = BRANCHES[branches]
    ends = []
    for number, steps in enumerate(branches, start=1):
        ends.append(_branch(x, steps, activation, normalization, f"{name}_branch{number}"))
    y = layers.Concatenate(name=f"{name}_concat")(ends)
    y = conv(y, x.shape[-1], 1, activation=None, normalization=None, name=f"{name}_join")
    y = layers.Rescaling(0.1 if scale is None else scale, name=f"{name}_scale")(y)
    return activate(layers.Add(name=f"{name}_add")([x, y]), activation, name=f"{name}_act")


def _branch(x, steps, activation, normalization, name):
    for number, (filters, kernel_size) in enumerate(steps, start=1):
        x = conv(x, filters, kernel_size, activation=activation, normalization=normalization, name=f"{name}_{number}")
    return x
