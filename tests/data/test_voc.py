"""Folders in the form of Pascal VOC, and what is checked of boxes in any folder."""

import numpy as np
import pytest
from PIL import Image

from kerascnn.augmentation import Pipeline, RandomFlip
from kerascnn.data import batches, first_batch, load, plain_batches, repeated

OBJECT = "<object><name>{}</name><difficult>{}</difficult><bndbox>{}</bndbox></object>"
ENDS = ("xmin", "ymin", "xmax", "ymax")


def annotate(path, objects, size=(20, 30)):
    """Writes objects `(name, (xmin, ymin, xmax, ymax)[, difficult])` as VOC does."""
    parts = []
    for name, ends, *difficult in objects:
        box = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(ENDS, ends, strict=True))
        parts.append(OBJECT.format(name, int(bool(difficult)), box))
    sides = "" if size is None else f"<size><width>{size[1]}</width><height>{size[0]}</height></size>"
    path.write_text(f"<annotation>{sides}{''.join(parts)}</annotation>")


def fill(root, images, size=(20, 30), lists=None):
    """A folder of `images`, name -> objects, all of one level that is ten times their number."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, (name, objects) in enumerate(images.items()):
        Image.new("RGB", size[::-1], (10 * number,) * 3).save(root / "JPEGImages" / f"{name}.png")
        annotate(root / "Annotations" / f"{name}.xml", objects, size)
    for split, names in (lists or {}).items():
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
    return root


CAT, DOG = ("cat", (1, 1, 30, 20)), ("dog", (11, 6, 20, 10))
LISTED = {"a": [DOG, CAT], "b": [], "c": [DOG], "d": [CAT], "e": [CAT, (*DOG, True)], "f": [CAT]}
LISTS = {"train": "abc", "val": "e", "test": "df"}


def examples(data, split):
    return [pair for batch in plain_batches(data, split, 3).as_numpy_iterator() for pair in zip(*batch, strict=True)]


@pytest.mark.filterwarnings("ignore:.*classes without an object in the")
@pytest.mark.parametrize("memory", [0.25, 0])
def test_lists_are_the_splits_and_pixels_count_from_1(tmp_path, memory):
    data = load(fill(tmp_path, LISTED | {"g": [CAT]}, lists=LISTS), targets="boxes", memory=memory)
    assert (data.train_size, data.validation_size, data.test_size) == (3, 1, 2)
    assert (data.targets, data.class_names, data.image_shape) == ("boxes", ("cat", "dog"), (20, 30, 3))
    assert data.report["class_order"] == "by name" and data.report["in_memory"] == (memory > 0)
    assert data.report["unlisted"] == 1
    nothing = [0, 0, 0, 0, -1]
    seen = {
        int(image[0, 0, 0]) // 10: rows for split in ("train", "validation") for image, rows in examples(data, split)
    }
    assert all(rows.dtype == np.float32 for rows in seen.values())
    assert seen[0].tolist() == [[10, 5, 20, 10, 1], [0, 0, 30, 20, 0]]
    assert seen[1].tolist() == [nothing, nothing]  # kept as an image of nothing
    assert seen[4].tolist() == [[0, 0, 30, 20, 0], [10, 5, 20, 10, -3]]  # the difficult dog
    assert (data.report["objects"], data.report["apart"], data.report["negatives"]) == (6, 1, 1)


@pytest.mark.filterwarnings("ignore:.*classes without an object in the")
def test_objects_are_counted_as_pixels_are(tmp_path):
    data = load(fill(tmp_path, LISTED, lists=LISTS), targets="boxes")
    assert data.object_counts == (1, 2) == tuple(data.report["object_counts"])
    assert data.facts == [tmp_path.name, [20, 30, 3], ["cat", "dog"], [1, 2], 1]
    assert repeated(data, 3).object_counts == (3, 6)
    assert first_batch(data, 2, 2).object_counts == (2, 2 * 1)  # of a and b
    with pytest.raises(ValueError, match="`targets` must be 'boxes' or 'box' for this. Received: targets='labels'"):
        _ = load("digits").object_counts


@pytest.mark.filterwarnings("ignore:.*classes without an object in the")
def test_streaming_gives_the_very_batches_of_memory(tmp_path):
    fill(tmp_path, LISTED, lists=LISTS)

    def seen(memory):
        data = load(tmp_path, targets="boxes", memory=memory, image_size=(24, 24), resize="letterbox")
        pipeline = Pipeline(RandomFlip()).checked(data, ("bounding_boxes",))
        return [part for batch in batches(data, "train", 2, seed=3, epochs=(0, 2), augment=pipeline) for part in batch]

    for one, other in zip(seen(0), seen(0.25), strict=True):
        assert one.shape == other.shape and one.shape[0] == 2
        np.testing.assert_array_equal(one, other)


def test_without_lists_a_share_is_held_out_and_names_are_in_order(tmp_path):
    data = load(fill(tmp_path, {f"{i:02}": [CAT, DOG] for i in range(10)}), targets="boxes", validation=0.2)
    assert (data.train_size, data.validation_size, data.test) == (8, 2, None)
    named = load(tmp_path, targets="boxes", class_names=("dog", "cat"))
    assert named.class_names == ("dog", "cat") and named.report["class_order"] == "as given"
    assert examples(named, "train")[0][1][:, 4].tolist() == [1, 0]


@pytest.mark.filterwarnings("ignore:.*classes without an object in the")
def test_trainval_trains_where_there_is_no_list_of_training_alone(tmp_path):
    data = load(fill(tmp_path, LISTED, lists={"trainval": "abcde", "val": "e", "test": "f"}), targets="boxes")
    assert (data.train_size, data.validation_size, data.test_size) == (4, 1, 1)
    with pytest.raises(ValueError, match="list each image in one split; 1 of test are in another too"):
        load(fill(tmp_path, {}, lists={"train": "ab", "val": "cd", "test": "be"}), targets="boxes")
    for name in ("train", "trainval"):
        (tmp_path / "ImageSets" / "Main" / f"{name}.txt").unlink()
    with pytest.raises(ValueError, match=r"have a train.txt in ImageSets/Main"):
        load(tmp_path, targets="boxes")


@pytest.mark.parametrize(
    ("resize", "expected"),
    [
        ("stretch", [[8, 4, 16, 8, 1], [0, 0, 24, 16, 0]]),
        ("letterbox", [[8, 4, 16, 8, 1], [0, 0, 24, 16, 0]]),
        ("crop", [[8, 4, 16, 8, 1], [0, 0, 24, 16, 0]]),
    ],
)
def test_boxes_of_the_same_ratio_scale(tmp_path, resize, expected):
    data = load(fill(tmp_path, {"a": [DOG, CAT], "b": [DOG, CAT]}), targets="boxes", image_size=(16, 24), resize=resize)
    np.testing.assert_allclose(examples(data, "train")[0][1], expected, rtol=1e-6)


def test_files_of_several_sizes_get_a_common_one_with_their_boxes(tmp_path):
    fill(tmp_path, {"a": [("cat", (1, 1, 16, 20))], "b": [("cat", (1, 1, 16, 20))]}, size=(20, 16))
    fill(tmp_path, {"c": [("cat", (9, 16, 16, 30))]}, size=(30, 16))
    with pytest.warns(UserWarning, match="validation=0"):
        data = load(tmp_path, targets="boxes", validation=0)  # median of 20, 20 and 30 rows: 20, so 24 in eights
    assert data.image_shape == (24, 16, 3) and data.report["resized"] == 3
    rows = [rows[0].tolist() for _, rows in examples(data, "train")]
    np.testing.assert_allclose(rows, [[0, 0, 16, 24, 0]] * 2 + [[8, 12, 16, 24, 0]])


def test_boxes_that_reach_outside_are_clipped_and_counted(tmp_path):
    wide = ("cat", (-4, 1, 34, 20))
    fill(tmp_path, {"a": [wide], "b": [wide], "c": [CAT]})
    text = "2 of 3 boxes reach outside their images and are cut off there: object 1 of Annotations/a.xml, object 1 of"
    with pytest.warns(UserWarning, match=text):
        data = load(tmp_path, targets="boxes")
    assert data.report["clipped"] == 2 and text in data.report["warnings"][0]
    assert {tuple(rows[0].tolist()) for _, rows in examples(data, "train")} == {(0, 0, 30, 20, 0)}


def test_objects_that_cannot_be_used_are_named_together_or_left_out(tmp_path):
    bad = {
        "empty or inverted: left 9, top 4, right 8, bottom 9": ("cat", (10, 5, 8, 9)),
        "empty or inverted: left 4, top 5, right 9, bottom 5": ("cat", (5, 6, 9, 5)),
        "outside the image of 20 x 30 pixels: left 30, top 0, right 40, bottom 9": ("cat", (31, 1, 40, 9)),
        "not finite: left nan, top 0, right inf, bottom 9": ("cat", ("nan", 1, "inf", 9)),
    }
    fill(tmp_path, {"a": [CAT, *bad.values()], "b": [CAT]})
    with pytest.raises(
        ValueError, match="`data` must have boxes with an area inside.*Received: 4 bad objects"
    ) as caught:
        load(tmp_path, targets="boxes")
    for number, reason in enumerate(bad):
        assert f"object {number + 2} of Annotations/a.xml ({reason})" in str(caught.value)
    data = load(tmp_path, targets="boxes", skip_bad=True)
    assert data.report["objects"] == 2 and len(data.report["skipped"]) == 4
    fill(tmp_path, {f"{i:02}": [CAT, ("cat", (2, 2, 1, 1))] for i in range(30)})
    with pytest.raises(ValueError, match=r"34 bad objects: .* and 14 more\. Mend or delete them, or pass skip"):
        load(tmp_path, targets="boxes")


def test_classes_that_training_lacks_are_named(tmp_path):
    fill(tmp_path, {"a": [CAT], "b": [CAT], "c": [CAT, DOG]}, lists={"train": "ab", "val": "c"})
    with pytest.raises(ValueError, match=r"object 2 of Annotations/c.xml \(class 'dog' is none of training\)"):
        load(tmp_path, targets="boxes")
    assert load(tmp_path, targets="boxes", skip_bad=True).class_names == ("cat",)
    with pytest.raises(ValueError, match=r"object 1 of Annotations/a.xml \(class 'cat' is none of class_names\)"):
        load(tmp_path, targets="boxes", class_names=("dog",))
    with pytest.raises(ValueError, match="have training objects of every class. Received: data=\"none of 'dog'\""):
        load(tmp_path, targets="boxes", class_names=("dog", "cat"))
    fill(tmp_path, {"b": [DOG], "c": [CAT]})
    with pytest.warns(UserWarning, match="1 of 2 classes without an object in the validation split: 'dog'"):
        load(tmp_path, targets="boxes")


def test_files_without_each_other_and_of_other_sizes_are_named_together(tmp_path):
    fill(tmp_path, {name: [CAT] for name in "abcdefgh"})
    (tmp_path / "JPEGImages" / "a.png").unlink()
    (tmp_path / "Annotations" / "b.xml").unlink()
    annotate(tmp_path / "Annotations" / "c.xml", [CAT], (20, 31))
    (tmp_path / "Annotations" / "d.xml").write_text("<annotation><object></object>")
    (tmp_path / "Annotations" / "e.xml").write_text("<annotation><object><name>cat</name></object></annotation>")
    (tmp_path / "JPEGImages" / "f.png").write_text("no image")
    annotate(tmp_path / "Annotations" / "g.xml", [CAT], None)  # which is right
    with pytest.raises(
        ValueError, match="`data` must hold images and annotations that belong together.*6 bad files"
    ) as e:
        load(tmp_path, targets="boxes")
    for text in (
        "Annotations/a.xml (no image of its name in JPEGImages)",
        "JPEGImages/b.png (no file of its name in Annotations)",
        "JPEGImages/c.png (20 x 30 pixels, 20 x 31 in Annotations/c.xml)",
        "Annotations/d.xml (no XML: no element found",
        "Annotations/e.xml (an object without <xmin>)",
        "JPEGImages/f.png (not an image)",
    ):
        assert text in str(e.value)
    data = load(tmp_path, targets="boxes", skip_bad=True, validation=0.5)
    assert data.train_size + data.validation_size == 2 and len(data.report["skipped"]) == 6


def test_one_object_an_image(tmp_path):
    fill(tmp_path, {"a": [CAT], "b": [(*DOG, True)], "c": [], "d": [CAT, DOG], "e": [DOG]})
    with pytest.raises(ValueError, match=r"exactly one object .*2 images.*: Annotations/c.xml \(0\), .*d.xml \(2\)"):
        load(tmp_path, targets="box")
    with pytest.warns(UserWarning, match="validation=0"):
        data = load(tmp_path, targets="box", skip_bad=True, validation=0)
    assert data.report["skipped"] == ["Annotations/c.xml (0)", "Annotations/d.xml (2)"] and data.targets == "box"
    assert [rows.tolist() for _, rows in examples(data, "train")] == [
        [0, 0, 30, 20, 0],
        [10, 5, 20, 10, 1],
        [10, 5, 20, 10, 1],
    ]
    assert data.object_counts == (1, 2) and data.train.element_spec[1].shape == (5,)


def test_a_folder_of_no_known_form_is_refused(tmp_path):
    (tmp_path / "JPEGImages").mkdir()
    with pytest.raises(ValueError, match="in the form of Pascal VOC or COCO.*Pascal VOC has JPEGImages/"):
        load(tmp_path, targets="boxes")
    with pytest.raises(ValueError, match="`box_format` must be left out unless boxes are in arrays"):
        load(tmp_path, targets="boxes", box_format="xywh")
    with pytest.raises(ValueError, match="`box_format` must be left out unless boxes are read"):
        load("digits", box_format="xywh")
