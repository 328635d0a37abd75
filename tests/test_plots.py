import numpy as np
import pytest
from PIL import Image

from kerascnn import metrics, plots

NAMES = ["cat", "dog", "a name far too long to be written out"]
MATRIX = np.array([[8, 2, 0], [1, 9, 0], [0, 3, 7]])


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def panels_with_images(figure):
    return [panel for panel in figure.axes if panel.images]


def test_curves_show_both_lines_and_mark_the_best_epoch():
    history = {
        "loss": [3.0, 2.0, 1.0],
        "val_loss": [3.0, 1.5, 2.0],
        "accuracy": [0.1, 0.5, 0.9],
        "val_accuracy": [0.2, 0.6, 0.4],
        "learning_rate": [0.1, 0.2, 0.1],
    }
    figure = plots.curves(history)
    loss, accuracy, rate = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [history["loss"], history["val_loss"], [1.5]]
    assert list(loss.lines[1].get_xdata()) == [1, 2, 3]
    assert list(accuracy.lines[2].get_xydata()[0]) == [2, 0.6]  # the highest for accuracy, the lowest for loss
    assert [list(line.get_ydata()) for line in rate.lines] == [history["learning_rate"]]
    assert {"best 1.5 in epoch 2", "best 0.6 in epoch 2", "learning rate"} <= set(texts(figure))


@pytest.mark.parametrize(
    "history", [{"loss": [1.0]}, {"loss": [], "val_loss": [float("nan")]}, {"val_iou": [0.1, 0.2]}]
)
def test_curves_of_short_and_broken_histories(history, tmp_path):
    plots.save(plots.curves(history), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_curves_of_nothing():
    with pytest.raises(ValueError, match="`history` must hold at least one quantity"):
        plots.curves({})


def test_confusion_writes_the_counts_and_names():
    figure = plots.confusion(MATRIX, NAMES)
    written = texts(figure)
    assert {"8", "2", "1", "9", "3", "7", "cat", "dog", "a name far too …"} <= set(written)
    assert "24 of 30 right, 80.00%" in written
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, np.sqrt(MATRIX / 10))


def test_confusion_of_many_classes_lists_the_commonest_mistakes():
    matrix = np.diag(np.full(450, 5))
    matrix[3, 440] = 7
    figure = plots.confusion(matrix, [f"class {i}" for i in range(450)])
    assert {"7", "class 3, class 440"} <= set(texts(figure))
    shown = figure.axes[0].images[0].get_array()
    # blocks of 3 x 3 classes hold their largest share: the mistake is not lost
    assert shown.shape == (150, 150)
    np.testing.assert_allclose([shown[1, 146], shown[0, 0], shown[0, 5]], [(7 / 12) ** 0.5, 1, 0])


def test_confusion_of_one_class_and_without_examples():
    assert "4 of 4 right, 100.00%" in texts(plots.confusion(np.array([[4]]), ["only"]))
    assert "0 of 0 right, 0.00%" in texts(plots.confusion(np.zeros((2, 2), int), ["a", "b"]))


def test_confusion_needs_a_name_a_class():
    with pytest.raises(ValueError, match=r"`matrix` must be of shape \(2, 2\). Received: matrix=\(3, 3\)"):
        plots.confusion(MATRIX, ["a", "b"])


def test_calibration_has_a_bar_a_bin():
    bins, ece = metrics.calibration([0, 0, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], bins=10)
    figure = plots.calibration(bins, ece)
    upper, lower = figure.axes
    # right with 0.9 and 0.8, wrong with 0.6
    assert [bar.get_height() for bar in upper.patches] == [0, 0, 0, 0, 0, 0, 0, 1, 1, 0]
    np.testing.assert_allclose([bar.get_height() for bar in lower.patches], np.array([0] * 5 + [1, 0, 1, 1, 0]) / 3)
    assert "calibration: expected error 30.00%" in texts(figure)


