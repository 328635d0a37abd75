import json

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load, plain_batches

CATEGORIES = [
    {"id": 9, "name": "bird", "supercategory": "animal"},
    {"id": 3, "name": "cat", "supercategory": "animal"},
    {"id": 0, "name": "animal", "supercategory": "none"},
]


def write(path, folder, images, size=(20, 30), categories=CATEGORIES, **more):
    """A JSON file of `images`, file name -> boxes `(category, [x, y, w, h][, crowd])`, and the images in `folder`."""
    content = {"images": [], "annotations": [], "categories": categories}
    for number, (name, objects) in enumerate(images.items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size[::-1], (10 * number,) * 3).save(folder / name)
        content["images"].append({"id": 100 + number, "file_name": name, "height": size[0], "width": size[1]})
        for category, box, *crowd in objects:
            each = {"id": len(content["annotations"]), "image_id": 100 + number, "category_id": category, "bbox": box}
            content["annotations"].append(each | ({"iscrowd": 1} if crowd else {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | more))


CAT, BIRD = (3, [10, 5, 20, 10.5]), (9, [0, 0, 4, 4])
TRAIN = {"a.png": [BIRD, CAT], "b.png": [], "c.png": [(3, [1, 1, 2, 2], True), CAT]}
VAL = {"d.png": [CAT, BIRD]}


def rows_of(data, split):
    return [rows.tolist() for rows in np.concatenate([rows for _, rows in plain_batches(data, split, 2)])]


@pytest.mark.parametrize(
    ("train", "val"), [("train2017", "val2017"), ("images/train2017", "images/val2017"), ("images/train", "val")]
)
def test_a_file_for_each_split_and_folders_of_its_images(tmp_path, train, val):
    write(tmp_path / "annotations" / "instances_train2017.json", tmp_path / train, TRAIN)
    write(tmp_path / "annotations" / "instances_val2017.json", tmp_path / val, VAL)
    (tmp_path / "annotations" / "captions_train2017.json").write_text("{}")
    data = load(tmp_path, targets="boxes")
    assert (data.train_size, data.validation_size, data.test) == (3, 1, None)
    assert data.class_names == ("cat", "bird") and data.report["class_order"] == "by category id"
    assert data.report["groups"] == ["animal"]
    nothing = [0, 0, 0, 0, -1]
    assert rows_of(data, "train") == [
        [[0, 0, 4, 4, 1], [10, 5, 30, 15.5, 0]],
        [nothing, nothing],
        [[1, 1, 3, 3, -2], [10, 5, 30, 15.5, 0]],
    ]
    assert rows_of(data, "validation") == [[[10, 5, 30, 15.5, 0], [0, 0, 4, 4, 1]]]
    assert data.object_counts == (2, 1) and data.report["negatives"] == 1 and data.report["apart"] == 1


@pytest.mark.parametrize("name", ["_annotations.coco.json", "annotations.json"])
def test_a_file_beside_the_images_of_each_split(tmp_path, name):
    for split, images in (("train", TRAIN), ("valid", VAL), ("test", VAL)):
        write(tmp_path / split / name, tmp_path / split, images)
    (tmp_path / "README.roboflow.txt").write_text("made up")
    data = load(tmp_path, targets="boxes", class_names=("bird", "cat"))
    assert (data.train_size, data.validation_size, data.test_size) == (3, 1, 1)
    assert data.class_names == ("bird", "cat") and rows_of(data, "test")[0][0] == [10, 5, 30, 15.5, 1]


def test_one_file_alone_is_training_and_a_share_is_held_out(tmp_path):
    images = {f"deep/{i:02}.png": [CAT, BIRD] for i in range(10)}
    write(tmp_path / "annotations" / "mine.json", tmp_path / "images", images)
    data = load(tmp_path, targets="boxes", validation=0.2)
    assert (data.train_size, data.validation_size) == (8, 2)
    write(tmp_path / "annotations" / "mine_val.json", tmp_path / "images", images)
    with pytest.raises(ValueError, match="one JSON file a split, with 'train', 'val' or 'test' in its name"):
        load(tmp_path, targets="boxes")


def test_what_does_not_belong_together_is_named_together(tmp_path):
    path, folder = tmp_path / "annotations" / "instances_train.json", tmp_path / "train"
    stray = {"id": 77, "image_id": 5, "category_id": 3, "bbox": [0, 0, 1, 1]}
    images = {f"{name}.png": [CAT, BIRD] for name in "abcde"}
    write(path, folder, images)
    content = json.loads(path.read_text())
    content["annotations"].append(stray)
    content["images"][1]["width"] = 31
    path.write_text(json.dumps(content))
    (folder / "a.png").unlink()
    Image.new("RGB", (30, 20)).save(folder / "extra.png")
    with pytest.raises(
        ValueError, match="must hold images and annotations that belong together.*4 bad files"
    ) as caught:
        load(tmp_path, targets="boxes")
    for text in (
        "train/a.png (in annotations/instances_train.json, but not there)",
        "train/b.png (20 x 30 pixels, 20 x 31 in b.png in annotations/instances_train.json)",
        "train/extra.png (in no JSON file)",
        "annotations/instances_train.json, image id 5 (not in it, and has 1 annotations)",
    ):
        assert text in str(caught.value)
    data = load(tmp_path, targets="boxes", skip_bad=True)
    assert data.train_size + data.validation_size == 3 and len(data.report["skipped"]) == 4


def test_unknown_categories_and_empty_boxes_are_named(tmp_path):
    images = {"a.png": [CAT, BIRD], "b.png": [(4, [0, 0, 1, 1]), (3, [5, 5, 0, 3])]}
    write(tmp_path / "train" / "_annotations.coco.json", tmp_path / "train", images)
    with pytest.raises(ValueError, match="2 bad objects") as caught:
        load(tmp_path, targets="boxes")
    assert "object 1 of b.png in train/_annotations.coco.json (class 'id 4' is none of training)" in str(caught.value)
    assert "(empty or inverted: left 5, top 5, right 5, bottom 8)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "JSONDecodeError"), ("[]", "TypeError"), ('{"images": []}', "KeyError 'annotations'")],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, reason):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_train.json").write_text(text)
    with pytest.raises(ValueError, match=f"annotations/instances_train.json: {reason}"):
        load(tmp_path, targets="boxes")


def test_an_annotation_without_a_box_is_refused(tmp_path):
    write(tmp_path / "train" / "_annotations.coco.json", tmp_path / "train", {"a.png": [(3, [])]})
    with pytest.raises(ValueError, match=r"a box of four numbers.*annotations without bbox \[0\]"):
        load(tmp_path, targets="boxes")
