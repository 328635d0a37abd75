import numpy as np
import pytest

from kerascnn import plots
from kerascnn.plots.painting import EMPTY, WHITE, WRONG, mask_colours

NAMES = ["ground", "cell", "border"]
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 10, 3)).astype("uint8")
TRUTHS = np.zeros((2, 8, 10), "uint8")
TRUTHS[0, 2:6, 3:7], TRUTHS[0, 0], TRUTHS[1, :, 5:] = 1, 255, 1
FOUND = np.where(TRUTHS == 255, 2, TRUTHS)
FOUND[0, 2] = 0  # four wrong of 70 that count


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def shown(figure, columns=4):
    """`(rows, columns)` of the pictures."""
    panels = [panel for panel in figure.axes if panel.images]
    pictures = [np.asarray(panel.images[0].get_array()) for panel in panels]
    return [pictures[start : start + columns] for start in range(0, len(pictures), columns)]


def test_segmentation_shows_masks_in_colours_and_what_is_wrong(tmp_path):
    figure = plots.segmentation(IMAGES, TRUTHS, FOUND, NAMES)
    (image, truth, found, wrong), second = shown(figure)
    palette = mask_colours(3).astype("uint8")
    np.testing.assert_array_equal(image, IMAGES[0])
    np.testing.assert_array_equal(truth[1, 0], palette[0])
    np.testing.assert_array_equal(truth[3, 4], palette[1])
    np.testing.assert_array_equal(truth[0], np.full((10, 3), WHITE))
    np.testing.assert_array_equal(found[0, 0], palette[2])
    red = (wrong == WRONG).all(axis=-1)
    np.testing.assert_array_equal(red, (TRUTHS[0] != FOUND[0]) & (TRUTHS[0] != 255))
    assert wrong[~red].min() >= 140 and (wrong[~red] == wrong[~red][:, :1]).all()  # pale and grey
    assert not (second[3] == WRONG).all(axis=-1).any()
    written = texts(figure)
    assert {"image", "truth", "prediction", "errors", "5.7% wrong", "0.0% wrong"} <= set(written)
    assert written[-5:] == ["ground", "cell", "border", "ignored", "wrong"]
    plots.save(figure, tmp_path / "a.png")


def test_the_legend_has_the_classes_that_are_there():
    figure = plots.segmentation(IMAGES[1:], TRUTHS[1:], TRUTHS[1:], NAMES)
    assert texts(figure)[-3:] == ["ground", "cell", "wrong"]


def test_of_probabilities_the_largest_counts():
    probabilities = 0.2 + 0.5 * np.eye(3)[FOUND]
    one, other = (shown(plots.segmentation(IMAGES, TRUTHS, each, NAMES)) for each in (FOUND, probabilities))
    np.testing.assert_array_equal(one, other)


def test_several_labels_mix_their_colours():
    truth = np.zeros((1, 8, 10, 2), "uint8")
    truth[0, 0, 0], truth[0, 1, 1], truth[0, 7, 7] = (1, 1), (0, 1), (255, 0)
    probabilities = np.where(truth == 1, 0.5, 0.4)
    probabilities[0, 1, 1], probabilities[0, 7, 7] = (0.9, 0.9), (1, 0)
    figure = plots.segmentation(IMAGES[:1], truth, probabilities, ["nucleus", "wall"])
    ((_, true, found, wrong),) = shown(figure)
    palette = mask_colours(3)[1:]
    np.testing.assert_array_equal(true[0, 0], palette.mean(axis=0).astype("uint8"))
    np.testing.assert_array_equal(true[1, 1], palette[1].astype("uint8"))
    np.testing.assert_array_equal(true[5, 5], EMPTY)
    np.testing.assert_array_equal(true[7, 7], WHITE)
    np.testing.assert_array_equal(found[1, 1], true[0, 0])
    assert np.argwhere((wrong == WRONG).all(axis=-1)).tolist() == [[1, 1]]
    assert f"{1 / 159:.1%} wrong" in texts(figure)


def test_grey_images_of_several_sizes():
    images = [np.zeros((6, 9, 1)), np.zeros((12, 5, 1))]
    masks = [np.zeros((6, 9), int), np.zeros((12, 5), int)]
    assert len(shown(plots.segmentation(images, masks, masks, NAMES))) == 2


def test_a_hundred_classes_have_their_colours():
    palette = mask_colours(36)
    assert len(np.unique(palette, axis=0)) == 36 and palette.min() >= 0 and palette.max() <= 255
    assert mask_colours(100).shape == (100, 3)


def test_restoration_shows_the_difference_and_the_psnr(tmp_path):
    target = np.full((1, 8, 10, 1), 100.0)
    output, noisy = target.copy(), target + 25.5
    output[0, :, :5], output[0, 0, 0] = 110, 300
    figure = plots.restoration(noisy, output, target)
    ((first, second, third, difference),) = shown(figure)
    assert first[0, 0] == 125 and second[0, 0] == 255 and third[0, 0] == 100
    # 0.5 % of 80 pixels is less than one: the scale lies between the two largest differences
    most = int(np.ceil(np.percentile(np.abs(output - target), 99.5)))
    np.testing.assert_allclose(difference[1, 0], 127.5 + 127.5 * 10 / most, atol=1)
    assert difference[0, 0] == 255 and difference[0, 9] == 127
    error = np.mean((output - target) ** 2)
    assert {"20.0 dB", f"{10 * np.log10(255**2 / error):.1f} dB", f"difference, ±{most} levels"} <= set(texts(figure))
    plots.save(figure, tmp_path / "a.png")


def test_restoration_of_other_inputs_and_of_equal_images():
    figure = plots.restoration(np.zeros((1, 4, 5, 1)), IMAGES[:1], IMAGES[:1])
    assert [text for text in texts(figure) if "dB" in text] == ["148.1 dB"]
    assert "difference, ±1 levels" in texts(figure)


def test_iou_bars_sort_the_worst_on_top_and_leave_out_what_is_unknown():
    rows = [{"class": "a", "iou": 0.5}, {"class": "b", "iou": 0.9}, {"class": "c", "iou": None}]
    rows += [{"class": "d", "iou": float("nan")}, {"class": "e", "iou": 0.1}]
    figure = plots.iou_bars(rows)
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ["b", "a", "e"]  # the last is on top
    assert [bar.get_width() for bar in panel.patches] == [0.9, 0.5, 0.1]
    assert {"mean IoU 0.500, 3 classes", "0.900", "0.100"} <= set(texts(figure))
    many = plots.iou_bars([{"class": str(i), "iou": i / 60} for i in range(60)])
    assert "mean IoU 0.492, the 40 worst of 60 classes" in texts(many)
    assert len(many.axes[0].patches) == 40


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: plots.segmentation([], [], [], NAMES), "`images` must hold at least one"),
        (lambda: plots.segmentation(IMAGES, TRUTHS[:1], FOUND, NAMES), "`images` and `truths`"),
        (lambda: plots.restoration(IMAGES, IMAGES, IMAGES[:1]), "`inputs` and `targets`"),
        (lambda: plots.iou_bars([{"class": "a", "iou": None}]), "at least one class with an IoU"),
    ],
)
def test_pictures_of_nothing_are_refused(make, part):
    with pytest.raises(ValueError, match=part):
        make()
