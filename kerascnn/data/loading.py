"""`load`: whatever the user has, as a `Data`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import Data
from kerascnn.data.options import Options
from kerascnn.data.remembering import recall
from kerascnn.data.storage import is_url, placed

SCENES = "scenes"
BOXES = ("boxes", "box")
ZIP = ".zip"


def load(  # noqa: PLR0913 (all that can be said of data)
    data,
    *,
    targets: str = "labels",
    image_size: int | tuple[int, int] | None = None,
    resize: str = "stretch",
    channels: str = "last",
    color: str | None = None,
    validation: float = 0.1,
    seed: int = 0,
    skip_bad: bool = False,
    memory: float = 0.25,
    class_names: tuple[str, ...] | None = None,
    ignore: int = 255,
    class_values: tuple[int, ...] | None = None,
    box_format: str = "xyxy",
    nested: bool = False,
    readers: int | None = None,
) -> Data:
    """Reads, checks and splits `data`; everything that can be wrong with it is said here, before any training.

    data: an existing folder with one sub-folder a class, perhaps under `train`, `validation` and `test`, or the .zip
        file of one, whose images are read into memory and never unpacked; a folder of TFRecord shards of images with
        labels, or a pattern such as "shards/train-*", see `write_records` and docs/large_data.md; a URL of such
        folders in an object store, as "gs://bucket/photos"; "digits"; a tensorflow-datasets name (honours
        TFDS_DATA_DIR); arrays `(x, y)`, `((x, y), (x_val, y_val))` or three such pairs, x uint8 or float32 in 0..255;
        or a `Data`, whose labels are all checked, and its first images, and which takes `seed` and `targets` alone of
        the options below. An existing folder wins over a name.
    targets: "labels", one class an image. "masks", one class a pixel, or several: a folder of `images` and `masks` with
        the same names (or `masks` with a sub-folder for each class: 0, or not 0), perhaps under the splits; a
        tensorflow-datasets name with segmentation masks; arrays `(x, masks)`, masks `(n, height, width)` of integers or
        `(n, height, width, classes)` of 0 and 1; "scenes" or "scenes/NAME", objects of a set scattered over textures.
        "boxes", objects with their boxes: a folder in the form of Pascal VOC or COCO; a tensorflow-datasets name with
        objects; "scenes"; arrays `(x, boxes)` with `(m, 5)` for each image, box and class, or one `(n, m, 5)` that is
        padded with class -1, or dicts of "boxes" and "labels". "box": the same with exactly one object in each image.
        "images": a folder of `input` and `target` images with the same names, or arrays `(x, y)` of images; anything
        else that has images, labelled or not, whose images are then their own targets.
    image_size: one integer or (height, width). None keeps a common size; files of mixed sizes get their median size in
        multiples of 8, at most 224.
    resize: "stretch" fills the size; "letterbox" keeps the ratio and pads with 0, masks with 255; "crop" keeps it and
        cuts the middle out. Masks take the nearest pixel, boxes move along; a crop leaves those out of which less
        than a tenth remains.
    channels: "first" for arrays `(n, channels, height, width)`; they are turned once.
    color: "grey" or "rgb"; None keeps RGB unless all images are grey.
    validation: the share of each class that is held out, by `seed`, where there is no validation split; a class with a
        single image keeps it for training. Of masks and images it is that share of all, at least one. 0 holds nothing
        out, for sets of one image a class: the training images are then the validation split too, with a warning. The
        test split is never touched.
    skip_bad: leave out unreadable files, those without a partner and objects that cannot be used, and list them in
        `report["skipped"]`, instead of raising.
    memory: the share of free memory that images may take; above it they are read from disk as they are needed.
    class_names: the names of the classes of arrays, masks and TFRecords, otherwise their numbers; of files with boxes
        their order.
    ignore: the value of mask pixels that count nowhere; they become 255.
    class_values: the value of each class in the masks, where that is not 0, 1, 2, ..., or 0 and 255 for two classes.
    box_format: of boxes in arrays: "xyxy" (left, top, right, bottom), "xywh", "center_xywh" or "yxyx", in pixels from 0
        at the image's edges; after "rel_" as shares of its width and height.
    nested: class folders are in folders of groups, as alphabet/character/drawing.png: the classes are then
        "alphabet/character", and `Data.groups` says the group of each.
    readers: how many files, or records, a batch reads at a time. None is 1 on this machine and 32 for a URL; more
        pays where each read waits, as on a disk in the network.

    >>> data = load("digits")
    >>> data.image_shape, data.classes, data.train_size, data.validation_size, data.test_size
    ((8, 8, 1), 10, 1259, 179, 359)
    """
    options = Options(
        image_size,
        resize,
        channels,
        color,
        validation,
        seed,
        skip_bad,
        memory,
        class_names,
        targets,
        ignore,
        class_values,
        box_format,
        nested,
        readers,
    )
    return recall(data, options, partial(_read, data, options))


def _read(data, options: Options) -> Data:
    if isinstance(data, Data):
        from kerascnn.data.given import from_data

        return from_data(data, options)
    is_path = isinstance(data, str | Path) and (Path(data).expanduser().is_dir() or Path(data).suffix == ZIP)
    is_path = is_path or is_url(data)
    if options.nested and not is_path:
        raise ValueError(checks.message("nested", "be False unless a folder or .zip file is read", options.nested))
    if isinstance(data, tuple | list) or (isinstance(data, np.ndarray) and options.targets == "images"):
        return _arrays(data, options)
    if isinstance(data, str | Path):
        return _named(data, options)
    rule = "be a folder, a name, (x, y) arrays or a Data"
    raise TypeError(
        checks.message("data", rule, type(data).__name__, "For tf.data.Datasets make a kerascnn.data.Data.")
    )


def _arrays(data, options: Options) -> Data:
    from kerascnn.data.arrays import from_arrays, pairs_of
    from kerascnn.data.box_arrays import from_box_arrays
    from kerascnn.data.dense_arrays import from_image_arrays, from_mask_arrays

    if options.targets == "masks":
        return from_mask_arrays(data, options)
    if options.targets in BOXES:
        return from_box_arrays(data, options)
    if options.targets == "labels":
        return from_arrays(data, options)
    labelled = not isinstance(data, np.ndarray) and np.ndim(pairs_of(data)[0][1]) < 3
    return _own(partial(from_arrays, data), options) if labelled else from_image_arrays(data, options)


def _named(data: str | Path, options: Options) -> Data:
    if options.box_format != "xyxy":
        rule = "be left out unless boxes are in arrays: others say theirs themselves"
        raise ValueError(checks.message("box_format", rule, options.box_format))
    found = _stored(data, options)
    if found is not None:
        return found
    path = Path(data).expanduser()
    if isinstance(data, str) and data.partition("/")[0] == SCENES:
        return _scenes(data, options)
    if options.targets == "images":
        return _own(partial(_named, data), options)
    if path.suffix == ZIP and path.is_file():
        return _zip(path, options)
    if data == "digits":
        from kerascnn.data.builtin import digits

        _check_labels_wanted(data, options)
        return digits(options)
    if isinstance(data, Path) or "/" in data and not _is_catalogue_name(data) or path.exists() or path.suffix == ZIP:
        mend = f"The working folder is {Path.cwd()}."
        rule = "be an existing folder, the .zip file of one, or TFRecord files"
        raise ValueError(checks.message("data", rule, str(data), mend))
    if options.targets in BOXES:
        from kerascnn.data.box_catalogue import from_box_catalogue

        return from_box_catalogue(data, options)
    if options.targets == "masks":
        from kerascnn.data.mask_catalogue import from_mask_catalogue

        return from_mask_catalogue(data, options)
    from kerascnn.data.catalogue import from_catalogue

    return from_catalogue(data, options)


def _stored(data: str | Path, options: Options) -> Data | None:
    """What `data` is, if it is a folder, TFRecord files or a URL of such."""
    from kerascnn.data.record_scan import find_shards

    if found := find_shards(data):
        return _records(found, data, options)
    if is_url(data):
        return _remote(data, options)
    path = Path(data).expanduser()
    return _folder(path, options) if path.is_dir() else None


def _records(found, data: str | Path, options: Options) -> Data:
    if options.targets == "images":
        return _own(partial(_named, data), options)
    if options.targets != "labels" or options.nested:
        name = "nested" if options.nested else "targets"
        rule = "be left out for TFRecord files, which are read with one label an image"
        raise ValueError(checks.message(name, rule, getattr(options, name)))
    from kerascnn.data.records import from_records

    return from_records(*found, options)


def _remote(url: str, options: Options) -> Data:
    if options.targets == "images":
        return _own(partial(_named, url), options)
    tree, path = placed(url)
    if options.targets != "labels" or not tree.is_dir(path):
        rule = f"be a folder on this machine to read {options.targets} from"
        rule = rule if options.targets != "labels" else "be the URL of a folder with images, or of TFRecord files"
        raise ValueError(checks.message("data", rule, url))
    from kerascnn.data.folder import from_folder

    return from_folder(path, options, tree)


def _zip(path: Path, options: Options) -> Data:
    if options.targets != "labels":
        rule = f"be a folder to read {options.targets} from"
        raise ValueError(checks.message("data", rule, str(path), "Unpack it, and pass the folder."))
    from kerascnn.data.zipped import from_zip

    return from_zip(path, options)


def _folder(path: Path, options: Options) -> Data:
    if options.targets == "masks":
        from kerascnn.data.mask_folder import from_mask_folder

        return from_mask_folder(path, options)
    if options.targets in BOXES:
        from kerascnn.data.box_folder import from_box_folder

        return from_box_folder(path, options)
    if options.targets == "images":
        from kerascnn.data.image_folder import from_image_folder

        return from_image_folder(path, options)
    from kerascnn.data.folder import from_folder

    return from_folder(path, options)


def _scenes(data: str, options: Options) -> Data:
    from kerascnn.data.scenes import from_originals

    if options.targets == "labels":
        rule = "be a set with one label an image"
        raise ValueError(checks.message("data", rule, data, "Scenes have masks: pass targets='masks', or 'boxes'."))
    if options.targets == "images":
        return _own(partial(_scenes, data), options, "masks")
    originals = Options(color="grey", validation=options.validation, seed=options.seed, memory=1.0)
    return from_originals(_named(data.partition("/")[2] or "digits", originals), options)


def _own(read, options: Options, targets: str = "labels") -> Data:
    """What `read` gives for other targets, the images as their own."""
    from kerascnn.data.own import own_targets

    return own_targets(read(options.replace(targets=targets)))


def _check_labels_wanted(data, options):
    if options.targets != "labels":
        mend = "'scenes' are these digits, scattered, with masks and boxes."
        raise ValueError(checks.message("data", f"have {options.targets}", data, mend))


def _is_catalogue_name(data: str) -> bool:
    head, _, config = data.partition("/")
    return head.isidentifier() and "/" not in config and not Path(head).exists()
