import numpy as np
import pytest

from kerascnn import plots

NAMES = ["ant", "bee"]
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3)).astype("uint8")
MAP_MODELS = np.random.default_rng(1).uniform(size=(5, 6, 8)).astype("float32")
PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6], [0.55, 0.45]])
LABELS = np.array([0, 1, 1, 1, 0])  # the third is wrong


def pairs(figure):
    """(answer, truth, image, map) for each image that is shown, in the order of the panels."""
    panels = [panel for panel in figure.axes if panel.images]
    for plain, heated in zip(panels[::2], panels[1::2], strict=True):
        assert len(plain.images) == 1 and len(heated.images) == 2
        shown = [np.asarray(image.get_array()) for image in heated.images]
        image = np.asarray(plain.images[0].get_array())
        np.testing.assert_array_equal(shown[0], image.mean(axis=-1).astype("uint8"))  # grey under the map
        yield plain.get_title(loc="left"), plain.get_xlabel(), image, shown[1]


def test_right_answers_stand_left_and_wrong_ones_right(tmp_path):
    figure = plots.grad_cam(IMAGES, MAP_MODELS, LABELS, PROBABILITIES, NAMES)
    shown = list(pairs(figure))
    expected = [("ant 90%", "is ant"), ("ant 70%", "is bee"), ("bee 80%", "is bee"), ("bee 60%", "is bee")]
    assert [each[:2] for each in shown] == [*expected, ("ant 55%", "is ant")]
    for each, index in zip(shown, (0, 2, 1, 3, 4), strict=True):
        np.testing.assert_array_equal(each[2], IMAGES[index])
        np.testing.assert_array_equal(each[3], MAP_MODELS[index])
    first, second = [panel for panel in figure.axes if panel.images][:4:2]
    assert first.get_subplotspec().colspan.start == 0 and second.get_subplotspec().colspan.start == 2
    assert first.get_subplotspec().rowspan.start == second.get_subplotspec().rowspan.start == 0
    assert first._left_title.get_color() != second._left_title.get_color()
    plots.save(figure, tmp_path / "a.png")


def test_right_answers_alone_fill_both_sides():
    keep = [0, 1, 3]
    figure = plots.grad_cam(IMAGES[keep], MAP_MODELS[keep], LABELS[keep], PROBABILITIES[keep], NAMES)
    assert [answer for answer, *_ in pairs(figure)] == ["ant 90%", "bee 80%", "bee 60%"]
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 4)


def test_a_map_covers_only_where_it_speaks():
    figure = plots.grad_cam(IMAGES[:1], np.zeros((1, 6, 8)), LABELS[:1], PROBABILITIES[:1], NAMES)
    heat = figure.axes[1].images[1]
    assert np.max(heat.get_alpha()) == 0


def test_feature_maps_show_the_channels_that_vary_most(tmp_path):
    first = np.zeros((3, 4, 10), "float32")
    first[..., 7], first[1, 1, 2], first[..., 3] = np.arange(12).reshape(3, 4), 1, 5  # one constant
    second = np.random.default_rng(0).normal(size=(2, 2, 3)).astype("float32")
    figure = plots.feature_maps(IMAGES[0], {"conv": first, "backbone/last": second})
    rows = np.array(figure.axes).reshape(2, 9)
    assert [row[0].get_title(loc="left") for row in rows] == ["conv, 3 x 4 x 10", "backbone/last, 2 x 2 x 3"]
    np.testing.assert_array_equal(rows[0, 1].images[0].get_array(), first[..., 7])
    np.testing.assert_array_equal(rows[0, 2].images[0].get_array(), first[..., 2])
    assert [len(panel.images) for panel in rows[1]] == [1, 1, 1, 1, 0, 0, 0, 0, 0]
    for row in rows:
        np.testing.assert_array_equal(row[0].images[0].get_array(), IMAGES[0])
    plots.save(figure, tmp_path / "a.png")


@pytest.mark.parametrize("channels", [1, 3])
def test_filters_are_drawn_from_black_to_white(channels, tmp_path):
    pictures = np.zeros((130, 3, 3, channels))
    pictures[1, 0, 2], pictures[2], pictures[17] = 1, 0.5, 0.2
    figure = plots.filters(pictures)
    wall = np.asarray(figure.axes[0].images[0].get_array())
    assert wall.shape[:2] == (8 * 27 - 3, 16 * 27 - 3)  # kernels eight times as large, three white lines between
    tiles = [wall[27 * row : 27 * row + 24, 27 * column : 27 * column + 24] for row in (0, 1) for column in range(16)]
    assert np.unique(tiles[0]).tolist() == [0] and np.unique(tiles[2]).tolist() == [128]
    assert np.unique(tiles[17]).tolist() == [51] and (wall[24:27] == 255).all() and (wall[:, 24:27] == 255).all()
    assert (tiles[1][:8, 16:] == 255).all() and np.sum(tiles[1] > 0) == 64 * channels
    plots.save(figure, tmp_path / "a.png")


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="`images` must hold at least one"):
        plots.grad_cam([], [], [], np.zeros((0, 2)), NAMES)
    with pytest.raises(ValueError, match="`maps` must hold at least one"):
        plots.feature_maps(IMAGES[0], {})
    with pytest.raises(ValueError, match="`pictures` must hold at least one"):
        plots.filters(np.zeros((0, 3, 3, 1)))
    with pytest.raises(ValueError, match="`images` and `maps` must have one entry an example. Received: 5 and 4."):
        plots.grad_cam(IMAGES, MAP_MODELS[:4], LABELS, PROBABILITIES, NAMES)
