import numpy as np
import pytest
from matplotlib.colors import to_hex

from kerascnn import metrics, plots
from kerascnn.plots.style import BLUE, ORANGE

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 1)).astype("uint8")


def test_histogram_says_what_tau_gets_wrong():
    figure = plots.distance_histogram([0.1, 0.2, 0.6, 0.3, 0.8, 0.9, 1.0], [1, 1, 1, 0, 0, 0, 0], tau=0.4)
    (panel,) = figure.axes
    assert panel.get_title("left") == "25.0% of different pairs within tau, 33.3% of same ones not"
    different, same = panel.patches
    assert same.get_path().vertices[:, 1].max() == pytest.approx(100 / 3)
    assert different.get_path().vertices[:, 1].max() == pytest.approx(25)
    assert list(panel.lines[0].get_xdata()) == [0.4, 0.4]


def test_roc_marks_the_equal_error_and_tau():
    found = metrics.verification([0.1, 0.4, 0.3, 0.9], [1, 1, 0, 0])
    (panel,) = plots.roc(found, tau=0.35).axes
    curve, equal, chosen = panel.lines
    np.testing.assert_array_equal(curve.get_ydata(), found.tpr)
    assert (equal.get_xdata()[0], equal.get_ydata()[0]) == (0.5, 0.5)
    assert (chosen.get_xdata()[0], chosen.get_ydata()[0]) == (0.5, 0.5)  # one of two is accepted of each kind
    assert panel.get_title("left") == "area under the curve 0.7500"


def test_map_shows_each_point_and_an_image_a_cell():
    points = np.float32([[0, 0], [0, 1], [1, 0], [1, 1], [0.5, 0.5], [0.5, 0.5]])
    figure = plots.embedding_map(points, IMAGES, [2, 2, 2, 4, 4, 4], list("abcde"), title="here")
    dots, thumbnails = figure.axes
    assert [line.get_label() for line in dots.lines] == ["c", "e"]
    assert [len(line.get_xdata()) for line in dots.lines] == [3, 3]
    shown = {tuple(np.asarray(image.get_array()).ravel().tolist()) for image in thumbnails.images}
    assert shown == {tuple(image.ravel().tolist()) for image in IMAGES[:5]}  # the last lies in the cell of the fifth
    frames = [to_hex(frame.get_edgecolor()) for frame in thumbnails.patches]
    assert sorted(map(frames.count, set(frames))) == [2, 3]


def test_hardest_pairs_stand_in_their_rows():
    pairs = [(IMAGES[0], IMAGES[1], "0.1"), (IMAGES[2], IMAGES[3], "0.2")]
    figure = plots.hardest_pairs(pairs, [(IMAGES[4], IMAGES[5], "0.9")])
    panels = [panel for panel in figure.axes if panel.images]
    np.testing.assert_array_equal([panel.images[0].get_array() for panel in panels], IMAGES[..., 0])
    assert [panel.get_title("left") for panel in panels] == ["0.1", "", "0.2", "", "0.9", ""]
    headings = [half._suptitle for half in figure.subfigs]
    assert [heading.get_color() for heading in headings] == [ORANGE, BLUE]
    assert len(plots.hardest_pairs([], pairs).subfigs) == 1


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`distances` and `same` must have one entry"):
        plots.distance_histogram([0.1], [1, 0])
    with pytest.raises(ValueError, match=r"`points` must be of shape \(n, 2\)"):
        plots.embedding_map(np.zeros((6, 3)), IMAGES, np.zeros(6, int), ["a"])
    with pytest.raises(ValueError, match="`different` must hold a pair"):
        plots.hardest_pairs([], [])
