"""The set that ships with scikit-learn: the only place that imports it."""

from __future__ import annotations

import numpy as np

from kerascnn.data.arrays import from_arrays
from kerascnn.data.dataset import Data
from kerascnn.data.options import Options
from kerascnn.data.splits import stratified


def digits(options: Options) -> Data:
    """1,797 real handwritten digits of 8 x 8 grey pixels, in 10 classes.

    Their values 0..16 become uint8 0..255. The stratified test split (20 %) is the same whatever `seed` is, so that
    results can be compared; the validation split is `options.validation` of all images.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int32)
    rest, test = stratified(labels, 0.2, seed=0)
    kept, held = stratified(labels[rest], options.validation / 0.8, options.seed)
    pairs = tuple((images[part], labels[part]) for part in (rest[kept], rest[held], test))
    names = tuple(map(str, range(10)))
    return from_arrays(pairs, options.replace(channels="last", class_names=names), name="digits")
