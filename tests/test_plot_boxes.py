import numpy as np
import pytest
from matplotlib.patches import Rectangle

from kerascnn import plots
from kerascnn.plots.boxes import DASHED
from kerascnn.plots.misses import _window

NAMES = ["cat", "dog", "cow"]
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3)).astype("uint8")
ABSENT = [0, 0, 0, 0, -1]
TRUTHS = [np.float32([[5, 10, 25, 30, 0], ABSENT, [1, 2, 3, 4, -3]]), np.float32([ABSENT])]
FOUND = (np.float32([[6, 10, 26, 31], [30, 0, 50, 20]]), np.float32([0.25, 0.9]), np.int32([0, 2]))
NONE = (np.zeros((0, 4), "float32"), np.zeros(0, "float32"), np.zeros(0, "int32"))


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def rectangles(panel):
    """Left, top, right, bottom, colour of the edge and whether it is dashed, of each box in a panel."""
    from matplotlib.colors import to_hex

    boxes = [patch for patch in panel.patches if isinstance(patch, Rectangle) and not patch.get_fill()]
    edges = [(*np.add(box.get_xy(), 0.5), box.get_x() + box.get_width() + 0.5, box.get_y() + box.get_height() + 0.5)
             for box in boxes]  # fmt: skip
    return [
        (*map(float, edge), to_hex(box.get_edgecolor()), box.get_linestyle() == DASHED)
        for edge, box in zip(edges, boxes, strict=True)
    ]


def drawn(panel):
    return [(edges[:4], edges[5]) for edges in rectangles(panel)]


def test_detections_show_what_is_there_and_what_was_found(tmp_path):
    figure = plots.detections(IMAGES, TRUTHS, [FOUND, NONE], NAMES)
    first, second = figure.axes
    assert drawn(first) == [
        ((5, 10, 25, 30), True),
        ((1, 2, 3, 4), True),
        ((6, 10, 26, 31), False),
        ((30, 0, 50, 20), False),
    ]
    cat, ignored, found, cow = (each[4] for each in rectangles(first))
    assert cat == found == "#e69f00" and cow == "#009e73" and ignored == "#8c959f"
    assert not drawn(second)
    written = texts(figure)
    assert {"cat 0.25", "cow 0.90", "1 objects, 2 found", "0 objects, 0 found"} <= set(written)
    assert written[-4:] == ["cat", "cow", "there", "found"]  # no dog is seen
    plots.save(figure, tmp_path / "a.png")


def test_detections_alone():
    figure = plots.detections(IMAGES[:1], None, [FOUND], NAMES)
    assert len(drawn(figure.axes[0])) == 2
    assert "2 found" in texts(figure) and texts(figure)[-2:] == ["cat", "cow"]


def test_many_detections_have_their_scores_only():
    boxes = np.tile(np.float32([[5, 5, 20, 20]]), (9, 1))
    found = boxes, np.linspace(0.1, 0.9, 9), np.zeros(9, int)
    written = texts(plots.detections(IMAGES[:1], None, [found], NAMES))
    assert "0.90" in written and "cat 0.90" not in written


def test_localizations_name_the_class_and_the_overlap():
    truths = np.float32([[0, 0, 10, 10, 0], [0, 0, 10, 10, 1]])
    boxes = np.float32([[0, 0, 10, 10], [5, 0, 15, 10]])
    figure = plots.localizations(IMAGES, truths, boxes, np.array([0, 2]), NAMES)
    titles = [(panel.get_title("left"), panel.get_xlabel()) for panel in figure.axes]
    assert titles == [("cat", "IoU 1.00"), ("cow", "IoU 0.33, is dog")]
    assert drawn(figure.axes[1]) == [((0, 0, 10, 10), True), ((5, 0, 15, 10), False)]
    assert rectangles(figure.axes[0])[1][4] != rectangles(figure.axes[1])[1][4]


