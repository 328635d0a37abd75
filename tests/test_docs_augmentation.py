import re
from pathlib import Path

import numpy as np
import pytest

from kerascnn import augmentation
from kerascnn.augmentation.serial import table

PAGE = Path(__file__).parents[1] / "docs" / "augmentation.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_examples_run():
    names = {"__name__": "page"}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["changed"].keys() == names["batch"].keys()
    assert (names["changed"]["images"] != names["batch"]["images"]).any()
    level = np.full((4, 2, 2, 3), 100, np.uint8)
    warm = augmentation.Pipeline(names["Warmth"]((30, 30))).apply(level, np.arange(4))
    assert warm[0, 0, 0].tolist() == [130, 100, 70]


@pytest.mark.parametrize("block", blocks("yaml"))
def test_the_files_are_read(block):
    assert len(augmentation.Pipeline.from_yaml(block).transforms) == 3


def rows():
    return [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| `[A-Z]", line)]


def test_every_transform_is_in_the_table():
    named = set(re.findall(r"`([A-Z]\w+)\(", "\n".join(line.split("|")[1] for line in rows())))
    assert named == set(table())


def test_the_table_says_what_each_carries():
    letters = {"segmentation_masks": "M", "bounding_boxes": "B", "keypoints": "K"}
    for line in rows():
        transforms, targets = line.split("|")[1], line.split("|")[3].strip()
        for name in re.findall(r"`([A-Z]\w+)\(", transforms):
            carried = " ".join(letter for kind, letter in letters.items() if kind in table()[name].targets)
            assert name in ("Pipeline", "OneOf", "Identity") or targets == (carried or "none"), name
