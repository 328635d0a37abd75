"""Sizes of maps that are known only when an image comes: padding to a multiple, cropping back."""

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class PadToMultiple(keras.layers.Layer):
    """Pads each side of a map to the next multiple of `multiple`, at its end, by mirroring.

    Mirrored is with the border pixel itself, "abc" -> "abc cba", and again where the padding is wider than the image: a
    single pixel can be padded to any size. All pixels keep their places, so that what is pooled together does not
    depend on the size of the image, and a part of an image is seen as in the whole. `CropToReference("start")` undoes
    it.

    Input: `(batch, ..., channels)` with one to three axes in between, of sizes that may be unknown (None) before an
    image comes; output the same. Raises: ValueError unless `multiple` is a positive integer.

    >>> import numpy as np
    >>> PadToMultiple(5)(np.array([[[1.0], [2.0]]]))[0, :, 0].numpy().tolist()
    [1.0, 2.0, 2.0, 1.0, 1.0]
    """

    def __init__(self, multiple: int, **kwargs):
        super().__init__(**kwargs)
        self.multiple = checks.positive_int("multiple", multiple)

    def call(self, inputs):
        """Pads."""
        for axis in range(1, len(inputs.shape) - 1):
            size = ops.shape(inputs)[axis]  # a tensor where it is not known yet
            inputs = ops.take(inputs, self._places(size), axis)
        return inputs

    def compute_output_shape(self, input_shape):
        """The next multiples."""
        batch, *sizes, channels = input_shape
        return (batch, *(size and size + -size % self.multiple for size in sizes), channels)

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"multiple": self.multiple}

    def _places(self, size):
        """For each place of the padded axis, that of the pixel which it shows."""
        missing = (self.multiple - size % self.multiple) % self.multiple
        places = ops.arange(size + missing, dtype="int32") % (2 * size)
        return ops.minimum(places, 2 * size - 1 - places)


@keras.saving.register_keras_serializable("kerascnn")
class CropToReference(keras.layers.Layer):
    """Cuts a part out of a map, as large as another map: `CropToReference()([x, reference])`.

    `place` "middle" is for the shortcuts of a U-Net of unpadded convolutions; of an odd surplus the larger half is cut
    off at the end. "start" takes back what `PadToMultiple` has added.

    Inputs: two maps `(batch, ..., channels)` with as many axes; the values of the second do not matter. Output: the
    first, with the sizes of the second. Raises: ValueError for another `place`, other inputs, or a reference that is
    known to be larger.

    >>> import numpy as np
    >>> CropToReference()([np.arange(5.0).reshape(1, 5, 1), np.zeros((1, 2, 1))])[0, :, 0].numpy().tolist()
    [1.0, 2.0]
    """

    def __init__(self, place: str = "middle", **kwargs):
        super().__init__(**kwargs)
        self.place = checks.one_of("place", place, ("middle", "start"))

    def build(self, input_shape):
        """Checks the shapes; there are no weights."""
        if len(input_shape) != 2 or not isinstance(input_shape[0], (tuple, list)):
            raise ValueError(checks.message("inputs", "be two maps, [x, reference]", input_shape))
        sizes, wanted = (tuple(shape)[1:-1] for shape in input_shape)
        pairs = zip(sizes, wanted, strict=False)
        if len(sizes) != len(wanted) or any(None not in pair and pair[0] < pair[1] for pair in pairs):
            raise ValueError(checks.message("reference", f"be no larger than x, of sizes {sizes}", wanted))

    def call(self, inputs):
        """Cuts."""
        x, reference = inputs
        spatial = range(1, len(x.shape) - 1)
        if all(x.shape[axis] is not None and x.shape[axis] == reference.shape[axis] for axis in spatial):
            return x
        sizes, wanted = ops.shape(x), ops.shape(reference)
        middle = self.place == "middle"
        starts = {axis: (sizes[axis] - wanted[axis]) // 2 if middle else 0 for axis in spatial}
        return x[(slice(None), *(slice(start, start + wanted[axis]) for axis, start in starts.items()))]

    def compute_output_shape(self, input_shape):
        """The sizes of the second, the channels of the first."""
        x, reference = input_shape
        return (x[0], *reference[1:-1], x[-1])

    def get_config(self):
        """The arguments."""
        return super().get_config() | {"place": self.place}
