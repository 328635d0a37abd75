"""One interpolation an image, on the host: matrices and displacements applied to a batch with OpenCV."""

import numpy as np

from kerascnn.augmentation.warp_stack import places, warp_stack

PADS = {"reflect": "reflect", "edge": "edge", "zero": "constant"}
FLIPS = {(1, -1): 1, (-1, 1): 0, (-1, -1): -1}  # OpenCV's codes of mirrorings along (y, x)
MOST_CHANNELS = 4  # that OpenCV warps at once
PADDED = 48  # pixels of a side from which padding and a fourth channel save more time than they cost; below, stacks do


def warp(images, matrices, size=None, border="reflect", field=None, order="linear", fill=0, known=None) -> np.ndarray:
    """`images` `(n, height, width, channels)`, uint8 or float32, each moved by its matrix of `(n, 3, 3)`.

    Matrices move points `(x, y, 1)` in pixels from the centre of the image to the centre of the result, whose `size` is
    `(height, width)` (None: as the images). `field` `(n, rows, columns, 2)` is a coarse grid of displacements `(dx,
    dy)` in pixels, smoothed over the result, which shows at `y` what the matrix moves to `y + displacement(y)`. What
    comes from outside is the image mirrored at its edge pixels ("reflect"), its edge pixels ("edge") or `fill`
    ("zero"). Where all matrices are mirrorings and shifts by whole pixels, pixels are copied unchanged and faster;
    otherwise interpolation is bilinear (`order` "linear") or takes the next pixel ("nearest"). `known`, a dict, keeps
    what the next call for the same matrices, size and border need not find out again.
    """
    size = size or images.shape[1:3]
    if field is None and tuple(size) == images.shape[1:3] and _exact(matrices):
        return _copied(images, matrices, border, fill)
    if field is None and max(*images.shape[1:3], *size) < PADDED and (matrices[:, 2] == (0, 0, 1)).all():
        return _together(images, matrices, size, border, order, fill, {} if known is None else known)
    return _interpolated(images, matrices, size, border, field, order, fill)


def _exact(matrices) -> bool:
    scales = matrices[:, (0, 1), (0, 1)]
    others = matrices[:, (0, 1, 2, 2), (1, 0, 0, 1)]
    shifts = matrices[:, :2, 2]
    return bool((np.abs(scales) == 1).all() and (others == 0).all() and (shifts == np.rint(shifts)).all())


def _copied(images, matrices, border, fill):
    import cv2

    height, width = images.shape[1:3]
    signs = matrices[:, (1, 0), (1, 0)].astype(int)
    starts = -signs * matrices[:, (1, 0), (2, 2)].astype(int)  # of the window of each image, before it is mirrored
    most_y, most_x = np.abs(starts).max(axis=0)
    values = {"constant_values": fill} if border == "zero" else {}
    padded = np.pad(images, ((0, 0), (most_y, most_y), (most_x, most_x), (0, 0)), PADS[border], **values)
    out = np.empty_like(images)
    tops, lefts = (starts + (most_y, most_x)).T.tolist()
    for i, (top, left, (up, along)) in enumerate(zip(tops, lefts, signs.tolist(), strict=True)):
        window = padded[i, top : top + height, left : left + width]
        out[i] = cv2.flip(window, FLIPS[up, along]).reshape(window.shape) if (up, along) in FLIPS else window
    return out


def _together(images, matrices, size, border, order, fill, known):
    """In stacks, where the images are small: half the time at 32 pixels, nearly as much at 48, more at 64."""
    if known.get("matrices") is not matrices:
        inverses, before = _inverses(matrices, images.shape[1:3], size), images.shape[1:3]
        known |= {"matrices": matrices, "places": places(inverses[:, :2], before, size, border)}
    return warp_stack(images, known["places"], border, order, fill)


