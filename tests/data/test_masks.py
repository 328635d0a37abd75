import numpy as np
import pytest
from PIL import Image

from kerascnn.data.coding import Coding, coding
from kerascnn.data.images import fit
from kerascnn.data.masks import count_pixels, fit_mask, look, read_mask
from kerascnn.data.options import Options

VALUES = np.array([[0, 1, 2], [3, 200, 255]], np.uint8)


def saved(folder, image, name="mask.png", **options):
    image.save(folder / name, **options)
    return folder / name


def test_grey_palette_binary_and_16_bit_masks_give_their_values(tmp_path):
    np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(VALUES))), VALUES)
    palette = Image.fromarray(VALUES, "L").convert("P")
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    np.testing.assert_array_equal(read_mask(saved(tmp_path, palette)), VALUES)
    assert read_mask(saved(tmp_path, Image.fromarray(VALUES > 2))).tolist() == [[0, 0, 0], [1, 1, 1]]
    wide = VALUES.astype(np.uint16) * 200
    np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(wide))), wide)


def test_grey_in_three_channels_is_one_value_and_colours_are_refused(tmp_path):
    grey = np.repeat(VALUES[..., None], 3, axis=2)
    np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(grey))), VALUES)
    transparent = np.dstack([grey, 255 - VALUES])
    np.testing.assert_array_equal(read_mask(saved(tmp_path, Image.fromarray(transparent))), VALUES)
    grey[0, 0] = 9, 0, 0
    with pytest.raises(OSError, match="Cannot read the mask '.*mask.png': in colour; save it grey or with a palette"):
        read_mask(saved(tmp_path, Image.fromarray(grey)))


def test_fractions_and_no_images_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(VALUES / np.float32(2)), "mask.tif")
    with pytest.raises(OSError, match="values of 0 to 127.5, which are not all whole numbers"):
        read_mask(path)
    (tmp_path / "mask.png").write_text("no mask")
    with pytest.raises(OSError, match="mask.png': not an image"):
        read_mask(tmp_path / "mask.png")


def test_a_look_counts_each_value():
    found = look(np.array([[3, 3, 0], [500, 3, 0]], np.uint16))
    assert (found.size, found.values.tolist(), found.counts.tolist()) == ((2, 3), [0, 3, 500], [2, 3, 1])


@pytest.mark.parametrize("resize", ["stretch", "crop", "letterbox"])
def test_a_mask_is_resized_as_its_image_and_mixes_no_classes(resize):
    mask = np.zeros((40, 80), np.uint8)
    mask[8:32, 20:60] = 7
    small = fit_mask(mask, 20, resize)
    assert set(np.unique(small)) == ({0, 7, 255} if resize == "letterbox" else {0, 7})
    shown = fit(np.float32(mask[..., None]), 20, resize)[..., 0]
    inside = small != 255
    assert np.abs(shown - small)[inside].max() <= 3.5  # the image is between the two values at the border alone
    assert (small == 255).sum() == (200 if resize == "letterbox" else 0)


def test_layers_of_a_mask_are_resized_alike():
    mask = np.random.default_rng(0).integers(0, 2, (9, 7, 5), "uint8")
    whole = fit_mask(mask, (4, 6))
    assert whole.shape == (4, 6, 5)
    for k in range(5):
        np.testing.assert_array_equal(whole[..., k], fit_mask(mask[..., k], (4, 6)))


def test_pixels_are_counted_without_those_that_count_nowhere():
    assert count_pixels(np.array([[0, 2], [255, 2]]), 4, multi_label=False).tolist() == [1, 0, 2, 0]
    layers = np.array([[[1, 0], [1, 255]], [[0, 1], [1, 1]]])
    assert count_pixels(layers, 2, multi_label=True).tolist() == [3, 2]


def coded(values, **options):
    report = {}
    found = coding(dict.fromkeys(values, "a.png"), Options(targets="masks", **options), report)
    return found.values, found.ignore, report.get("mask_values")


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([0, 1, 2], {}, ((0, 1, 2), 255, None)),
        ([0, 1, 255], {}, ((0, 1), 255, None)),
        ([0, 255], {}, ((0, 255), None, "0 and 255 became classes 0 and 1")),
        ([0, 128, 255], {"ignore": 128}, ((0, 255), 128, "0 and 255 became classes 0 and 1")),
        ([0, 1, 9], {"ignore": 9}, ((0, 1), 9, None)),
        ([0, 38, 75, 255], {"class_values": (75, 0, 38)}, ((75, 0, 38), 255, None)),
        ([0, 255], {"class_values": (255, 0)}, ((255, 0), None, None)),
        ([0, 2], {"class_names": ("a", "b", "c")}, ((0, 1, 2), 255, None)),
    ],
)
def test_values_become_classes(values, options, expected):
    assert coded(values, **options) == expected


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([0, 38, 75], {}, r"0, 38, 75, 38 for one in a.png'. Pass class_values=\(0, 38, 75\), .* or ignore="),
        ([1, 2, 3], {}, r"classes 0, 1, 2 or 255. .*3 for one in a.png'. Pass class_values=\(1, 2, 3\)"),
        ([0, 1, 7], {"class_values": (0, 1)}, "7 for one in a.png"),
        ([0, 5], {"class_names": ("a", "b")}, "5 for one in a.png"),
        ([0], {}, "masks of two classes or more"),
        ([255], {}, "masks of two classes or more"),
        (range(0, 255, 3), {}, r"54, 57, \.\.\. \(85 values\)"),
    ],
)
def test_values_that_are_no_class_are_listed(values, options, message):
    with pytest.raises(ValueError, match=message):
        coded(values, **options)


def test_a_table_gives_classes_and_255_for_the_rest():
    table = Coding((10, 20), ignore=30).table()
    assert table[[10, 20, 30, 11]].tolist() == [0, 1, 255, 255]
    near = Coding((10, 20), ignore=30).table(nearest=True)
    assert near[[0, 14, 16, 24, 26, 999]].tolist() == [0, 0, 1, 1, 255, 255]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": "mask"}, "`targets` must be one of .*Did you mean 'masks'"),
        ({"ignore": 0}, "`ignore` must be left out unless masks are read.*targets='masks'"),
        ({"class_values": (0, 1)}, "`class_values` must be left out unless masks are read"),
        ({"targets": "masks", "class_values": (1, 1)}, "`class_values` must be 1 to 255 different values"),
        ({"targets": "masks", "class_values": (0, 1), "class_names": ("a",)}, "`class_names` and `class_values`"),
        ({"targets": "images", "class_names": ("a",)}, "`class_names` must be None where targets are images"),
    ],
)
def test_options_that_do_not_fit_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Options(**options)