def test_misses_are_crops_with_their_boxes_moved_along():
    boxes = np.float32([[20, 14, 30, 18], [0, 0, 4, 4]])
    notes = ["cat 0.90", "dog missed"], ["is dog", "not seen at all"], [False, True]
    figure = plots.misses(IMAGES, boxes, *notes, near=[np.float32([18, 14, 28, 18]), None])
    first, second = figure.axes[:2]
    assert _window(boxes[0], (40, 50, 3)) == (12, 4, 37, 29)  # 25 pixels around (25, 16), to whole pixels
    np.testing.assert_array_equal(first.images[0].get_array(), IMAGES[0, 4:29, 12:37])
    assert drawn(first) == [((6, 10, 16, 14), True), ((8, 10, 18, 14), False)]
    np.testing.assert_array_equal(second.images[0].get_array(), IMAGES[1, :24, :24])  # moved into the image
    assert drawn(second) == [((0, 0, 4, 4), True)]
    assert _window(boxes[0], (10, 50, 3)) == (12, 0, 37, 10)
    assert {"cat 0.90", "dog missed", "is dog", "not seen at all"} <= set(texts(figure))
    assert texts(plots.misses([], [], [], [], [])) == ["Nothing missed, nothing wrong"]


def test_precision_recall_has_a_line_a_class_the_worst_first():
    curves = {"cat": np.ones(101), "dog": np.linspace(1, 0, 101), "cow": np.zeros(101)}
    rows = [{"class": "cat", "ap50": 1.0}, {"class": "dog", "ap50": 0.5}, {"class": "cow", "ap50": None}]
    figure = plots.precision_recall(curves, rows)
    (panel,) = figure.axes
    lines = {line.get_label(): line for line in panel.lines}
    assert list(lines) == ["cat 1.000", "dog 0.500"]
    np.testing.assert_allclose(lines["dog 0.500"].get_xdata()[[0, 50, 100]], [0, 0.5, 1])
    np.testing.assert_allclose(lines["dog 0.500"].get_ydata(), curves["dog"])
    assert panel.get_title("left") == "mean average precision 0.750 at IoU 0.5"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dog 0.500", "cat 1.000"]


def test_of_many_classes_the_worst_have_colours():
    names = [f"c{i}" for i in range(20)]
    rows = [{"class": name, "ap50": i / 20} for i, name in enumerate(names)]
    figure = plots.precision_recall(dict.fromkeys(names, [1, 0]), rows)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [f"c{i} {i / 20:.3f}" for i in range(12)] and len(figure.axes[0].lines) == 20
    assert figure.legends[0].get_title().get_text() == "the 12 worst of 20"


def test_iou_histogram_counts_right_and_wrong_classes():
    figure = plots.iou_histogram([0.1, 0.9, 0.91, 1.0], [False, True, True, True])
    (panel,) = figure.axes
    heights = [sum(bar.get_height() for bar in group) for group in panel.containers]
    assert heights == [3, 1] and panel.get_title("left") == "mean IoU 0.728"


def test_assignment_fills_the_cells_of_one_grid(tmp_path):
    owners = np.full((4, 5), -1)
    owners[2, 1] = 1
    truth = np.float32([ABSENT, [10, 20, 20, 30, 2]])
    figure = plots.assignment(IMAGES[0], truth, [owners])
    (panel,) = figure.axes
    (cell,) = [patch for patch in panel.patches if patch.get_fill()]
    assert (cell.get_x() + 0.5, cell.get_y() + 0.5, cell.get_width(), cell.get_height()) == (10, 20, 10, 10)
    assert drawn(panel) == [((10, 20, 20, 30), False)]
    assert panel.get_title("left") == "4 x 5 cells, 1 responsible"
    plots.save(figure, tmp_path / "a.png")


def test_assignment_dots_the_centres_of_several_grids():
    fine, coarse = np.full((5, 7), -1), np.full((3, 4), -1)
    fine[1, 2] = fine[1, 3] = 0
    figure = plots.assignment(IMAGES[0], np.float32([[10, 5, 30, 20, 0]]), [fine, coarse], steps=(8, 16))
    idle, chosen = figure.axes[0].collections
    np.testing.assert_allclose(chosen.get_offsets() + 0.5, [[20, 12], [28, 12]])
    assert len(idle.get_offsets()) == 33
    np.testing.assert_allclose(figure.axes[1].collections[0].get_offsets()[-1] + 0.5, [56, 40])


