import threading
import time
import weakref
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from kerascnn.data import batches, load, plain_batches, stepping, survey
from kerascnn.data.sources import Files


def fill(folder, count=4, value=0, size=(8, 10), mode="RGB"):
    """Images of one colour: `value` + their number."""
    folder.mkdir(parents=True)
    for i in range(count):
        colour = value + i if mode == "L" else (value + i,) * 3
        Image.new(mode, size[::-1], colour).save(folder / f"{i:03}.png")


@pytest.fixture
def pets(tmp_path):
    fill(tmp_path / "cat", value=10)
    fill(tmp_path / "dog", value=50)
    return tmp_path


def values(dataset):
    return [(int(x[0, 0, 0]), int(y)) for xs, ys in dataset.as_numpy_iterator() for x, y in zip(xs, ys, strict=True)]


@pytest.mark.parametrize("memory", [0.25, 0])
def test_class_folders_are_read_and_split(pets, memory):
    data = load(pets, memory=memory)
    assert data.class_names == ("cat", "dog") and data.image_shape == (8, 10, 3) and data.test is None
    assert (data.train_size, data.validation_size, data.class_counts) == (6, 2, (3, 3))
    assert data.report["in_memory"] == (memory > 0) and data.report["resize"] is None and data.report["skipped"] == []
    seen = values(plain_batches(data, "train", 4)) + values(plain_batches(data, "validation", 4))
    assert sorted(seen) == [(10 + i, 0) for i in range(4)] + [(50 + i, 1) for i in range(4)]


def test_streaming_gives_the_very_batches_of_memory(pets):
    def seen(memory):
        return values(batches(load(pets, memory=memory, image_size=5), "train", 2, seed=3, epochs=(0, 3)))

    assert seen(0) == seen(0.25) and len(set(seen(0))) == 6


def test_split_folders_are_taken_as_they_are(tmp_path):
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        fill(tmp_path / split / "a", count)
        fill(tmp_path / split / "b", count)
    data = load(str(tmp_path))
    assert (data.train_size, data.validation_size, data.test_size) == (6, 4, 2)
    assert data.class_names == ("a", "b")


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "bus")
    assert load(tmp_path).class_names == ("bus", "train")


@pytest.mark.parametrize("stray", ["annotations", "valid"])
def test_a_folder_beside_train_that_is_no_split_does_not_become_a_class(tmp_path, stray):
    for split in ("train", "val", stray):
        fill(tmp_path / split / "a", 2)
    with pytest.raises(ValueError, match=f"`data` must have one folder of class folders for each split.*'{stray}'"):
        load(tmp_path)


def test_a_test_folder_without_classes_does_not_become_a_class(tmp_path):
    fill(tmp_path / "train" / "a")
    fill(tmp_path / "test")
    with pytest.raises(ValueError, match=r"Received: data=\['test', 'train'\]. Move the others out of"):
        load(tmp_path)


def test_validation_comes_out_of_train_and_never_of_test(tmp_path):
    for split in ("training", "testing"):
        fill(tmp_path / split / "a", 5)
        fill(tmp_path / split / "b", 5)
    data = load(tmp_path, validation=0.2)
    assert (data.train_size, data.validation_size, data.test_size) == (8, 2, 10)


def test_deeper_folders_count_and_stray_system_files_do_not(pets):
    fill(pets / "dog" / "more", 3)
    (pets / "dog" / "Thumbs.db").write_bytes(b"x")
    (pets / "cat" / ".DS_Store").write_bytes(b"x")
    (pets / "README.md").write_text("x")
    fill(pets / "dog" / ".ipynb_checkpoints")
    fill(pets / "dog" / "more" / ".hidden" / "deeper")
    data = load(pets)
    assert data.train_size + data.validation_size == 11


def test_mixed_sizes_get_their_median_and_grey_stays_grey(tmp_path):
    fill(tmp_path / "a", 4, size=(20, 30), mode="L")
    fill(tmp_path / "b", 3, size=(40, 50), mode="L")
    data = load(tmp_path)
    assert data.image_shape == (24, 32, 1)  # the medians are 20 and 30
    assert data.report["resize"] == "stretch" and data.report["resized"] == 7
    assert load(tmp_path, color="rgb", image_size=16).image_shape == (16, 16, 3)


def test_one_colour_image_makes_all_rgb(pets):
    fill(pets / "grey", mode="L")
    assert load(pets).image_shape[-1] == 3
    assert load(pets, color="grey").image_shape[-1] == 1


def spoil(pets, count=1):
    for i in range(count):
        (pets / "cat" / f"bad{i:02}.jpg").write_text("no image")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    path = pets / "dog" / "cut.png"
    Image.fromarray(noise).resize((10, 8)).save(path)
    path.write_bytes(path.read_bytes()[:150])


@pytest.mark.parametrize("memory", [0.25, 0])
def test_all_bad_files_are_named_in_one_error(pets, memory):
    spoil(pets)
    with pytest.raises(ValueError, match=r"2 bad files in .*cat/bad00.jpg \(not an image\), dog/cut.png \(.+\). Mend"):
        load(pets, memory=memory)