def test_mistakes_are_shown_in_their_order_with_answer_and_truth():
    images = [np.full((2, 2, 1), value, "uint8") for value in (30, 20)]
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.8, 0]])
    figure = plots.mistakes(images, np.array([2, 0]), probabilities, NAMES)
    shown = panels_with_images(figure)
    assert [int(panel.images[0].get_array()[0, 0]) for panel in shown] == [30, 20]
    assert [panel.get_title(loc="left") for panel in shown] == ["cat 70%", "dog 80%"]
    assert [panel.get_xlabel() for panel in shown] == ["is a name far too lo…", "is cat"]


def test_no_mistakes_is_said():
    figure = plots.mistakes([], [], [], ["a", "b"])
    assert texts(figure) == ["No mistakes"]


def test_examples_takes_grey_and_colour_and_floats():
    for channels in (1, 2, 3):
        images = np.full((50, 4, 4, channels), 300.0)
        figure = plots.examples(images, np.zeros(50, int), ["a"])
        assert len(panels_with_images(figure)) == 40
        assert np.max(figure.axes[0].images[0].get_array()) == 255


def test_per_class_sorts_the_worst_on_top_and_shows_40_at_most():
    rows = [{"class": f"c{i}", "precision": i / 60, "recall": 1.0, "f1": i / 60, "support": 3} for i in range(60)]
    figure = plots.per_class(rows[::-1])
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names) == 40 and names[-1] == "c0  (3)" and names[0] == "c39  (3)"  # the last tick is on top
    assert "the 40 worst of 60 classes" in texts(figure)
    assert "classes (examples)" in texts(plots.per_class(rows[:2]))


def test_learning_rate_marks_the_suggestion_and_leaves_divergence_out():
    rates, losses = np.geomspace(1e-5, 1, 6), [2.0, 1.9, 1.0, 0.5, 50.0, np.nan]
    figure = plots.learning_rate(rates, losses, 1e-3)
    (panel,) = figure.axes
    assert panel.get_xscale() == "log" and panel.lines[1].get_xdata()[0] == 1e-3
    assert panel.get_ylim()[1] < 4
    assert "suggested 0.001" in texts(figure)


def test_learning_curve_has_a_line_of_means_in_a_band_for_each_name():
    scores = {"pretrained": {10: [80.0, 90.0], 1: [60.0, 64.0]}, "from scratch": {1: [50.0], 122: [75.0]}}
    figure = plots.learning_curve(scores, title="ants and bees")
    (panel,) = figure.axes
    assert [line.get_xydata().tolist() for line in panel.lines] == [[[1, 62], [10, 85]], [[1, 50], [122, 75]]]
    band = panel.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in band.tolist()} == {(1, 60), (1, 64), (10, 80), (10, 90)}
    assert panel.get_xscale() == "log" and panel.get_xticks().tolist() == [1, 10, 122]
    assert {"pretrained", "from scratch", "ants and bees", "1", "10", "122"} <= set(texts(figure))


@pytest.mark.parametrize("scores", [{}, {"a": {}}, {"a": {0: [1.0]}}, {"a": {1: []}}])
def test_learning_curve_needs_counts_and_scores(scores):
    with pytest.raises(ValueError, match="`scores"):
        plots.learning_curve(scores)


def test_save_writes_the_format_of_the_name_whole_or_not_at_all(tmp_path):
    figure = plots.confusion(MATRIX, ["$x$ \\frac", "猫", "🐕"])  # no formula, and signs that the font lacks
    plots.save(figure, tmp_path / "deep" / "a.png")
    plots.save(figure, tmp_path / "a.svg")
    with Image.open(tmp_path / "deep" / "a.png") as image:
        assert image.format == "PNG" and image.width > 300
    assert "<svg" in (tmp_path / "a.svg").read_text()
    with pytest.raises(ValueError, match="Format 'xyz' is not supported"):
        plots.save(figure, tmp_path / "a.xyz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "deep"]


def test_drawing_leaves_the_global_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    plots.curves({"loss": [1.0, 2.0]})
    assert dict(matplotlib.rcParams) == before
