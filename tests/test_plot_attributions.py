import numpy as np
import pytest

from kerascnn import plots

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3)).astype("uint8")


def test_a_row_an_image_and_a_column_a_method(tmp_path):
    speaking = np.zeros((2, 6, 8))
    speaking[:, 2, 3] = 0.5
    against = -4 * speaking
    figure = plots.attributions(IMAGES, {"saliency": speaking, "occlusion": against}, titles=["ant", "bee"])
    rows = np.reshape(figure.axes, (2, 3))
    assert [panel.get_title(loc="left") for panel in rows[0]] == ["image", "saliency", "occlusion"]
    assert [row[0].get_xlabel() for row in rows] == ["ant", "bee"]
    for image, (first, *others) in zip(IMAGES, rows, strict=True):
        np.testing.assert_array_equal(first.images[0].get_array(), image)
        for panel, sign in zip(others, (1, -1), strict=True):
            under, over = panel.images
            values = np.asarray(over.get_array())
            assert values[2, 3] == sign and np.count_nonzero(values) == 1  # each map has its own scale
            assert over.get_alpha()[2, 3] == 1 and np.count_nonzero(over.get_alpha()) == 1
            assert np.ptp(under.get_array()) > 0
    plots.save(figure, tmp_path / "a.png")


def test_a_map_of_nothing_leaves_the_image():
    figure = plots.attributions(IMAGES[:1], {"grad_cam": np.zeros((1, 6, 8))})
    assert np.max(figure.axes[1].images[1].get_alpha()) == 0


def test_maximal_inputs_stand_under_their_names(tmp_path):
    figure = plots.maximal_inputs(IMAGES, ["conv 0", "conv 7"])
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["conv 0", "conv 7"]
    for panel, image in zip(figure.axes, IMAGES, strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), image)
    plots.save(figure, tmp_path / "a.png")


def test_the_patches_that_excite_a_channel_stand_beside_it(tmp_path):
    patches = np.random.default_rng(1).integers(0, 256, (2, 3, 5, 5, 3)).astype("uint8")
    figure = plots.maximal_inputs(IMAGES, ["conv 0", "conv 7"], patches=patches)
    rows = np.reshape(figure.axes, (2, 4))
    for row, image, own in zip(rows, IMAGES, patches, strict=True):
        shown = [np.asarray(panel.images[0].get_array()) for panel in row]
        for each, expected in zip(shown, [image, *own], strict=True):
            np.testing.assert_array_equal(each, expected)
    plots.save(figure, tmp_path / "a.png")


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="`images` must hold at least one"):
        plots.attributions([], {"saliency": np.zeros((0, 6, 8))})
    with pytest.raises(ValueError, match="`maps` must hold at least one"):
        plots.attributions(IMAGES, {})
    with pytest.raises(ValueError, match="`images` and `saliency` must have one entry an example. Received: 2 and 1."):
        plots.attributions(IMAGES, {"saliency": np.zeros((1, 6, 8))})
    with pytest.raises(ValueError, match="`images` must hold at least one"):
        plots.maximal_inputs([], [])
