"""What stands at the end of a network that answers for each pixel."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.ranks import layer_of_rank
from kerascnn.layers import CropToReference

HEADS = ("softmax", "sigmoid", "image", "residual")
HALF = 127.5  # images are 0..255 outside, -1..1 inside


def map_head(x, classes: int, head: str = "softmax", *, image=None, kernel_size=1, name: str):
    """`classes` numbers a pixel in float32: probabilities, or the channels of an image.

    `x`: a map `(batch, ..., channels)` of any rank. `head`: "softmax", probabilities of one class of many; "sigmoid",
    of each class by itself; "image", the channels of an image in 0..255, not clipped; "residual", `image` minus what
    the network finds too much in it, which is nothing before training.
    `image`: the raw input `(batch, ..., classes)` for "residual"; of one larger than `x` the middle counts.
    Nodes `NAME_conv`, `NAME_difference`, `NAME_crop`, `NAME`.
    Raises: ValueError for another `head`, or if "residual" has no image of as many channels as `classes`.

    >>> import keras
    >>> map_head(keras.Input((32, 32, 16)), 4, name="output").shape
    (None, 32, 32, 4)
    """
    kind = layer_of_rank("Conv", x)
    options = {"padding": "same", "dtype": "float32"}
    if checks.one_of("head", head, HEADS) in ("softmax", "sigmoid"):
        return kind(classes, kernel_size, activation=head, **options, name=name)(x)
    if head == "image":
        x = kind(classes, kernel_size, **options, name=f"{name}_conv")(x)
        return layers.Rescaling(HALF, HALF, dtype="float32", name=name)(x)
    if image is None or image.shape[-1] != classes:
        rule = f"be the {None if image is None else image.shape[-1]} channels of the image with head='residual'"
        raise ValueError(checks.message("classes", rule, classes, "Or pass head='image'."))
    x = kind(classes, kernel_size, kernel_initializer="zeros", **options, name=f"{name}_conv")(x)
    x = layers.Rescaling(HALF, dtype="float32", name=f"{name}_difference")(x)
    if image.shape[1:-1] != x.shape[1:-1]:
        image = CropToReference(dtype="float32", name=f"{name}_crop")([image, x])
    return layers.Subtract(dtype="float32", name=name)([image, x])
