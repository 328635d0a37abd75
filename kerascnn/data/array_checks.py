"""What a user's arrays must be, said before any training."""

from __future__ import annotations

import numpy as np

from kerascnn import checks
from kerascnn.data.images import fit, recolor
from kerascnn.data.options import Options
from kerascnn.data.splits import warn


def check_images(name: str, x, options: Options, report) -> np.ndarray:
    """`x` as uint8 or float32 images `(n, height, width, channels)`; raises ValueError for what cannot be used."""
    x = np.asarray(x)
    if x.ndim not in (3, 4, 5) or 0 in x.shape:
        mend = "Pass images of one size; x[..., None] for grey ones."
        raise ValueError(checks.message(f"{name}.shape", "be (n, height, width[, channels]), none 0", x.shape, mend))
    if x.ndim == 3:
        x = x[..., None]
    elif options.channels == "first":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    elif x.shape[-1] > 4 and x.shape[1] in (1, 3):
        warn(f"`{name}` has shape {x.shape}: if the channels come first, pass channels='first'.", report)
    if options.image_size and x.ndim == 5:
        mend = "Leave it out: volumes are not resized; do it before."
        raise ValueError(checks.message("image_size", f"be None for `{name}` of volumes", options.image_size, mend))
    x = check_pixels(name, x, report)
    if options.color_channels and x.shape[-1] in (1, 3):
        x = recolor(x, options.color_channels)
    if options.image_size and x.shape[1:3] != options.image_size:
        x = np.stack([fit(image, options.image_size, options.resize) for image in x])
    return x


def check_labels(name: str, y) -> np.ndarray:
    """`y` as int32 labels `(n,)`; raises ValueError if they are no integers from 0 up, one an image."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        mend = f"If it is one-hot, pass {name}.argmax(-1)."
        raise ValueError(checks.message(f"{name}.shape", "be (n,), one integer an image", y.shape, mend))
    if y.dtype.kind not in "iu":
        mend = f"Pass np.unique({name}, return_inverse=True)[1], or {name}.astype('int32') if it holds whole numbers."
        raise ValueError(checks.message(f"{name}.dtype", "be an integer type", str(y.dtype), mend))
    if y.size and y.min() < 0:
        raise ValueError(checks.message(f"{name}.min()", "be 0 or more", int(y.min()), "Labels count from 0."))
    return y.astype(np.int32)


def check_pixels(name: str, x: np.ndarray, report) -> np.ndarray:
    """`x` as uint8 or float32; raises ValueError unless its pixels are finite numbers in 0..255."""
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "iufb":
        mend = "Pass uint8 or float32 images, all of one size."
        raise ValueError(checks.message(f"{name}.dtype", "be a number type", str(x.dtype), mend))
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        bad = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
        where = f"{len(bad)} images with NaN or infinity, the first at index {bad[0]}"
        raise ValueError(checks.message(name, "be finite", where, "Mend or drop these images."))
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 255:
        mend = "Models take pixels in 0..255 and rescale them inside."
        raise ValueError(checks.message(name, "be in 0..255", f"{low:g} to {high:g}", mend))
    if high <= 1:
        warn(f"`{name}` is in 0..1, and models take 0..255: multiply it by 255.", report)
    return x.astype(np.uint8 if x.dtype.kind in "iub" else np.float32, copy=False)
