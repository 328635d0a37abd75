"""`load`: whatever the user has, as a `Data`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kerascnn import checks
from kerascnn.data.dataset import Data
from kerascnn.data.options import Options
from kerascnn.data.remembering import recall


def load(
    data,
    *,
    image_size: int | tuple[int, int] | None = None,
    resize: str = "stretch",
    channels: str = "last",
    color: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    skip_bad: bool = False,
    memory: float = 0.25,
    class_names: tuple[str, ...] | None = None,
) -> Data:
    """Reads, checks and splits `data`; everything that can be wrong with it is said here, before any training.

    data: an existing folder with one sub-folder a class, perhaps under `train`, `validation` and `test`; "digits"; a
        tensorflow-datasets name (honours TFDS_DATA_DIR); arrays `(x, y)`, `((x, y), (x_val, y_val))` or three such
        pairs, x uint8 or float32 in 0..255; or a `Data`, whose labels are all checked, and its first images, and which
        takes `seed` alone of the options below. An existing folder wins over a name.
    image_size: one integer or (height, width). None keeps a common size; files of mixed sizes get their median size in
        multiples of 8, at most 224.
    resize: "stretch" fills the size; "letterbox" keeps the ratio and pads with 0; "crop" keeps it and cuts the middle
        out.
    channels: "first" for arrays `(n, channels, height, width)`; they are turned once.
    color: "grey" or "rgb"; None keeps RGB unless all images are grey.
    validation: the share of each class that is held out, by `seed`, where there is no validation split; a class with a
        single image keeps it for training. 0 holds nothing out, for sets of one image a class: the training images are
        then the validation split too, with a warning. The test split is never touched.
    skip_bad: leave out unreadable files, and list them in `report["skipped"]`, instead of raising.
    memory: the share of free memory that images may take; above it they are read from disk as they are needed.
    class_names: the names of the classes of arrays; otherwise their numbers.

    >>> data = load("digits")
    >>> data.image_shape, data.classes, data.train_size, data.validation_size, data.test_size
    ((8, 8, 1), 10, 1259, 179, 359)
    """
    options = Options(image_size, resize, channels, color, validation, seed, skip_bad, memory, class_names)
    return recall(data, options, partial(_read, data, options))


def _read(data, options: Options) -> Data:
    if isinstance(data, Data):
        from kerascnn.data.given import from_data

        return from_data(data, options)
    if isinstance(data, tuple | list):
        from kerascnn.data.arrays import from_arrays

        return from_arrays(data, options)
    if isinstance(data, str | Path):
        return _named(data, options)
    rule = "be a folder, a name, (x, y) arrays or a Data"
    raise TypeError(
        checks.message("data", rule, type(data).__name__, "For tf.data.Datasets make a kerascnn.data.Data.")
    )


def _named(data: str | Path, options: Options) -> Data:
    path = Path(data).expanduser()
    if path.is_dir():
        from kerascnn.data.folder import from_folder

        return from_folder(path, options)
    if data == "digits":
        from kerascnn.data.builtin import digits

        return digits(options)
    if isinstance(data, Path) or "/" in data and not _is_catalogue_name(data) or path.exists():
        mend = f"The working folder is {Path.cwd()}."
        raise ValueError(checks.message("data", "be an existing folder", str(data), mend))
    from kerascnn.data.catalogue import from_catalogue

    return from_catalogue(data, options)


def _is_catalogue_name(data: str) -> bool:
    head, _, config = data.partition("/")
    return head.isidentifier() and "/" not in config and not Path(head).exists()
