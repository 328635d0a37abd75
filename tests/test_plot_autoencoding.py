import numpy as np
import pytest

from kerascnn import plots

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 28, 20, 1)).astype("uint8")
OTHERS = RNG.integers(0, 256, (6, 28, 20, 1)).astype("float32")


def pictures(figure):
    return [[np.asarray(image.get_array()) for image in panel.images] for panel in figure.axes if panel.images]


def test_reconstructions_stand_below_their_images_with_signed_errors(tmp_path):
    outputs = np.float32(IMAGES[:2])
    outputs[0, :14] += 51  # a fifth too light in the upper half
    figure = plots.reconstructions(IMAGES[:2], outputs)
    found = pictures(figure)
    assert len(found) == 6
    np.testing.assert_array_equal([found[0][0], found[1][0]], IMAGES[:2, ..., 0])
    np.testing.assert_array_equal(found[2][0], np.clip(outputs[0, ..., 0], 0, 255).astype("uint8"))
    np.testing.assert_allclose(found[4][1], 51 * (np.arange(28) < 14)[:, None].repeat(20, axis=1))
    assert [panel.get_ylabel() for panel in figure.axes[::2]] == ["image", "reconstruction", "error, ±51"]
    assert [panel.get_xlabel() for panel in figure.axes[4:]] == ["0.0200", "0.0000"]
    plots.save(figure, tmp_path / "a.png")


def test_targets_have_a_row_where_they_differ():
    figure = plots.reconstructions(IMAGES[:3], OTHERS[:3], IMAGES[3:])
    names = [panel.get_ylabel() for panel in figure.axes[::3]]
    assert names[:3] == ["input", "reconstruction", "target"] and names[3].startswith("error, ±")
    np.testing.assert_array_equal(pictures(figure)[8][0], IMAGES[5, ..., 0])
    own = np.mean((OTHERS[0] / 255 - IMAGES[3] / 255) ** 2)
    assert figure.axes[9].get_xlabel() == f"{own:.4f}"


def test_interpolations_lie_between_their_images(tmp_path):
    between = np.stack([OTHERS[:3], OTHERS[3:]])
    figure = plots.interpolations(IMAGES[:2], between, IMAGES[2:4])
    (left,), (middle,), (right,) = pictures(figure)
    assert left.shape == right.shape == (57, 20) and middle.shape == (57, 62)  # a white line between
    np.testing.assert_array_equal(left[29:], IMAGES[1, ..., 0])
    np.testing.assert_array_equal(right[:28], IMAGES[2, ..., 0])
    np.testing.assert_array_equal(middle[29:, 21:41], OTHERS[4, ..., 0].astype("uint8"))
    assert (left[28] == 255).all() and (middle[:, 20] == 255).all()
    plots.save(figure, tmp_path / "a.png")


def test_samples_fill_their_rows_in_colour():
    images = RNG.integers(0, 256, (14, 30, 28, 3)).astype("float32")
    figure = plots.samples(images, title="drawn")
    ((tiled,),) = pictures(figure)
    assert tiled.shape == (62, 12 * 30 - 2, 3) and figure.axes[0].get_title("left") == "drawn"
    np.testing.assert_array_equal(tiled[32:, 30:58], images[13].astype("uint8"))
    assert (tiled[32:, 60:] == 255).all()


def test_anomalies_are_shown_beside_what_came_back(tmp_path):
    errors = np.append(np.full(98, 0.01), [0.09, 0.05])
    figure = plots.anomalies(errors, IMAGES[:2], OTHERS[:2], [0.09, 0.05], threshold=0.04)
    histogram, *others = figure.axes
    assert histogram.get_title("left") == "mean 0.0112, 2.0% above 0.0400"
    assert list(histogram.lines[0].get_xdata()) == [0.04, 0.04]
    assert sum(bar.get_height() for bar in histogram.patches) == 100
    panels = [panel for panel in others if panel.images]
    shown = [np.asarray(panel.images[0].get_array()) for panel in panels]
    np.testing.assert_array_equal(shown[0], IMAGES[0, ..., 0])
    np.testing.assert_array_equal(shown[3], OTHERS[1, ..., 0].astype("uint8"))
    assert [panel.get_title("left") for panel in panels] == ["0.0900", "", "0.0500", ""]
    plots.save(figure, tmp_path / "a.png")


def test_a_perfect_network_has_a_picture(tmp_path):
    plots.save(plots.anomalies(np.zeros(3), IMAGES[:1], IMAGES[:1], [0.0]), tmp_path / "a.png")
    figure = plots.reconstructions(IMAGES[:1], IMAGES[:1])
    assert figure.axes[2].get_ylabel() == "error, ±1"


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`images` and `outputs` must have one entry"):
        plots.reconstructions(IMAGES, OTHERS[1:])
    with pytest.raises(ValueError, match="`images` must hold at least one image"):
        plots.samples([])
    with pytest.raises(ValueError, match="`left` and `right` must have one entry"):
        plots.interpolations(IMAGES[:2], [OTHERS[:3]] * 2, IMAGES[:1])
    with pytest.raises(ValueError, match="`images` and `own` must have one entry"):
        plots.anomalies([0.1], IMAGES[:2], OTHERS[:2], [0.1])
