import numpy as np
import pytest
from PIL import Image

from kerascnn import plots
from kerascnn.plots.scale import ABSENT, scale
from kerascnn.plots.style import ORANGE

VALUES = {
    "learning_rate": [0.001, 0.1, 0.01, 1.0],
    "block": ["plain", "residual", "plain", "residual"],
    "filters_3": [None, 16, 64, 256],
}
SCORES = [0.5, 0.9, 0.8, 0.7]


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def curves(figure):
    """Where each line crosses the axes, in the order in which they are drawn, and the colours."""
    from matplotlib.colors import to_hex

    (lines,) = figure.axes[0].collections
    return [line[::24, 1] for line in lines.get_segments()], [to_hex(colour) for colour in lines.get_colors()]


@pytest.mark.parametrize(
    ("values", "places", "logarithmic"),
    [
        ([16, 64, 256, 32], [0, 0.5, 1, 0.25], True),
        ([1, 3, 7, 5, 3], [0, 1 / 3, 1, 2 / 3, 1 / 3], False),
        ([32, 64, 128], [0, 0.5, 1], True),
        ([0.001, 1.0, 0.1], [0, 1, 2 / 3], True),
        ([0.0, 0.5, 0.1], [0, 1, 0.2], False),
        ([3, 3], [0.5, 0.5], False),
        ([True, False, None], [1, 0, ABSENT], False),
        (["b", "c", 1, "b"], [0.5, 1, 0, 0.5], False),
        ([None, None], [ABSENT, ABSENT], False),
    ],
)
def test_scale_places_values_of_every_kind(values, places, logarithmic):
    found = scale(values)
    np.testing.assert_allclose(found.places, places, atol=1e-12)
    assert found.logarithmic is logarithmic


def test_scale_of_many_numbers_has_round_ticks():
    assert [label for _, label in scale(np.linspace(0.013, 0.497, 30).tolist()).ticks] == ["0.1", "0.2", "0.3", "0.4"]
    rates = scale(np.geomspace(0.0011, 0.9, 30).tolist())
    assert [label for _, label in rates.ticks] == ["0.003", "0.01", "0.03", "0.1", "0.3"]
    assert not rates.steps
    narrow = scale(np.linspace(7.1, 7.18, 9).tolist(), logarithmic=True)
    assert [label for _, label in narrow.ticks] == ["7.1", "7.18"]


def test_parallel_coordinates_leads_each_line_through_its_values_to_its_score():
    figure = plots.parallel_coordinates(VALUES, SCORES, score_name="val_accuracy")
    lines, colours = curves(figure)
    spread = np.array([[-0.5], [-1 / 6], [1 / 6], [0.5]]) * 0.05  # the better, the higher
    steps = np.array([[0, 0, ABSENT], [1, 1, 1], [1 / 3, 0, 0.5], [2 / 3, 1, 0]])
    np.testing.assert_allclose(np.array(lines)[:, :3], steps + spread, atol=1e-12)
    np.testing.assert_allclose(np.array(lines)[:, 3], [0, 0.5, 0.75, 1])  # the worst first, so the best is on top
    assert colours[-1] == ORANGE and ORANGE not in colours[:3]
    assert {"learning rate", "block", "filters 3", "val accuracy", "plain", "residual", "16", "256"} <= set(
        texts(figure)
    )
    assert "4 trials, best val accuracy 0.9" in texts(figure)
    assert texts(figure).count("inactive") == 1


def test_parallel_coordinates_of_a_loss_has_the_lowest_on_top():
    figure = plots.parallel_coordinates(VALUES, SCORES, direction="min", score_name="val_loss")
    lines, _ = curves(figure)
    np.testing.assert_allclose([line[3] for line in lines], [0, 0.25, 0.5, 1])
    assert "4 trials, best val loss 0.5" in texts(figure)
    ticks = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert ticks["0.5"] == 1 and ticks["0.9"] == pytest.approx(0)


def test_trials_without_a_score_are_left_out():
    figure = plots.parallel_coordinates(VALUES, [0.5, None, float("nan"), 0.7])
    assert len(curves(figure)[0]) == 2 and "2 trials, best score 0.7" in texts(figure)


def test_the_first_14_of_many_hyperparameters_are_drawn():
    figure = plots.parallel_coordinates({f"h{number}": [1, 2] for number in range(20)}, [0.1, 0.2])
    assert len(curves(figure)[0][0]) == 15
    assert "14 of 20 hyperparameters" in texts(figure) and "h13" in texts(figure) and "h14" not in texts(figure)


@pytest.mark.parametrize(("direction", "far", "side"), [("max", 0.1, "below"), ("min", 9.0, "above")])
def test_a_score_far_worse_than_most_stands_at_the_edge(direction, far, side):
    scores = [0.80, 0.82, 0.84, 0.86, 0.88, far]
    low, high = np.quantile(scores, (0.25, 0.75))
    edge = low - 1.5 * (high - low) if direction == "max" else high + 1.5 * (high - low)
    figure = plots.by_value({"kernel": [1, 3, 5, 7, 5, 3]}, scores, direction=direction)
    (panel,) = figure.axes
    assert f"1 {side} {edge:.3g}, at the edge" in texts(figure)
    (triangle,) = [line for line in panel.lines if line.get_marker() in "v^"]
    assert triangle.get_marker() == {"max": "v", "min": "^"}[direction]
    np.testing.assert_allclose(triangle.get_ydata(), [edge])
    assert f"1 {side} {edge:.3g}, at the edge" in texts(plots.pareto({"cost": [1] * 6}, scores, direction=direction))
    best = [line for line in panel.lines if line.get_color() == ORANGE]
    assert [line.get_ydata().tolist() for line in best] == [[0.88 if direction == "max" else 0.80]]