def _interpolated(images, matrices, size, border, field, order, fill):
    import cv2

    n, height, width, channels = images.shape
    inverses = _inverses(matrices, (height, width), size)
    modes = {"reflect": cv2.BORDER_REFLECT_101, "edge": cv2.BORDER_REPLICATE, "zero": cv2.BORDER_CONSTANT}
    interpolation = cv2.INTER_LINEAR if order == "linear" else cv2.INTER_NEAREST
    options = {"borderMode": modes[border], "borderValue": (fill,) * MOST_CHANNELS}
    straight = options | {"flags": interpolation | cv2.WARP_INVERSE_MAP}
    out, frame = np.empty((n, *size, channels), images.dtype), (size[1], size[0])
    affine = (inverses[:, 2] == (0, 0, 1)).all()
    if affine and field is None and _gains_by_padding(images, border, order):
        return _padded(images, inverses[:, :2], size, modes[border], interpolation)
    fields = [None] * n if field is None else field
    for first in range(0, channels, MOST_CHANNELS):
        part = np.s_[..., first : first + MOST_CHANNELS]
        sources, results = images[part], out[part]
        if channels > MOST_CHANNELS:
            sources, results = np.ascontiguousarray(sources), np.empty_like(results)
        if field is not None:
            for image, inverse, grid, target in zip(sources, inverses, fields, results, strict=True):
                cv2.remap(image, _sources(inverse, grid, size), None, interpolation, dst=target, **options)
        elif affine:
            for image, inverse, target in zip(sources, inverses[:, :2], results, strict=True):
                cv2.warpAffine(image, inverse, frame, dst=target, **straight)
        else:
            for image, inverse, target in zip(sources, inverses, results, strict=True):
                cv2.warpPerspective(image, inverse, frame, dst=target, **straight)
        if channels > MOST_CHANNELS:
            out[part] = results
    return out


def _gains_by_padding(images, border, order):
    kinds = {"linear": 3, "nearest": 1}  # RGB images and masks
    suited = images.dtype == np.uint8 and images.shape[3] == kinds[order]
    return suited and border != "zero" and min(images.shape[1:3]) >= PADDED


def _padded(images, inverses, size, border, interpolation):
    """As OpenCV does fastest: one channel or four, and all that comes from outside laid around each image before."""
    import cv2

    height, width = images.shape[1:3]
    ends = np.array([(x, y, 1) for x in (0, size[1] - 1) for y in (0, size[0] - 1)]).T
    corners = inverses @ ends  # where the result's corners lie in the image
    over = np.maximum(-corners, corners - [[width - 1], [height - 1]]).max(axis=(1, 2))
    pads = np.maximum(np.ceil(over).astype(int) + 1, 0)
    pads[pads >= min(height, width)] = 0  # too far out to be laid around: OpenCV's own border does it
    moved = inverses.copy()
    moved[:, :, 2] += pads[:, None]
    out = np.empty((len(images), *size, images.shape[3]), np.uint8)
    most, depth = 2 * int(pads.max(initial=0)), () if images.shape[3] == 1 else (4,)
    four, wide = (np.empty((height + more, width + more, *depth), np.uint8) for more in (0, most))  # stay in the cache
    seen = np.empty((*size, *depth), np.uint8)
    options = {"flags": interpolation | cv2.WARP_INVERSE_MAP, "borderMode": border}
    for image, inverse, target, pad in zip(images, moved, out, pads.tolist(), strict=True):
        image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, dst=four) if depth else image[..., 0]
        around = wide[: height + 2 * pad, : width + 2 * pad]
        cv2.copyMakeBorder(image, pad, pad, pad, pad, border, dst=around)
        cv2.warpAffine(around, inverse, (size[1], size[0]), dst=seen if depth else target[..., 0], **options)
        if depth:
            cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB, dst=target)
    return out


def _inverses(matrices, before, size):
    """What takes pixels of the result to the image, both counted from their first."""
    return np.linalg.inv(_from_corners(size) @ matrices @ np.linalg.inv(_from_corners(before)))


def _from_corners(size):
    """Moves points that count from the centre to count from the first pixel of an image of `size`."""
    matrix = np.eye(3)
    matrix[:2, 2] = (size[1] - 1) / 2, (size[0] - 1) / 2
    return matrix


def _sources(inverse, grid, size):
    """The pixel `(x, y)` of the image that each pixel of the result shows, `(height, width, 2)` float32."""
    import cv2

    points = cv2.resize(grid.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    points += np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in size[::-1])), axis=-1)
    moved = points @ inverse[:, :2].T.astype(np.float32) + inverse[:, 2].astype(np.float32)
    return moved[..., :2] / moved[..., 2:]
