import json
import shutil
import struct

import fsspec
import numpy as np
import pytest
from PIL import Image

from kerascnn.data import batches, index_records, load, plain_batches, write_records
from kerascnn.data.examples import example
from kerascnn.data.records import Records

X = np.random.default_rng(0).integers(0, 256, (40, 6, 7, 3), "uint8")
Y = np.arange(40) % 4


@pytest.fixture
def photos(tmp_path):
    """40 images in 4 class folders below `train`, `validation` and `test`."""
    for i, (image, label) in enumerate(zip(X, Y, strict=True)):
        folder = tmp_path / "photos" / ("train", "train", "validation", "test")[i // 4 % 4] / f"class {label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i:02}.png")
    return tmp_path / "photos"


@pytest.fixture
def shards(photos):
    return write_records(load(photos), photos.parent / "shards", shards=3)


def arrays(data, split="train"):
    images, labels = zip(*plain_batches(data, split, 4).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def of_epochs(data, epochs=(0, 3)):
    return [part for batch in batches(data, "train", 3, seed=5, epochs=epochs).as_numpy_iterator() for part in batch]


@pytest.mark.backend
@pytest.mark.parametrize("memory", [0.25, 0])
def test_what_is_written_is_read_in_the_same_order(photos, shards, memory):
    data, again = load(photos), load(shards, memory=memory)
    assert again.class_names == data.class_names == tuple(f"class {i}" for i in range(4))
    assert (again.train_size, again.validation_size, again.test_size) == (24, 8, 8)
    assert again.report["in_memory"] == (memory > 0) and again.report["indexed"]
    for split in ("train", "validation", "test"):
        same(arrays(again, split), arrays(data, split))
    same(of_epochs(again), of_epochs(data))
    assert sorted(path.name for path in shards.glob("test*")) == [f"test-0000{i}-of-00003.tfrecord" for i in range(3)]


@pytest.mark.backend
def test_batches_of_later_epochs_need_none_before(shards):
    data = load(shards, memory=0)
    same(of_epochs(data)[2 * 2 * 8 :], of_epochs(data, (2, 3)))


def test_tensorflow_reads_what_is_written(shards):
    import tensorflow as tf

    kinds = {"image/encoded": tf.string, "image/class/label": tf.int64}
    features = {name: tf.io.FixedLenFeature([], kind) for name, kind in kinds.items()}
    messages = tf.data.TFRecordDataset(sorted(map(str, shards.glob("train*"))))
    found = [tf.io.parse_single_example(message, features) for message in messages]
    images, labels = arrays(load(shards))
    assert [int(each["image/class/label"]) for each in found] == labels.tolist()
    same([tf.io.decode_png(each["image/encoded"]).numpy() for each in found], images)


def test_files_are_copied_as_they_are(photos):
    data = load(photos, image_size=4)
    small, whole = (write_records(data, photos.parent / name, files=name == "whole") for name in ("small", "whole"))
    assert load(small).image_shape == (4, 4, 3) and load(whole).image_shape == (6, 7, 3)
    same(arrays(load(whole, image_size=4)), arrays(data))
    png = next(photos.rglob("*.png")).read_bytes()
    assert sum(png in path.read_bytes() for path in whole.glob("*.tfrecord")) == 1


def test_shards_of_others_are_read_with_and_without_an_index(photos, shards, tmp_path):
    folder = tmp_path / "other" / "train"
    folder.mkdir(parents=True)
    for i, path in enumerate(sorted(shards.glob("train*"))):
        shutil.copy(path, folder / f"a.tfrecord-{i:05}-of-00003")
    found = load(folder.parent, memory=0, validation=0.2)
    assert not found.report["indexed"] and found.class_names == ("0", "1", "2", "3") and found.train_size == 20
    assert index_records(folder.parent) == 24
    again = load(folder.parent, memory=0, validation=0.2, class_names="abcd")
    assert again.report["indexed"] and again.class_names == ("a", "b", "c", "d")
    same(arrays(again), arrays(found))
    one = load(str(folder / "a*-of-00003"), validation=0.2)
    same(arrays(one), arrays(found))
    part = load(str(folder.parent / "*" / "a*-0000[01]-of-00003"), validation=0.2)
    assert part.train_size + part.validation_size == 16 and part.report["indexed"]
    with pytest.warns(UserWarning, match="1 of 3 classes with no training image: '0'"):
        lone = load(folder / "a.tfrecord-00001-of-00003")
    assert lone.train_size + lone.validation_size == 8


def test_the_images_may_be_their_own_targets(shards):
    images, targets = arrays(load(shards, targets="images", memory=0))
    np.testing.assert_array_equal(images, targets)
    with pytest.raises(ValueError, match="`targets` must be left out for TFRecord files"):
        load(shards, targets="masks")
    with pytest.raises(ValueError, match="`nested` must be left out for TFRecord files"):
        load(shards, nested=True)


def begin_of(path, count):
    """Where the record with this number begins in a file."""
    content, at = path.read_bytes(), 0
    for _ in range(count):
        at += struct.unpack("<Q", content[at : at + 8])[0] + 16
    return at


def spoil(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_broken_shards_are_named_before_training(shards):
    (shards / "index.json").unlink()
    paths = sorted(shards.glob("train*"))
    spoil(paths[0], begin_of(paths[0], 1) // 2)
    spoil(paths[1], begin_of(paths[1], 4))
    paths[2].write_bytes(paths[2].read_bytes()[:-9])
    with pytest.raises(ValueError, match="whole TFRecord shards.*3 bad") as caught:
        load(shards)
    assert "train-00000-of-00003.tfrecord, record at byte 0 (wrong check sum)" in str(caught.value)
    assert f"00001-of-00003.tfrecord, record at byte {begin_of(paths[1], 4)} (the length has" in str(caught.value)
    assert "00002-of-00003.tfrecord, record at byte" in str(caught.value) and "(cut short)" in str(caught.value)
    data = load(shards, skip_bad=True)
    assert data.train_size == 24 - 1 - 4 - 1 and len(data.report["skipped"]) == 3
    with pytest.raises(ValueError, match="whole TFRecord shards"):
        index_records(shards)
    assert index_records(shards, skip_bad=True) == 34
    same(arrays(load(shards, memory=0)), arrays(data))


def write(path, *messages):
    from kerascnn.data.record_writing import framed_message

    path.write_bytes(b"".join(map(framed_message, messages)))


def test_messages_without_image_or_label_are_named(tmp_path):
    png = (tmp_path / "a.png", Image.fromarray(X[0]))
    png[1].save(png[0])
    image = png[0].read_bytes()
    write(
        tmp_path / "a.tfrecord",
        example({"image": image, "label": 1}),
        example({"picture": image, "label": 1}),
        example({"image": image, "name": b"cat"}),
        example({"image": image, "label": 10**12}),
        example({"image": image, "label": -2}),
        example({"image": image[:60], "label": 1}),
        b"no message",
    )
    with pytest.raises(ValueError, match="6 bad") as caught:
        load(tmp_path)
    assert "(no image under 'image/encoded' or 'image' among ['label', 'picture'])" in str(caught.value)
    assert "(no label, an integer, under 'image/class/label' or 'label' among ['image', 'name'])" in str(caught.value)
    for label in (10**12, -2):
        assert f"(label {label} is no number of a class, from 0 on)" in str(caught.value)
    assert "(not a tf.train.Example)" in str(caught.value)


def test_shards_that_are_not_those_of_the_index_are_named(shards):
    path = shards / "train-00001-of-00003.tfrecord"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match=r"00001-of-00003.tfrecord \(\d+ bytes in the index, \d+ in the file\)"):
        load(shards)
    path.write_bytes(content)
    shutil.copy(path, shards / "train-00003-of-00003.tfrecord")
    with pytest.raises(ValueError, match=r"00003-of-00003.tfrecord \(no bytes in the index"):
        load(shards)
    (shards / "train-00003-of-00003.tfrecord").unlink()
    facts = json.loads((shards / "index.json").read_text())
    (shards / "index.json").write_text(json.dumps(facts | {"images": 3}))
    with pytest.raises(ValueError, match="`data` must have an index of its shards.*index_records"):
        load(shards)
    (shards / "index.json").write_text("{")
    with pytest.raises(ValueError, match="`data` must have a whole index"):
        load(shards)


def test_names_must_name_all_labels(shards):
    (shards / "labels.txt").write_text("a\nb\n")
    with pytest.raises(ValueError, match="`class_names` must name each label.*There is label 3"):
        load(shards)


def test_a_folder_with_something_in_it_is_not_written_to(photos, shards):
    with pytest.raises(ValueError, match="`folder` must be new or empty"):
        write_records(load(photos), shards)
    with pytest.raises(ValueError, match="be a folder on this machine with TFRecord shards"):
        index_records(photos)


def test_a_shard_that_goes_away_is_named(shards):
    data = load(shards, memory=0)
    for path in shards.glob("train-*"):
        path.write_bytes(b"")
    with pytest.raises(Exception, match="train-0000.*image at byte"):
        arrays(data)


def stored_in_memory(folder, url):
    fs, path = fsspec.core.url_to_fs(url)
    for file in folder.rglob("*"):
        if file.is_file():
            fs.pipe_file(f"{path}/{file.relative_to(folder).as_posix()}", file.read_bytes())
    return fs


@pytest.mark.backend
@pytest.mark.parametrize("memory", [0.25, 0])
def test_object_stores_give_what_the_disk_gives(photos, shards, memory):
    stored_in_memory(photos, "memory://bucket/photos")
    stored_in_memory(shards, "memory://bucket/shards")
    data = load(photos)
    for url in ("memory://bucket/photos", "memory://bucket/shards", "memory://bucket/shards/*.tfrecord"):
        found = load(url, memory=memory)
        assert found.report["in_memory"] == (memory > 0) and len(found.class_names) == 4
        for split in ("train", "validation", "test"):
            same(arrays(found, split), arrays(data, split))
    assert load("memory://bucket/photos").name == "photos"
    assert load("memory://bucket/photos").files("train")[0] == "/bucket/photos/train/class 0/00.png"


def test_urls_that_cannot_be_read_say_what_is_missing(monkeypatch):
    with pytest.raises(ValueError, match="`data` must be a URL whose protocol.*nowhere.*kerascnn.remote"):
        load("nowhere://bucket/photos")
    with pytest.raises(ValueError, match="be the URL of a folder with images, or of TFRecord files"):
        load("memory://bucket/none")
    with pytest.raises(ValueError, match="be a folder on this machine to read masks from"):
        load("memory://bucket/photos", targets="masks")
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ValueError, match="pip install 'kerascnn.remote.'"):
        load("memory://bucket/photos")


class Slow:
    """The tree of another place, whose reads take a while; it counts how many wait at a time."""

    def __init__(self, tree, seconds):
        self._tree, self._seconds = tree, seconds
        self.now = self.most = 0

    def read(self, *part):
        import time

        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(self._seconds)
        self.now -= 1
        return self._tree.read(*part)


@pytest.mark.parametrize("readers", [1, 8])
def test_a_batch_is_read_by_so_many_readers(shards, readers):
    from dataclasses import replace

    from kerascnn.data.record_index import stored
    from kerascnn.data.record_scan import find_shards

    index = stored(*find_shards(shards))
    slow = Slow(index.tree, 0.02)
    images, labels = Records(replace(index, tree=slow), (6, 7, 3), "stretch", readers).fetch(np.arange(40))
    assert slow.most == readers and images.shape == (40, 6, 7, 3)
    np.testing.assert_array_equal(labels, index.entries["label"])


def test_data_without_a_shard_to_train_on_are_refused(shards):
    with pytest.raises(ValueError, match="`data` must have shards with labels to train on.*test-00000"):
        load(str(shards / "test-*"))


@pytest.mark.slow
def test_on_jax_nothing_imports_tensorflow(photos, shards, python):
    code = """
import sys
from kerascnn.data import batches, load
for place in sys.argv[1:]:
    assert sum(len(labels) for _, labels in batches(load(place, memory=0), "train", 3)) == 24
assert "tensorflow" not in sys.modules
"""
    done = python("-c", code, photos, shards, KERAS_BACKEND="jax")
    assert not done.returncode, done.stderr
