"""What transforms build their `(n, 3, 3)` matrices with, in NumPy or `keras.ops` (`xp`)."""


def affine(u, xp, *, xx=1.0, xy=0.0, x=0.0, yx=0.0, yy=1.0, y=0.0):
    """`(n, 3, 3)` matrices for `u` `(n, ...)` that take (x, y) to (xx x + xy y + x, yx x + yy y + y)."""
    return stacked((xx, xy, x, yx, yy, y, 0.0, 0.0, 1.0), u, xp)


def stacked(entries, u, xp):
    """`(n, 3, 3)` matrices of nine `entries`, row by row, each a number or `(n,)`."""
    zero = xp.sum(xp.zeros_like(u), axis=1)  # of no draws too
    return xp.reshape(xp.stack([zero + entry for entry in entries], -1), (-1, 3, 3))


def whole(u, low, high, xp):
    """`u` in [0, 1) as a whole number, each of `low`..`high` alike."""
    return xp.minimum(low + xp.floor(u * (high - low + 1)), high)  # in float32 the product may round up


def turn(u, cosine, sine, xp):
    """`(n, 3, 3)` matrices that turn by the angles of a cosine and a sine `(n,)`, clockwise."""
    return affine(u, xp, xx=cosine, xy=-sine, yx=sine, yy=cosine)
