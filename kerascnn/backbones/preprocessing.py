"""What a backbone was trained to see, made of raw pixels by plain Keras: a scale, an offset, an order of colours."""

from keras import Model, layers, ops, utils

from kerascnn import checks

# Mean and standard deviation of ImageNet's red, green and blue, in 0..1; and the means of its pixels in Caffe's order.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BGR_MEAN = (103.939, 116.779, 123.68)

# Mode -> scale and offset, one number or one a channel, of raw pixels in 0..255.
SCALES = {
    "tf": (1 / 127.5, -1.0),
    "signed": (1 / 128, -1.0),
    "lite": (1 / 128, -127 / 128),
    "torch": (
        tuple(1 / (255 * deviation) for deviation in DEVIATION),
        tuple(-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)),
    ),
    "caffe": (1.0, tuple(-mean for mean in BGR_MEAN)),
}


def preprocess(x, mode: str):
    """Raw pixels as a backbone wants them, in float32 under every precision.

    `x`: (batch, height, width, 3) or (batch, height, width, 1) in 0..255; grey is repeated to three channels.
    `mode`: "tf" is -1..1 by 127.5, "signed" x / 128 - 1, "lite" (x - 127) / 128, "torch" mean 0 and deviation 1 of each
    channel over ImageNet, "caffe" blue first and the means subtracted. Nodes `grey_to_rgb`, `rgb_to_bgr`, `rescale`.
    Raises: ValueError for another mode.

    >>> import keras
    >>> preprocess(keras.Input((8, 8, 1)), "caffe").shape
    (None, 8, 8, 3)
    """
    scale, offset = SCALES[checks.one_of("mode", mode, SCALES)]
    if x.shape[-1] == 1:
        x = layers.Concatenate(dtype="float32", name="grey_to_rgb")([x, x, x])
    elif mode == "caffe":
        x = _flipped(x)
    return layers.Rescaling(scale, offset, dtype="float32", name="rescale")(x)


def _flipped(x):
    y = ops.flip(x, axis=-1)
    Model(utils.get_source_inputs(x), y).operations[-1].name = "rgb_to_bgr"  # ops take no name
    return y
