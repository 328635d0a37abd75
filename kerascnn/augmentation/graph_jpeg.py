"""The artefacts of JPEG in `keras.ops`: what libjpeg loses (colours at half size, rounded 8 x 8 DCT), with no file."""

import numpy as np
from keras import ops

BLOCK = 8
LUMA = np.array(  # ITU-T T.81 (1992), tables K.1 and K.2, which libjpeg scales by the quality
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    "float32",
)
CHROMA = np.full((BLOCK, BLOCK), 99, "float32")
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_LUMA = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], "float32")
TO_RGB = np.linalg.inv(TO_LUMA.astype(float)).astype("float32")
_FREQUENCIES = np.arange(BLOCK)[:, None] * (2 * np.arange(BLOCK) + 1) * np.pi / (2 * BLOCK)
DCT = (np.cos(_FREQUENCIES) * np.where(np.arange(BLOCK) == 0, 0.125, 0.25)[:, None] ** 0.5).astype("float32")


def jpeg(images, quality):
    """`images` as they come back from a JPEG file of `quality` `(n,)` in 1..100.

    Three channels are red, green and blue, with the colours at half the resolution (4:2:0); any other number of
    channels are each stored as a grey image.
    """
    scales = _scales(quality)
    if images.shape[-1] != 3:
        return _stored(images, LUMA, scales)
    height, width = images.shape[1:3]
    planes = _mixed(images - 128, TO_LUMA) + 128
    colours = _halved(planes[..., 1:])
    colours = _doubled(_stored(colours, CHROMA, scales))[:, :height, :width]
    planes = ops.concatenate([_stored(planes[..., :1], LUMA, scales), colours], axis=-1)
    return ops.clip(ops.round(_mixed(planes - 128, TO_RGB) + 128), 0, 255)


def _scales(quality):
    """Per cent of the tables, `(n, 1, 1, 1, 1, 1)`: libjpeg's jpeg_quality_scaling."""
    quality = ops.clip(ops.round(ops.cast(quality, "float32")), 1, 100)
    scales = ops.where(quality < 50, ops.floor(5000 / quality), 200 - 2 * quality)
    return ops.reshape(scales, (-1, 1, 1, 1, 1, 1))


def _stored(planes, table, scales):
    """Planes of 0..255 cut into blocks, their DCT rounded to steps of the scaled `table`."""
    height, width, channels = planes.shape[1:]
    down, along = (-height) % BLOCK, (-width) % BLOCK
    padded = _repeated(planes, (0, down), (0, along))
    rows, columns = (height + down) // BLOCK, (width + along) // BLOCK
    blocks = ops.reshape(ops.round(padded) - 128, (-1, rows, BLOCK, columns, BLOCK, channels))
    steps = ops.clip(ops.floor((table[:, :, None] * scales + 50) / 100), 1, 255)
    waves = ops.round(ops.einsum("ua,vb,nyaxbc->nyxuvc", DCT, DCT, blocks) / steps) * steps
    back = ops.einsum("ua,vb,nyxuvc->nyaxbc", DCT, DCT, waves)
    whole = ops.reshape(back, (-1, height + down, width + along, channels))[:, :height, :width]
    return ops.clip(ops.round(whole + 128), 0, 255)


def _halved(planes):
    """The means of 2 x 2 pixels."""
    height, width, channels = planes.shape[1:]
    planes = _repeated(planes, (0, height % 2), (0, width % 2))
    fours = ops.reshape(planes, (-1, (height + 1) // 2, 2, (width + 1) // 2, 2, channels))
    return ops.mean(fours, axis=(2, 4))


def _doubled(planes):
    """Twice the size, each pixel 3/4 of the nearest and 1/4 of the next in both directions (libjpeg's "fancy")."""
    height, width, channels = planes.shape[1:]
    padded = _repeated(planes, (1, 1), (1, 1))
    rows = _between(padded[:, :-2], padded[:, 1:-1], padded[:, 2:], 2)
    rows = ops.reshape(rows, (-1, 2 * height, width + 2, channels))
    both = _between(rows[:, :, :-2], rows[:, :, 1:-1], rows[:, :, 2:], 3)
    return ops.reshape(both, (-1, 2 * height, 2 * width, channels))


def _between(before, here, after, axis):
    return ops.stack([0.75 * here + 0.25 * before, 0.75 * here + 0.25 * after], axis=axis)


def _repeated(planes, down, along):
    """`planes` with their edge pixels repeated outwards."""
    for axis, (before, after) in ((1, down), (2, along)):
        n = planes.shape[axis]
        taken = np.clip(np.arange(-before, n + after), 0, n - 1)
        planes = ops.take(planes, taken, axis=axis) if before or after else planes
    return planes


def _mixed(images, matrix):
    """The colours of `images` times `matrix`, without a matmul, which rounds to ten bits on some accelerators."""
    return sum(images[..., i : i + 1] * matrix[:, i] for i in range(len(matrix)))
