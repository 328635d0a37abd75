import numpy as np
import pytest
from matplotlib.colors import to_hex

from kerascnn import plots
from kerascnn.plots.style import BLUE, ORANGE

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3)).astype("uint8")


def test_a_row_has_the_query_and_what_was_found_in_order():
    figure = plots.neighbours(
        IMAGES[:2], [IMAGES[2:5], IMAGES[5:]], [["0.1", "0.2", "0.3"], ["0.4"]], names=["one", "two"]
    )
    panels = [panel for panel in figure.axes if panel.images]
    assert [panel.get_title("left") for panel in panels] == ["one", "0.1", "0.2", "0.3", "two", "0.4"]
    shown = [np.asarray(panel.images[0].get_array()) for panel in panels]
    np.testing.assert_array_equal(shown, IMAGES[[0, 2, 3, 4, 1, 5]])
    assert not any(spine.get_visible() for panel in panels for spine in panel.spines.values())


def test_right_and_wrong_are_framed():
    figure = plots.neighbours(IMAGES[:1], [IMAGES[1:3]], [["a", "b"]], right=[[True, False]])
    _, right, wrong = [panel for panel in figure.axes if panel.images]
    for panel, colour in ((right, BLUE), (wrong, ORANGE)):
        assert {to_hex(spine.get_edgecolor()) for spine in panel.spines.values()} == {colour}
        assert all(spine.get_visible() for spine in panel.spines.values())


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`queries` and `titles` must have one entry"):
        plots.neighbours(IMAGES[:2], [IMAGES[2:3], IMAGES[3:4]], [["a"]])
    with pytest.raises(ValueError, match="`found` must hold an image at least"):
        plots.neighbours(IMAGES[:1], [[]], [[]])