def test_boxed_draws_into_the_pixels_of_the_image():
    image = np.full((400, 500, 1), 90, "uint8")
    picture = plots.boxed(image, [[100, 200, 180, 260]], ["cat 0.90"], ["#e69f00"])
    assert picture.shape == (400, 500, 3) and picture.dtype == np.uint8
    orange = (picture == (0xE6, 0x9F, 0)).all(axis=-1)
    assert orange[200:202, 100:180].all() and orange[258:260, 100:180].all()
    assert orange[200:260, 100:102].all() and orange[200:260, 178:180].all()
    assert not orange[205:255, 105:175].any() and not orange[261:].any()
    assert orange[180:200, 100:110].sum() > 50  # the text's ground
    assert (picture[300:] == 90).all()


def test_small_images_are_enlarged_and_boxes_may_leave_no_room():
    picture = plots.boxed(np.zeros((64, 80, 3), "uint8"), [[0, 0, 64, 64], [3, 3, 3, 3]], ["a", "b"], ["#ffffff"] * 2)
    assert picture.shape == (320, 400, 3)
    assert (picture[0:2, :300] == 255).all() and (picture[318:320, :300] == 255).all()
    assert not plots.boxed(np.zeros((64, 80, 3), "uint8"), np.zeros((0, 4)), [], []).any()


def test_a_pipeline_is_shown_with_boxes_of_data():
    import tensorflow as tf

    from kerascnn.augmentation import Pipeline, RandomFlip
    from kerascnn.data import Data

    for targets, rows in (("boxes", np.stack([TRUTHS[0]] * 2)), ("box", np.stack([TRUTHS[0][0]] * 2))):
        split = tf.data.Dataset.from_tensor_slices((IMAGES, rows))
        data = Data(split, split, class_names=tuple(NAMES), targets=targets)
        figure = plots.augmentations(data, Pipeline(RandomFlip("horizontal", p=1)), rows=1, variations=1)
        edges = [panel.lines[0].get_xdata() for panel in figure.axes]
        assert [(x.min() + 0.5, x.max() + 0.5) for x in edges] == [(5, 25), (25, 45)]  # of 50 pixels
        assert "cat" in texts(figure)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: plots.detections([], None, [], NAMES), "`images` must hold at least one"),
        (lambda: plots.detections(IMAGES, TRUTHS[:1], [FOUND, NONE], NAMES), "`images` and `truths`"),
        (
            lambda: plots.localizations(IMAGES, np.zeros((2, 5)), np.zeros((1, 4)), [0, 0], NAMES),
            "`images` and `boxes`",
        ),
        (lambda: plots.misses(IMAGES, np.zeros((2, 4)), ["a"], ["b"] * 2, [True] * 2), "`boxes` and `titles`"),
        (lambda: plots.precision_recall({}, [{"class": "a", "ap50": None}]), "at least one class with objects"),
        (lambda: plots.precision_recall({}, [{"class": "a", "ap50": 0.5}]), r"Those of \['a'\] are missing"),
        (lambda: plots.iou_histogram([], []), "`ious` must hold at least one"),
        (lambda: plots.iou_histogram([1.0], []), "`ious` and `right`"),
        (lambda: plots.assignment(IMAGES[0], TRUTHS[0], []), "`places` must hold at least one grid"),
        (lambda: plots.assignment(IMAGES[0], TRUTHS[0], [np.full((2, 2), 3)]), "rows of `truth`, below 3"),
        (lambda: plots.assignment(IMAGES[0], TRUTHS[0], [np.zeros((2, 2))], steps=(1, 2)), "`places` and `steps`"),
        (lambda: plots.boxed(IMAGES[0], np.zeros((2, 4)), ["a"], ["#000000"] * 2), "`boxes` and `texts`"),
    ],
)
def test_pictures_of_nothing_are_refused(make, part):
    with pytest.raises(ValueError, match=part):
        make()
