"""One interpolation an image: matrices applied to a batch. The only place that imports cv2."""

import numpy as np

PADS = {"reflect": "reflect", "edge": "edge", "zero": "constant"}
FLIPS = {(1, -1): 1, (-1, 1): 0, (-1, -1): -1}  # OpenCV's codes of mirrorings along (y, x)
MOST_CHANNELS = 4  # that OpenCV warps at once


def warp(images: np.ndarray, matrices: np.ndarray, border: str = "reflect") -> np.ndarray:
    """`images` `(n, height, width, channels)`, uint8 or float32, each moved by its matrix of `(n, 3, 3)`.

    Matrices move points `(x, y, 1)` in pixels from the centre of the image. What comes from outside is the image
    mirrored at its edge pixels ("reflect"), its edge pixels ("edge") or 0 ("zero"). Where all matrices are mirrorings
    and shifts by whole pixels, pixels are copied unchanged and faster; otherwise interpolation is bilinear.
    """
    if _exact(matrices):
        return _copied(images, matrices, border)
    return _interpolated(images, matrices, border)


def _exact(matrices) -> bool:
    scales = matrices[:, (0, 1), (0, 1)]
    others = matrices[:, (0, 1), (1, 0)]
    shifts = matrices[:, :2, 2]
    return bool((np.abs(scales) == 1).all() and (others == 0).all() and (shifts == np.rint(shifts)).all())


def _copied(images, matrices, border):
    import cv2

    height, width = images.shape[1:3]
    signs = matrices[:, (1, 0), (1, 0)].astype(int)
    starts = -signs * matrices[:, (1, 0), 2].astype(int)  # of the window of each image, before it is mirrored
    most_y, most_x = np.abs(starts).max(axis=0)
    padded = np.pad(images, ((0, 0), (most_y, most_y), (most_x, most_x), (0, 0)), PADS[border])
    out = np.empty_like(images)
    tops, lefts = (starts + (most_y, most_x)).T.tolist()
    for i, (top, left, (up, along)) in enumerate(zip(tops, lefts, signs.tolist(), strict=True)):
        window = padded[i, top : top + height, left : left + width]
        out[i] = cv2.flip(window, FLIPS[up, along]).reshape(window.shape) if (up, along) in FLIPS else window
    return out


def _interpolated(images, matrices, border):
    import cv2

    modes = {"reflect": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}
    _, height, width, channels = images.shape
    centre = np.eye(3)
    centre[:2, 2] = (width - 1) / 2, (height - 1) / 2
    inverses = np.linalg.inv(centre @ matrices @ np.linalg.inv(centre))[:, :2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    out = np.empty_like(images)
    for first in range(0, channels, MOST_CHANNELS):
        part = np.s_[..., first : first + MOST_CHANNELS]
        for image, inverse, target in zip(images[part], inverses, out[part], strict=True):
            warped = cv2.warpAffine(image, inverse, (width, height), flags=flags, borderMode=modes[border])
            target[...] = warped.reshape(target.shape)
    return out
