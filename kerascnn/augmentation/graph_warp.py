"""The warp of `graph`: gathered pixels and their weights in `keras.ops`, the counterpart of OpenCV's on the host."""

import numpy as np
from keras import ops

FARTHEST = 1e6  # pixels; coordinates from beyond it are all alike, and int32 holds what is computed from them
CUBIC = -0.75  # OpenCV's parameter of the cubic kernel (Keys 1981)


def warp(images, matrices, size, border="reflect", field=None, order="linear", fill=0, known=None):
    """`images` `(n, height, width, channels)`, each moved by its matrix of `(n, 3, 3)` to an image of `size`.

    Matrices move points `(x, y, 1)` in pixels from the centre of the input to the centre of the output, both static in
    size. What comes from outside is the image mirrored at its edge pixels ("reflect"), its edge pixels ("edge"), or
    `fill` ("zero"). `field` `(n, rows, columns, 2)` holds displacements `(dx, dy)` in pixels, smoothed over the output
    by cubic interpolation: output pixel `q` takes the input at `M^-1 (q + d(q))`. `order` "linear" gives float32,
    "nearest" copies pixels and keeps the type. `known` is for the host.
    """
    x, y = _sources(matrices, field, images.shape[1:3], size)
    if order == "nearest":
        return _pixels(images, ops.floor(y + 0.5), ops.floor(x + 0.5), border, fill)
    images = ops.cast(images, "float32")
    left, top = ops.floor(x), ops.floor(y)
    along, down = (x - left)[..., None], (y - top)[..., None]
    above, below = (
        _pixels(images, row, left, border, fill) * (1 - along) + _pixels(images, row, left + 1, border, fill) * along
        for row in (top, top + 1)
    )
    return above * (1 - down) + below * down


def _sources(matrices, field, inner, outer):
    """The input coordinates x and y `(n, height, width)`, from the corner, of each output pixel."""
    rows, columns = ((np.arange(n, dtype="float32") - (n - 1) / 2) for n in outer)
    x, y = ops.convert_to_tensor(columns[None, None, :]), ops.convert_to_tensor(rows[None, :, None])
    if field is not None:
        moves = smooth(ops.cast(field, "float32"), outer)
        x, y = x + moves[..., 0], y + moves[..., 1]
    back = ops.expand_dims(inverse(ops.cast(matrices, "float32")), (3, 4))
    x, y, scale = (back[:, i, 0] * x + back[:, i, 1] * y + back[:, i, 2] for i in range(3))
    scale = ops.where(scale == 0, 1e-12, scale)
    return (ops.clip(part / scale + (n - 1) / 2, -FARTHEST, FARTHEST) for part, n in ((x, inner[1]), (y, inner[0])))


def inverse(matrices):
    """The inverses of `(n, 3, 3)` but for their scale, which does not matter to a projection: the adjugates.

    >>> np.asarray(inverse(np.diag([2.0, 4.0, 1.0])[None]))[0].tolist()
    [[4.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 8.0]]
    """
    first, second, third = (matrices[:, i] for i in range(3))
    crosses = [ops.cross(a, b) for a, b in ((second, third), (third, first), (first, second))]
    return ops.stack(crosses, axis=2)


def smooth(field, size):
    """A coarse `field` `(n, rows, columns, 2)` over an image of `size`, cubic, as OpenCV's resize."""
    down, along = (ops.convert_to_tensor(cubic(n, m)) for n, m in zip(field.shape[1:3], size, strict=True))
    return ops.einsum("yi,xj,nijd->nyxd", down, along, field)


def cubic(inner: int, outer: int) -> np.ndarray:
    """`(outer, inner)` float32 weights that stretch `inner` samples to `outer`, the first and last ones repeated.

    >>> (1000 * cubic(2, 4)).round().tolist()
    [[1105.0, -105.0], [773.0, 227.0], [227.0, 773.0], [-105.0, 1105.0]]
    """
    places = (np.arange(outer) + 0.5) * inner / outer - 0.5
    weights = np.zeros((outer, inner))
    for tap in range(-1, 3):
        taken = np.floor(places) + tap
        np.add.at(weights, (np.arange(outer), np.clip(taken, 0, inner - 1).astype(int)), _keys(np.abs(places - taken)))
    return weights.astype("float32")


def _keys(t):
    near = ((CUBIC + 2) * t - (CUBIC + 3)) * t * t + 1
    far = CUBIC * (((t - 5) * t + 8) * t - 4)
    return np.where(t <= 1, near, far)


def _pixels(images, rows, columns, border, fill):
    """The pixels at whole coordinates, which may lie outside."""
    height, width, channels = images.shape[1:]
    shape = ops.shape(images)
    y, x = (_inside(ops.cast(places, "int32"), n, border) for places, n in ((rows, height), (columns, width)))
    starts = ops.reshape(ops.arange(shape[0], dtype="int32") * (height * width), (-1, 1, 1))
    taken = ops.take(ops.reshape(images, (-1, channels)), starts + y * width + x, axis=0)
    if border != "zero":
        return taken
    held = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return ops.where(held[..., None], taken, ops.cast(fill, images.dtype))


def _inside(places, n, border):
    if border != "reflect":
        return ops.clip(places, 0, n - 1)
    period = max(2 * (n - 1), 1)
    places = ops.mod(places, period)
    return ops.minimum(places, period - places) if n > 1 else places
