"""The options of `load`, checked once and handed to whichever reader the data needs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kerascnn import checks
from kerascnn.data.dataset import TARGETS
from kerascnn.data.images import RESIZES
from kerascnn.data.masks import IGNORE
from kerascnn.data.storage import READERS, Remote

MOST_VALUE = 65535  # that a mask of 16 bits can have


@dataclass(frozen=True)
class Options:
    """The keyword arguments of `load`, under the same names."""

    image_size: int | tuple[int, int] | None = None
    resize: str = "stretch"
    channels: str = "last"
    color: str | None = None
    validation: float = 0.1
    seed: int = 0
    skip_bad: bool = False
    memory: float = 0.25
    class_names: tuple[str, ...] | None = None
    targets: str = "labels"
    ignore: int = IGNORE
    class_values: tuple[int, ...] | None = None
    box_format: str = "xyxy"
    nested: bool = False
    readers: int | None = None

    def __post_init__(self):
        """Checks the arguments; makes `image_size` a pair."""
        checks.one_of("resize", self.resize, RESIZES)
        checks.one_of("channels", self.channels, ("last", "first"))
        checks.one_of("color", self.color, (None, "grey", "rgb"))
        checks.in_range("validation", self.validation, 0, 0.5, mend="Pass validation=0.1.")
        checks.positive_int("seed", self.seed, least=0)
        checks.in_range("memory", self.memory, 0, 1, mend="It is the share of free memory that images may take.")
        object.__setattr__(self, "image_size", _size(self.image_size))
        if self.readers is not None:
            checks.positive_int("readers", self.readers)
        checks.one_of("targets", self.targets, TARGETS)
        _check_format(self.box_format)
        checks.positive_int("ignore", self.ignore, least=0)
        object.__setattr__(self, "class_values", _values(self.class_values))
        self._check_fits()

    def _check_fits(self):
        masks = self.targets == "masks"
        if not masks and (self.ignore != IGNORE or self.class_values):
            name = "ignore" if self.ignore != IGNORE else "class_values"
            mend = "Pass targets='masks' too."
            raise ValueError(checks.message(name, "be left out unless masks are read", getattr(self, name), mend))
        if masks and self.class_names and self.class_values:
            checks.same_length("class_names", self.class_names, "class_values", self.class_values)
        if self.box_format != "xyxy" and self.targets not in ("boxes", "box"):
            mend = "Pass targets='boxes' too."
            raise ValueError(checks.message("box_format", "be left out unless boxes are read", self.box_format, mend))
        if self.nested and self.targets != "labels":
            mend = "Pass targets='labels'."
            raise ValueError(checks.message("nested", "be False unless class folders are read", self.nested, mend))
        if self.targets == "images" and self.class_names:
            raise ValueError(checks.message("class_names", "be None where targets are images", self.class_names))

    def replace(self, **changes) -> Options:
        """A copy with `changes`."""
        return dataclasses.replace(self, **changes)

    def readers_of(self, tree) -> int:
        """How many files of `tree` are read at a time by one batch."""
        return self.readers or (READERS if isinstance(tree, Remote) else 1)

    @property
    def color_channels(self) -> int | None:
        """1 for grey, 3 for RGB, None to take the images as they are."""
        return {"grey": 1, "rgb": 3}.get(self.color)


def _check_format(box_format):
    from kerascnn.boxes import FORMATS

    checks.one_of("box_format", box_format, FORMATS)


def _size(image_size) -> tuple[int, int] | None:
    if image_size is None:
        return None
    mend = "Pass one integer, or (height, width)."
    try:
        height, width = image_size
    except TypeError:
        height = width = image_size
    except ValueError:
        raise ValueError(checks.message("image_size", "be one or two integers", image_size, mend)) from None
    return checks.positive_int("image_size", height, mend), checks.positive_int("image_size", width, mend)


def _values(class_values) -> tuple[int, ...] | None:
    if class_values is None:
        return None
    mend = "Pass the value of each class in the masks, as class_values=(0, 128, 255)."
    values = tuple(checks.positive_int("class_values", value, mend, least=0) for value in class_values)
    if not 0 < len(values) == len(set(values)) <= IGNORE or max(values) > MOST_VALUE:
        rule = f"be 1 to {IGNORE} different values in 0..{MOST_VALUE}"
        raise ValueError(checks.message("class_values", rule, class_values, mend))
    return values
