import numpy as np
import pytest

from kerascnn import plots
from kerascnn.inspect import Curve


def numbers(panel):
    return {tuple(map(round, text.get_position())): text.get_text() for text in panel.texts}


def inches(figure, panel):
    return (panel.get_position().size * figure.get_size_inches()).tolist()


def test_numbers_stand_in_their_cells_and_cells_are_of_one_size(tmp_path):
    values = {"a": np.array([[1, -2.5, 0], [np.nan, 4, 0.123]]), "vector": [1, 2], "c": np.ones((3, 1))}
    figure = plots.matrices(values, columns=2)
    first, second, third = figure.axes
    expected = {(0, 0): "1", (1, 0): "\N{MINUS SIGN}2.5", (2, 0): "0", (1, 1): "4", (2, 1): "0.123"}
    assert numbers(first) == expected  # (column, row)
    assert numbers(second) == {(0, 0): "1", (1, 0): "2"}
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["a", "vector", "c"]
    assert inches(figure, first) == pytest.approx([0.9, 0.6]) and inches(figure, third) == pytest.approx([0.3, 0.9])
    assert first.get_ylim() == (1.5, -0.5)  # the first row on top
    shades = first.collections[0]
    assert shades.get_clim() == (-4, 4)
    assert second.get_position().x0 > first.get_position().x1 and third.get_position().y1 < first.get_position().y0
    plots.save(figure, tmp_path / "a.png")


def test_large_matrices_are_colours_alone_and_fit():
    figure = plots.matrices({"a": np.eye(30), "b": np.eye(30)})
    assert not any(panel.texts for panel in figure.axes)
    assert figure.get_size_inches()[0] < 10
    assert len(plots.matrices({"a": np.eye(20)}).axes[0].texts) == 400


def test_what_cannot_be_drawn_as_matrices():
    with pytest.raises(ValueError, match="`matrices` must hold at least one"):
        plots.matrices({})
    with pytest.raises(ValueError, match=r"`matrices\['cube'\]` must be a matrix or a vector"):
        plots.matrices({"cube": np.zeros((2, 2, 2))})
    with pytest.raises(ValueError, match="`columns` must be an integer of at least 1"):
        plots.matrices({"a": [1]}, columns=0)


def curve(equivariance, change="shift"):
    amounts = np.array([2.0, 0.0, 1.0])
    return Curve(amounts, None if equivariance is None else np.array(equivariance), np.array([0.4, 0, 0.3]), change)


def test_curves_by_amount_and_those_without_a_map_on_the_right_only(tmp_path):
    figure = plots.equivariance({"conv": curve([0.2, 0, 0.1]), "scores": curve(None)})
    left, right = figure.axes
    (line,) = left.lines
    assert line.get_xydata().tolist() == [[0, 0], [1, 0.1], [2, 0.2]] and line.get_label() == "conv"
    assert [each.get_label() for each in right.lines] == ["conv", "scores"]
    assert right.lines[1].get_xydata().tolist() == [[0, 0], [1, 0.3], [2, 0.4]]
    assert left.get_xlabel() == "shift, pixels" and left.get_ylim()[0] == 0
    assert right.lines[0].get_color() != right.lines[1].get_color()
    plots.save(figure, tmp_path / "a.png")


def test_curves_of_several_changes_are_not_drawn_together():
    for curves in ({}, {"a": curve([0, 0, 0]), "b": curve([0, 0, 0], "scale")}):
        with pytest.raises(ValueError, match="`curves` must hold at least one, all of one change"):
            plots.equivariance(curves)
