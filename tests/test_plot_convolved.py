import numpy as np
import pytest

from kerascnn import plots
from kerascnn.inspect import KERNELS, Field, apply

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype("uint8")


def shown(panel):
    return np.asarray(panel.images[0].get_array())


def test_signed_results_are_grey_where_nothing_changes_and_others_images(tmp_path):
    level = np.full((9, 9), 100.0)
    level[:, 5:] = 160
    found = {name: apply(level, name) for name in ("sobel_right", "lighten")}
    figure = plots.convolved(found, KERNELS)
    signed, lighter = [panel for panel in figure.axes if panel.images]
    assert signed.get_title(loc="left") == "sobel_right"
    np.testing.assert_array_equal(np.unique(shown(signed)), [127, 255])  # level, and where it brightens
    np.testing.assert_array_equal(np.unique(shown(lighter)), [150, 240])
    corner = signed.child_axes[0].collections[0].get_array().reshape(3, 3)
    np.testing.assert_array_equal(corner[::-1], KERNELS["sobel_right"])  # drawn from below
    plots.save(figure, tmp_path / "a.png")


def test_colour_and_what_has_no_kernel():
    figure = plots.convolved({"identity": apply(IMAGE, "identity", padding="same")}, KERNELS)
    np.testing.assert_array_equal(shown(figure.axes[0]), IMAGE)
    with pytest.raises(ValueError, match="`results` must be one of .* Did you mean 'emboss'"):
        plots.convolved({"embos": IMAGE}, KERNELS)
    with pytest.raises(ValueError, match="`results` must hold at least one"):
        plots.convolved({}, KERNELS)


def test_frames_lie_in_the_middle_once_a_size(tmp_path):
    fields = {
        "rescale": Field((1, 1), (1.0, 1.0), (0.0, 0.0)),
        "conv": Field((3, 5), (2.0, 2.0), (1.0, 2.0)),
        "relu": Field((3, 5), (2.0, 2.0), (1.0, 2.0)),
        "last": Field((40, 40), (4.0, 4.0), (0.0, 0.0)),
    }
    figure = plots.receptive_fields(IMAGE, fields)
    (frame,) = figure.axes[0].patches
    assert frame.get_label() == "3 x 5  conv"
    # of rows 1, 3, 5, 7, ... the middle 5.5 is nearest to 5; of columns 2, 4, 6, 8, ... 7.5 to 8
    assert (frame.get_y(), frame.get_height()) == (3.5, 3) and (frame.get_x(), frame.get_width()) == (5.5, 5)
    plots.save(figure, tmp_path / "a.png")


def test_many_fields_are_thinned_out_and_a_single_one_is_drawn():
    many = {f"conv{size}": Field((size, size), (1.0, 1.0), (0.0, 0.0)) for size in range(1, 16)}
    assert len(plots.receptive_fields(IMAGE, many).axes[0].patches) == 8
    only = {"rescale": Field((1, 1), (1.0, 1.0), (0.0, 0.0))}
    assert len(plots.receptive_fields(IMAGE, only).axes[0].patches) == 1
    with pytest.raises(ValueError, match="`fields` must hold at least one"):
        plots.receptive_fields(IMAGE, {})