COSTS = {"parameters": [100, 200, 200, 400, 800, None], "FLOPs": [8e6, 4e6, 4e6, 2e6, 1e6, 1e5]}
ACCURACY = [0.5, 0.7, 0.6, 0.65, 0.8, 0.75]


def test_pareto_draws_the_best_that_so_much_can_buy():
    figure = plots.pareto(COSTS, ACCURACY, names=range(6), score_name="val_accuracy")
    size, flops = figure.axes
    steps = [line for line in size.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_xydata().tolist() for line in steps] == [[[100, 0.5], [200, 0.7], [800, 0.8], [8000, 0.8]]]
    assert [text.get_text() for text in size.texts] == ["0", "1", "4"]
    assert [text.get_text() for text in flops.texts] == ["5", "4"]
    assert {"3 of 5 on the front", "2 of 6 on the front", "parameters", "FLOPs", "val accuracy"} <= set(texts(figure))
    assert size.get_xscale() == "log" and size.get_xlim()[0] < 100 and 800 < size.get_xlim()[1] < 8000


def test_pareto_of_losses_and_of_names_without_a_score():
    scores = [None, *(1 - score for score in ACCURACY[1:])]
    (panel,) = plots.pareto({"parameters": COSTS["parameters"]}, scores, direction="min", names="abcdef").axes
    (step,) = [line for line in panel.lines if line.get_drawstyle() == "steps-post"]
    np.testing.assert_allclose(step.get_xydata(), [[200, 0.3], [800, 0.2], [8000, 0.2]])
    assert [text.get_text() for text in panel.texts] == ["b", "e"]


def test_pareto_has_ticks_where_all_costs_are_alike_and_none_are_known():
    alike, unknown = plots.pareto({"a": [61_706, 61_706], "b": [None, None]}, [0.5, 0.6]).axes
    shown = [label.get_text() for label in alike.get_xticklabels()]
    assert {"50k", "100k"} <= set(shown)
    assert unknown.get_title(loc="left") == "0 of 0 on the front"


def test_by_value_has_a_panel_a_hyperparameter_by_importance():
    shares = {"filters_3": 0.6, "learning_rate": 0.395, "block": 0.005}
    values = {"other": [1, 2, 1, 2], **VALUES}
    figure = plots.by_value(values, SCORES, importance=shares)
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["filters 3", "learning rate", "block", "other"]
    assert [panel.get_title(loc="right") for panel in figure.axes] == ["60%", "40%", "<1%", ""]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["16", "64", "256", "–"]


def test_by_value_draws_the_median_of_each_value_or_fifth():
    def medians(figure):
        bars = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
        return [float(bar.get_ydata()[0]) for bar in bars]

    blocks = ["plain", "residual", "plain", "plain", None]
    assert medians(plots.by_value({"block": blocks}, [0.1, 0.4, 0.2, 0.6, 0.3])) == [0.3, 0.2, 0.4]
    rates = np.linspace(0, 1, 15).tolist()
    assert medians(plots.by_value({"rate": rates}, np.arange(15.0))) == [1, 4, 7, 10, 13]
    assert medians(plots.by_value({"rate": [*rates, None]}, np.arange(16.0))) == [15, 1, 4, 7, 10, 13]


@pytest.mark.parametrize("draw", [plots.parallel_coordinates, plots.by_value, plots.pareto])
def test_what_cannot_be_drawn_is_named(draw):
    name = "costs" if draw is plots.pareto else "values"
    with pytest.raises(ValueError, match=f"`{name}` must hold one sequence at least"):
        draw({}, [])
    with pytest.raises(ValueError, match=rf"`{name}\['a'\]` and `scores` must have one entry .* Received: 1 and 2"):
        draw({"a": [1]}, [0.1, 0.2])
    with pytest.raises(ValueError, match="`scores` must hold a finite number at least"):
        draw({"a": [1, 2]}, [None, float("inf")])
    with pytest.raises(ValueError, match="`direction` must be one of 'max', 'min'"):
        draw({"a": [1]}, [0.1], direction="higher")


def test_pareto_names_a_cost_of_nothing_and_names_that_are_too_few():
    with pytest.raises(ValueError, match=r"`costs\['flops'\]` must be above 0. Received: costs\['flops'\]=0"):
        plots.pareto({"flops": [1, 0]}, [0.1, 0.2])
    with pytest.raises(ValueError, match="`names` and `scores` must have one entry"):
        plots.pareto({"flops": [1, 2]}, [0.1, 0.2], names=["a"])


@pytest.mark.parametrize(
    "figure",
    [
        lambda: plots.parallel_coordinates({"$a_b": ["$x$"]}, [0.5]),
        lambda: plots.parallel_coordinates({"a": [None, None], "b": [1, 2]}, [0.5, 0.5], direction="min"),
        lambda: plots.by_value({"a": [None], "b": ["a very long choice of a block"]}, [0.0], importance={"b": 1.0}),
        lambda: plots.pareto({"parameters": [5]}, [0.0]),
    ],
    ids=["one trial", "equal scores", "nothing active", "one point"],
)
def test_the_smallest_sweeps_can_be_saved(figure, tmp_path):
    plots.save(figure(), tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.width > 300
