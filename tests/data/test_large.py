"""Sets larger than memory: what loading takes must hardly grow with the number of images."""

import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import load, read_image, sources, survey, write_records
from kerascnn.data.paths import Paths, names_below
from kerascnn.data.reading import Reading
from kerascnn.data.storage import files_below

FEW, MANY = 200, 1200


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of hard links of one image, in ten classes."""
    root = tmp_path_factory.mktemp("large")
    Image.new("RGB", (4, 4)).save(root / "one.png")
    for count in (FEW, MANY):
        for i in range(count):
            folder = root / f"{count}" / f"class{i % 10}"
            folder.mkdir(parents=True, exist_ok=True)
            os.link(root / "one.png", folder / f"image-of-a-usual-name-{i:07}.png")
    return [root / str(count) for count in (FEW, MANY)]


@pytest.fixture
def bytes_an_image(monkeypatch):
    """`bytes_an_image(places)`: what the peak of memory while loading grows by for each image more."""
    monkeypatch.setattr(survey, "CHUNK", 64)  # files that wait for the threads, which are as many for any larger set
    return grown


def grown(places):
    load(places[0], memory=0)  # what is imported and made once
    few, many = (min(peak(place) for _ in range(3)) for place in places)  # threads of other tests may still end
    return (many - few) / (MANY - FEW)


def peak(place):
    tracemalloc.start()
    try:
        load(place, memory=0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_folders(folders, bytes_an_image):
    assert bytes_an_image(folders) < 250  # Path objects alone took 600


def test_records(folders, tmp_path, bytes_an_image):
    places = [write_records(load(folder, memory=0), tmp_path / folder.name) for folder in folders]
    assert bytes_an_image(places) < 250


def test_files_are_read_by_so_many_readers(folders, monkeypatch):
    paths, waiting = files_below(folders[0]), []

    def slow(path, *options):
        waiting.append(path)
        most.append(len(waiting))
        time.sleep(0.02)
        waiting.remove(path)
        return read_image(path, *options)

    monkeypatch.setattr(sources, "read_image", slow)
    for readers in (1, 8):
        most = []
        files = sources.Files(paths, np.arange(FEW), (4, 4, 3), "stretch", Reading(Path, readers))
        images, labels = files.fetch(np.arange(40))
        assert max(most) == readers and images.shape == (40, 4, 4, 3) and np.array_equal(labels, np.arange(40))


def test_paths_are_those_of_the_files(tmp_path):
    names = ["a/z.png", "a/b/c.png", "ä/1.png", "a.png", "a-b/1.png"]
    for name in [*names, ".hidden/1.png", "a/.hidden.png", "a/Thumbs.db"]:
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    found = files_below(tmp_path)
    assert list(found) == sorted(tmp_path / name for name in names) == found[:]
    assert found[-1] == found[len(names) - 1] and found[1:3] == [found[1], found[2]]
    with pytest.raises(IndexError):
        found[5]
    below = files_below(tmp_path / "a")
    assert list(names_below(tmp_path, below)) == ["a/b/c.png", "a/z.png"]
    assert list(names_below(tmp_path, list(below))) == ["a/b/c.png", "a/z.png"]
    assert list(found.take([0, 3])) == [found[0], found[3]]


def test_paths_take_little(tmp_path):
    tracemalloc.start()
    paths = Paths(Path("/data/photos"), (f"class{i % 10}/image-{i:07}.png" for i in range(10_000)))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(paths) == 10_000 and taken < 10_000 * 50  # of which the name is 24