def test_twenty_bad_files_are_named_and_the_rest_counted(pets):
    spoil(pets, 22)
    with pytest.raises(ValueError, match="23 bad files.*bad19.jpg.* and 3 more") as caught:
        load(pets)
    assert "bad20" not in str(caught.value)


@pytest.mark.parametrize("memory", [0.25, 0])
def test_skip_bad_trains_on_the_rest_and_lists_them(pets, memory):
    spoil(pets)
    data = load(pets, skip_bad=True, memory=memory)
    assert data.train_size + data.validation_size == 8
    assert [line.split(":")[0] for line in data.report["skipped"]] == ["cat/bad00.jpg", "dog/cut.png"]
    assert len(values(plain_batches(data, "train", 3))) == 6


def test_nothing_but_bad_files_is_an_error_even_so(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_text("x")
    with pytest.raises(ValueError, match="1 bad files"):
        load(tmp_path, skip_bad=True)


def test_layouts_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="`data` must be a folder of class folders.*sub-folder of images"):
        load(tmp_path)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="`data` must be a folder of class folders"):
        load(tmp_path)
    fill(tmp_path / "cat")
    (tmp_path / "dog").mkdir()
    with pytest.raises(ValueError, match="have images in each class folder. Received: data='.*dog'"):
        load(tmp_path)
    with pytest.raises(ValueError, match="`data` must be an existing folder.*The working folder is"):
        load(tmp_path / "none")
    with pytest.raises(ValueError, match="`data` must be an existing folder"):
        load(str(tmp_path / "cat" / "000.png"))


def test_validation_has_no_class_of_its_own(tmp_path):
    fill(tmp_path / "train" / "cat")
    fill(tmp_path / "val" / "dog")
    with pytest.raises(ValueError, match="have the classes of train in validation.*dog"):
        load(tmp_path)


def test_one_class_and_single_images_warn(tmp_path):
    fill(tmp_path / "cat")
    with pytest.warns(UserWarning, match="one class only, 'cat'"):
        load(tmp_path)
    fill(tmp_path / "dog", 1)
    with pytest.warns(UserWarning, match="1 of 2 classes with one training image only: 'dog'"):
        assert load(tmp_path).report["warnings"]


def test_streaming_reads_a_file_when_its_batch_is_made_and_keeps_none(pets, monkeypatch):
    read = []
    original = Files.fetch
    monkeypatch.setattr(Files, "fetch", lambda self, i: (read.extend(i.tolist()), original(self, i))[1])
    iterator = iter(batches(load(pets, memory=0), "train", 2, epochs=(0, 100)))
    for _ in range(10):
        next(iterator)
    assert 20 <= len(read) <= 20 + 2 * 40  # what is ahead is a few batches, not the 300 of the epochs


class Live:
    """How many bytes of the arrays that passed through are alive, and were at most."""

    def __init__(self):
        self.now = self.most = self.ever = 0
        self._lock = threading.Lock()

    def add(self, array):
        self._count(array.nbytes)
        weakref.finalize(array, self._count, -array.nbytes)
        return array

    def _count(self, size):
        with self._lock:
            self.now, self.ever = self.now + size, self.ever + max(size, 0)
            self.most = max(self.most, self.now)


def test_streamed_training_holds_a_few_batches_however_long_it_is(tmp_path, monkeypatch):
    fill(tmp_path / "cat", 20, size=(32, 32))
    fill(tmp_path / "dog", 20, size=(32, 32))
    checked, batch = Live(), Live()
    monkeypatch.setattr(survey, "read_image", lambda *a, read=survey.read_image: checked.add(read(*a).copy()))
    data = load(tmp_path, memory=0, validation=0.05)
    image = 32 * 32 * 3
    assert checked.ever == 40 * image and checked.most <= 32 * image  # one a thread

    monkeypatch.setattr(stepping, "WORKERS", 2)

    def fetch(self, indices, fetch=Files.fetch):
        images, labels = fetch(self, indices)
        return batch.add(images), labels

    monkeypatch.setattr(Files, "fetch", fetch)
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batches(data, "train", 2, epochs=(0, 20)), shuffle=False, verbose=0)
    assert batch.ever >= 20 * 38 * image
    assert batch.most <= 30 * 2 * image < batch.ever / 5


def test_files_are_handed_to_the_threads_a_few_at_a_time(monkeypatch):
    waiting = []

    class Pool(survey.ThreadPoolExecutor):
        def submit(self, *arguments):
            waiting.append(self._work_queue.qsize())
            return super().submit(*arguments)

    def slow(path):
        time.sleep(2e-4)
        if path.name == "777":
            raise OSError("broken")
        return int(path.name), 1, 1

    monkeypatch.setattr(survey, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(survey, "header", slow)
    monkeypatch.setattr(survey, "CHUNK", 50)
    found, bad = survey.headers([Path(str(i)) for i in range(1020)])
    assert len(waiting) == 1020 and max(waiting) < 50
    assert bad == {Path("777"): "broken"} and (np.delete(found[:, 0] - np.arange(1020), 777) == 0).all()


def test_a_file_that_goes_away_is_named(pets):
    data = load(pets, memory=0)
    (pets / "cat" / "000.png").unlink()
    with pytest.raises(Exception, match="000.png.*No such file"):
        list(plain_batches(data, "train", 8)) + list(plain_batches(data, "validation", 8))
