import keras
import numpy as np
import pytest
from keras import ops

from kerascnn.boxes import FORMATS, convert

pytestmark = pytest.mark.backend

SIZE = (100, 200)  # height, width
SAME = {  # one box in every form
    "xyxy": [20, 40, 80, 60],
    "yxyx": [40, 20, 60, 80],
    "xywh": [20, 40, 60, 20],
    "center_xywh": [50, 50, 60, 20],
    "rel_xyxy": [0.1, 0.4, 0.4, 0.6],
    "rel_yxyx": [0.4, 0.1, 0.6, 0.4],
    "rel_xywh": [0.1, 0.4, 0.3, 0.2],
    "rel_center_xywh": [0.25, 0.5, 0.3, 0.2],
}


def test_the_table_has_every_form():
    assert set(SAME) == set(FORMATS)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_every_pair_by_hand(source, target):
    found = convert(np.array([[SAME[source]]]), source, target, SIZE)
    assert type(found) is np.ndarray and found.dtype == np.float32 and found.shape == (1, 1, 4)
    np.testing.assert_allclose(found[0, 0], SAME[target], rtol=1e-6)
    tensor = convert(ops.convert_to_tensor([SAME[source]]), source, target, SIZE)
    assert keras.ops.is_tensor(tensor) and keras.backend.standardize_dtype(tensor.dtype) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(tensor)[0], SAME[target], rtol=1e-6)


def test_no_boxes_and_one_box():
    assert convert(np.zeros((0, 4)), "xywh", "xyxy").shape == (0, 4)
    assert convert([1, 2, 3, 4], "xywh", "xyxy").tolist() == [1, 2, 4, 6]


def test_the_size_is_needed_only_between_pixels_and_shares():
    assert convert([[0.25, 0.25, 0.5, 0.5]], "rel_xywh", "rel_xyxy").tolist() == [[0.25, 0.25, 0.75, 0.75]]
    for size in (None, 100, (100,), (0, 100), "ab"):
        with pytest.raises(
            (ValueError, TypeError), match="`image_size` must be \\(height, width\\) in pixels to go from"
        ):
            convert([[0, 0, 1, 1]], "rel_xyxy", "xyxy", size)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0, 0, 1, 1]], "xyhw", "xyxy"), "`source` must be one of .*Did you mean 'xywh'"),
        (([[0, 0, 1, 1]], "xyxy", "coco"), "`target` must be one of"),
        (([[0, 0, 1]], "xyxy", "xywh"), r"`boxes` must be of shape \(\.\.\., 4\)\. Received: boxes=\(1, 3\)"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        convert(*arguments)
