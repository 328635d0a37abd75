import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data import Data, load, only_classes, plain_batches

OMNIGLOT = Path(__file__).parents[3] / "shared" / "data" / "omniglot" / "images_background_small1.zip"
DRAWN = {"Greek": ("alpha", "beta"), "Latin": ("a", "b", "c")}


def fill(root, drawings=4, groups=DRAWN):
    """Binary drawings, whose first pixels say which they are."""
    number = 0
    for group, names in groups.items():
        for name in names:
            folder = root / group / name
            folder.mkdir(parents=True)
            for i in range(drawings):
                pixels = np.array([int(bit) for bit in f"{number:08b}"], bool).reshape(2, 4)
                Image.fromarray(pixels).save(folder / f"{i:02}.png")
                number += 1
    return root


def zipped(folder, path, top=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, Path(top, file.relative_to(folder)))
        archive.writestr("__MACOSX/._x.png", b"x")
        archive.writestr(str(Path(top, ".DS_Store")), b"x")
    return path


def contents(data, split="train"):
    batches = plain_batches(data, split, 8).as_numpy_iterator()
    found = [each for batch in batches for each in zip(*batch, strict=True)]
    return sorted((int("".join(str(bit // 255) for bit in x.ravel()), 2), int(y)) for x, y in found)


@pytest.mark.parametrize("memory", [0.25, 0])
def test_classes_of_nested_folders_have_groups(tmp_path, memory):
    data = load(fill(tmp_path), nested=True, memory=memory, validation=0.25)
    assert data.class_names == ("Greek/alpha", "Greek/beta", "Latin/a", "Latin/b", "Latin/c")
    assert data.groups == (0, 0, 1, 1, 1) and data.class_counts == (3,) * 5 and data.image_shape == (2, 4, 1)
    assert sorted(contents(data) + contents(data, "validation")) == [(i, i // 4) for i in range(20)]
    for file, label in zip(data.files("train"), data.labels("train"), strict=True):
        assert Path(file).relative_to(tmp_path).parent.as_posix() == data.class_names[label]


def test_without_nested_the_first_folders_stay_the_classes(tmp_path):
    data = load(fill(tmp_path))
    assert data.class_names == ("Greek", "Latin") and data.groups == ()


def test_nested_folders_may_be_under_splits(tmp_path):
    fill(tmp_path / "train"), fill(tmp_path / "val", 1, {"Latin": ("b",)})
    data = load(tmp_path, nested=True)
    assert (data.train_size, data.validation_size, data.groups) == (20, 1, (0, 0, 1, 1, 1))
    assert contents(data, "validation") == [(0, 3)]
    fill(tmp_path / "test", 1, {"Latin": ("z",)})
    with pytest.raises(ValueError, match="`data` must have the classes of train in test.*z"):
        load(tmp_path, nested=True)


def test_nested_is_said_where_it_means_nothing(tmp_path):
    (tmp_path / "flat").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "flat" / "x.png")
    with pytest.raises(ValueError, match=r"`data` must have class folders in each folder of a group.*\['flat'\]"):
        load(tmp_path, nested=True)
    with pytest.raises(ValueError, match="`nested` must be False unless a folder or .zip file is read"):
        load("digits", nested=True)
    with pytest.raises(ValueError, match="`nested` must be False unless class folders are read"):
        load(tmp_path, nested=True, targets="masks")


@pytest.mark.parametrize("top", ["", "images"])
def test_a_zip_is_as_good_as_its_folder(tmp_path, top):
    folder = fill(tmp_path / "drawings")
    path = zipped(folder, tmp_path / "all.zip", top)
    for nested in (True, False):
        ours, theirs = load(path, nested=nested), load(folder, nested=nested)
        assert (ours.class_names, ours.groups, ours.image_shape) == (theirs.class_names, theirs.groups, (2, 4, 1))
        assert contents(ours) == contents(theirs) and contents(ours, "validation") == contents(theirs, "validation")
    assert load(str(path)).files("train")[0] == str(path / top / "Greek/alpha/00.png")
    assert sorted(child.name for child in tmp_path.iterdir()) == ["all.zip", "drawings"]


def test_one_group_alone_in_a_zip_stays_a_group(tmp_path):
    path = zipped(fill(tmp_path / "x", groups={"Greek": ("alpha", "beta")}), tmp_path / "one.zip")
    assert load(path, nested=True).class_names == ("Greek/alpha", "Greek/beta")
    assert load(path).class_names == ("alpha", "beta")


@pytest.mark.parametrize("name", ["../a/x.png", "/a/x.png", "a/../../x.png", "C:\\a\\x.png", "..\\a\\x.png"])
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ValueError, match="`data` must hold no file whose name leads out of it"):
        load(tmp_path / "bad.zip")


def test_what_is_wrong_with_a_zip_is_said(tmp_path):
    path = zipped(fill(tmp_path / "x"), tmp_path / "x.zip")
    with pytest.raises(ValueError, match="hold images that take 0% of the free memory at most.*160 bytes.*Unpack it"):
        load(path, memory=0)
    with pytest.raises(ValueError, match="`data` must be a folder to read masks from.*Unpack it"):
        load(path, targets="masks")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("Greek/alpha/broken.png", b"no image")
    with pytest.raises(ValueError, match=r"1 bad files in .*: Greek/alpha/broken.png \(not an image\)"):
        load(path)
    assert load(path, skip_bad=True).report["skipped"] == ["Greek/alpha/broken.png: not an image"]
    (tmp_path / "no.zip").write_text("text")
    with pytest.raises(ValueError, match="`data` must be a folder or a whole .zip file"):
        load(tmp_path / "no.zip")
    with pytest.raises(ValueError, match="`data` must be an existing folder, the .zip file of one.*none.zip"):
        load("none.zip")


def test_images_of_a_zip_may_be_without_labels(tmp_path):
    data = load(zipped(fill(tmp_path / "x"), tmp_path / "x.zip"), targets="images")
    assert data.train_size + data.validation_size == 20 and data.groups == () and data.class_names == ()


@pytest.mark.skipif(not OMNIGLOT.is_file(), reason="the Omniglot minimal sets are not here")
@pytest.mark.filterwarnings("ignore:With validation=0")
def test_omniglot_is_read_from_its_zip():
    data = load(OMNIGLOT, nested=True, validation=0)
    assert (data.classes, data.train_size, data.image_shape) == (136, 2720, (105, 105, 1))
    assert np.bincount(data.groups).tolist() == [24, 22, 24, 40, 26]
    assert data.class_names[0] == "Balinese/character01" and set(data.class_counts) == {20}
    images, _ = next(plain_batches(data, "train", 64).as_numpy_iterator())
    assert set(np.unique(images)) == {0, 255} and 0.9 < (images == 255).mean() < 0.99  # black on white
    assert data.files("train")[1].endswith("Balinese/character01/0108_02.png")


@pytest.mark.parametrize("memory", [0.25, 0])
def test_only_some_classes(tmp_path, memory):
    whole = load(fill(tmp_path), nested=True, memory=memory, validation=0.25)
    data = only_classes(whole, ["Latin/c", 0])
    assert data.class_names == ("Latin/c", "Greek/alpha") and data.groups == (1, 0)
    assert (data.train_size, data.validation_size, data.class_counts) == (6, 2, (3, 3))
    seen = contents(data) + contents(data, "validation")
    assert sorted(seen) == [(i, 1) for i in range(4)] + [(i, 0) for i in range(16, 20)]
    assert contents(data) == [(i, {4: 0, 0: 1}[y]) for i, y in contents(whole) if y in (4, 0)]
    for file, label in zip(data.files("train"), data.labels("train"), strict=True):
        assert Path(file).parent.name == ("c", "alpha")[label]
    again = only_classes(data, ["Greek"])
    assert again.class_names == ("Greek/alpha",) and again.groups == (0,) and again.train_size == 3
    assert only_classes(whole, ["Greek"]).class_names == ("Greek/alpha", "Greek/beta")


def test_only_some_classes_of_a_stream():
    x = np.arange(12, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 1), np.uint8)
    whole = load(((x, np.arange(12) % 3), (x[:6], np.arange(6) % 3)))
    stream = Data(whole.train, whole.validation, class_names=("a", "b", "c"))
    data = only_classes(stream, ["c", "a"])
    assert (data.train_size, data.validation_size, data.class_counts) == (8, 4, (4, 4))
    found = [(int(x[0, 0, 0]), int(y)) for x, y in data.train.as_numpy_iterator()]
    assert found == [(i, int(i % 3 == 0)) for i in range(12) if i % 3 != 1]


def test_what_is_no_class_is_said():
    x = np.zeros((6, 4, 4, 1), np.uint8)
    data = load(((x, [0, 1, 2] * 2), (x[:1], [0])), class_names=("ant", "bee", "cat"))
    with pytest.raises(ValueError, match="`classes` must be names or indices.*classes='bees'. Did you mean 'bee'"):
        only_classes(data, ["bees"])
    with pytest.raises(ValueError, match="`classes` must be names or indices of classes.*Received: classes=3"):
        only_classes(data, [3])
    with pytest.raises(ValueError, match="`classes` must be one class or more, each once"):
        only_classes(data, [0, "ant"])
    with pytest.raises(ValueError, match=r"have an example in the validation split.*classes=\['bee', 'cat'\]"):
        only_classes(data, [1, 2])
    with pytest.raises(ValueError, match="`data` must be read from class folders, to have files"):
        data.files("train")
    with pytest.raises(ValueError, match="`groups` and `class_names`"):
        Data(data.train, data.validation, class_names=("a", "b", "c"), groups=(0, 1))


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/x.png", "w") as file:
        for _ in range(257):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    rule = r"`data` must hold no file that would fill the memory, such as 'a/x.png', which grows from .* to 269,484,032"
    with pytest.raises(ValueError, match=rule):
        load(path)


def test_links_in_an_archive_lead_nowhere_and_names_may_be_empty(tmp_path):
    path = zipped(fill(tmp_path / "x"), tmp_path / "x.zip")
    link = zipfile.ZipInfo("Greek/alpha/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, str(tmp_path / "x" / "Greek" / "alpha" / "00.png"))
        archive.writestr(zipfile.ZipInfo("."), b"")
    assert load(path, skip_bad=True).report["skipped"] == ["Greek/alpha/link.png: not an image"]
