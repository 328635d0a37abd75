import numpy as np
import pytest

from kerascnn import plots
from kerascnn.augmentation import CutMix, Pipeline, RandomFlip
from kerascnn.data import load

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 10, 20, 3)).astype(np.uint8)
FLIP = Pipeline(RandomFlip("horizontal"))


def shown(panel):
    return np.asarray(panel.images[0].get_array())


def titles(figure):
    return [panel.get_title("left") for panel in figure.axes]


def test_originals_stand_before_what_the_epochs_make_of_them():
    figure = plots.augmentations(IMAGES, FLIP, rows=3, variations=4, seed=2)
    panels = np.array(figure.axes).reshape(3, 5)
    for column in range(5):
        made = IMAGES[:3] if column == 0 else FLIP.apply(IMAGES[:3], np.arange(3), column - 1, 2)
        for row in range(3):
            np.testing.assert_array_equal(shown(panels[row, column]), made[row])
    assert not any(titles(figure))


def test_no_more_rows_than_images():
    assert len(plots.augmentations(IMAGES[:2], FLIP, rows=7, variations=1).axes) == 4


def test_data_come_with_the_names_of_their_classes():
    figure = plots.augmentations(load("digits"), Pipeline(), rows=2, variations=1)
    first = next(iter(load("digits").train.take(1).as_numpy_iterator()))
    np.testing.assert_array_equal(shown(figure.axes[1]), first[0][..., 0])
    assert titles(figure)[:2] == [str(first[1])] * 2


def test_masks_are_painted_but_for_their_background():
    masks = np.zeros((1, 10, 20), np.uint8)
    masks[:, :, :4], masks[:, :, 4] = 1, 255
    batch = {"images": IMAGES[:1], "segmentation_masks": masks}
    painted = plots.augmentations(batch, Pipeline(), rows=1, variations=1).axes[1].images[1].get_array()
    assert (painted[:, 5:, 3] == 0).all() and (painted[:, :5, 3] == 127).all()
    assert painted[0, 0, :3].tolist() == [0xD9, 0x72, 0x2B] and painted[0, 4, :3].tolist() == [0x8C, 0x95, 0x9F]
    every = plots.augmentations(batch, Pipeline(), rows=1, variations=1, background=None).axes[1].images[1].get_array()
    assert (every[..., 3] == 127).all()


def test_boxes_and_key_points_move_along(tmp_path):
    boxes = {"boxes": np.float32([[[2, 1, 6, 4], [0, 0, 0, 0]]]), "labels": np.int32([[1, -1]])}
    batch = {"images": IMAGES[:1], "bounding_boxes": boxes, "keypoints": np.float32([[[3, 2], [-1, -1]]])}
    figure = plots.augmentations(
        batch, Pipeline(RandomFlip("horizontal")), rows=1, variations=8, class_names=["cat", "dog"]
    )
    seen = set()
    for panel in figure.axes:
        box, points = panel.lines
        seen.add((box.get_xdata().min(), box.get_xdata().max(), *points.get_xydata().ravel()))
        assert [text.get_text() for text in panel.texts] == ["dog"]
        assert (box.get_ydata().min(), box.get_ydata().max()) == (0.5, 3.5)
    assert seen == {(1.5, 5.5, 3, 2), (13.5, 17.5, 16, 2)}  # of 20 pixels, from the outer edge of the first, -0.5
    plots.save(figure, tmp_path / "boxes.png")
    assert (tmp_path / "boxes.png").stat().st_size > 1000


def test_mixed_labels_are_named_with_their_shares():
    batch = {"images": IMAGES, "labels": np.arange(5) % 2}
    pipeline = Pipeline(CutMix(classes=2))
    figure = plots.augmentations(batch, pipeline, rows=2, variations=1, class_names=["cat", "dog"])
    mixed = pipeline.apply({key: value[:3] for key, value in batch.items()}, np.arange(3))["labels"]
    for row in (0, 1):
        assert titles(figure)[2 * row] == ["cat", "dog"][row]
        order = np.argsort(-mixed[row], kind="stable")
        words = [f"{['cat', 'dog'][k]} {mixed[row][k]:.0%}" for k in order if mixed[row][k] > 0]
        assert titles(figure)[2 * row + 1] == (", ".join(words) if len(words) > 1 else ["cat", "dog"][order[0]])


@pytest.mark.parametrize("option", ["rows", "variations"])
def test_counts_are_checked(option):
    with pytest.raises(ValueError, match=f"`{option}` must be an integer of at least 1"):
        plots.augmentations(IMAGES, FLIP, **{option: 0})
