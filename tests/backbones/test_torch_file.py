"""Files made by torch 2.13 (make_golden.py) are read as torch reads them; whatever else a pickle names is refused."""

import copyreg
import hashlib
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kerascnn.backbones.torch_file import MAGIC, PROTOCOL, state_dict

FOLDER = Path(__file__).parent
BOTH = pytest.mark.parametrize("name", ["torch_zip.pth", "torch_legacy.pth"])
TABLE = np.arange(12, dtype="f4").reshape(3, 4)


def legacy(pickled, rest=b""):
    """A file in the old format around the bytes of its fourth pickle."""
    head = (MAGIC, PROTOCOL, {"little_endian": True})
    return b"".join(pickle.dumps(each, 2) for each in head) + pickled + rest


def zipped(pickled, compression=zipfile.ZIP_STORED, **entries):
    """A file in the new format around the bytes of its pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, data in entries.items():
            archive.writestr(f"archive/{name}", data)
    return file.getvalue()


def pickled_tensor(offset, shape, strides, size=6):
    """The pickle of {"weight": a tensor on the storage "0" of `size` float32}, as torch writes it but in protocol 0."""
    numbers = b"".join(pickle.dumps(value, 0)[:-1] for value in (offset, shape, strides))
    storage = b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI%d\ntQ" % size
    return b"(Vweight\nctorch._utils\n_rebuild_tensor_v2\n(" + storage + numbers + b"tRd."


def legacy_tensor(*view, numbers=6, size=6):
    data = np.arange(numbers, dtype="<f4").tobytes()
    return legacy(pickled_tensor(*view, size), pickle.dumps(["0"], 2) + numbers.to_bytes(8, "little") + data)


@pytest.fixture
def read(tmp_path):
    def from_bytes(data):
        (tmp_path / "file.pth").write_bytes(data)
        return state_dict(tmp_path / "file.pth")

    return from_bytes


class Evil:
    """Unpickled, it runs a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@BOTH
def test_tensors_as_torch_wrote_them(name):
    tensors = state_dict(FOLDER / name)
    expected = {"table": TABLE, "turned": TABLE.T, "part": np.array([2, 5, 8], "f4"), "number": np.array(7)}
    expected |= {"empty": np.zeros((0, 5), "f4"), "yes": np.array([True, False])}
    dtypes = ("float64", "float16", "int32", "int16", "int8", "uint8")
    expected |= {dtype: np.array([1, 2, 100], dtype) for dtype in dtypes}
    assert list(tensors) == list(expected)
    for key, value in expected.items():
        assert tensors[key].dtype == value.dtype
        np.testing.assert_array_equal(tensors[key], value)


@BOTH
def test_tensors_are_own_copies(name):
    tensors = state_dict(FOLDER / name)
    tensors["table"][:] = 0
    np.testing.assert_array_equal(tensors["turned"], TABLE.T)


@BOTH
def test_the_digest_is_checked(name):
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    assert "table" in state_dict(FOLDER / name, sha256=digest)
    with pytest.raises(ValueError, match=f"SHA-256 {digest[::-1]}, but it has {digest}"):
        state_dict(FOLDER / name, sha256=digest[::-1])


@pytest.mark.skipif(os.name != "posix", reason="os.system is nt.system elsewhere")
@pytest.mark.parametrize("wrap", [legacy, zipped])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_malicious_pickle_is_refused_and_nothing_runs(read, tmp_path, wrap, protocol):
    evil = pickle.dumps({"weight": Evil(f"touch {tmp_path / 'ran'}")}, protocol)
    with pytest.raises(ValueError, match=r"it names posix\.system"):
        read(wrap(evil))
    assert not (tmp_path / "ran").exists()
    pickle.loads(evil)
    assert (tmp_path / "ran").exists()  # so the file was one


@pytest.mark.skipif(os.name != "posix", reason="os.system is nt.system elsewhere")
@pytest.mark.parametrize("position", range(5))
def test_each_of_the_old_format_s_pickles_is_guarded(read, tmp_path, position):
    evil = pickle.dumps(Evil(f"touch {tmp_path / 'ran'}"), 2)
    pickles = [pickle.dumps(each, 2) for each in (MAGIC, PROTOCOL, {"little_endian": True})]
    pickles += [pickled_tensor(0, (6,), (1,)), pickle.dumps(["0"], 2)]
    with pytest.raises(ValueError, match=r"it names posix\.system"):
        read(b"".join([*pickles[:position], evil, *pickles[position + 1 :]]))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("pickled", "named"),
    [
        (b"cbuiltins\neval\n.", "builtins.eval"),
        (b"(Vprint(1)\nibuiltins\neval\n.", "builtins.eval"),  # the opcode INST
        (b"ctorch\nload\n.", "torch.load"),
        (b"ctorch._utils\n_rebuild_parameter\n.", "torch._utils._rebuild_parameter"),
        (b"ccollections\nabc\n.", "collections.abc"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93.", "collections.OrderedDict.fromkeys"),
        (b"cnumpy\nload\n.", "numpy.load"),
    ],
)
def test_every_other_name_is_refused(read, pickled, named):
    with pytest.raises(ValueError, match=rf"it names {named}\b"):
        read(legacy(pickled))


def test_names_behind_a_registered_code_are_refused(read):
    copyreg.add_extension("builtins", "eval", 200)
    try:
        with pytest.raises(ValueError, match="it names builtins.eval"):
            read(legacy(b"\x80\x02\x82\xc8."))  # the opcode EXT1
    finally:
        copyreg.remove_extension("builtins", "eval", 200)


def test_a_pickle_cannot_change_the_reader(read):
    state = pickle.dumps((None, {"__defaults__": (1, 2), "__name__": "changed"}), 2)[2:-1]
    with pytest.raises(ValueError, match="something else than tensors"):
        read(legacy(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + state + b"b."))  # the opcode BUILD
    np.testing.assert_array_equal(state_dict(FOLDER / "torch_legacy.pth")["table"], TABLE)


def test_a_view_inside_its_storage(read):
    weight = read(legacy_tensor(1, (2, 2), (2, 1)))["weight"]
    np.testing.assert_array_equal(weight, [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "view",
    [
        (0, (7,), (1,)),
        (5, (2,), (1,)),
        (0, (2, 3), (4, 1)),
        (-1, (2,), (1,)),
        (5, (2,), (-1,)),
        (0, (99999, 9999), (0, 0)),
    ],
)
def test_a_view_beyond_its_storage_is_refused(read, view):
    with pytest.raises(ValueError, match="a tensor reaches beyond its numbers"):
        read(legacy_tensor(*view))


@pytest.mark.parametrize("sizes", [{"numbers": 5}, {"size": 5}, {"size": 7}])
def test_a_storage_of_another_size_is_refused(read, sizes):
    with pytest.raises(ValueError, match="a tensor reaches beyond its numbers"):
        read(legacy_tensor(0, (2,), (1,), **sizes))


@pytest.mark.parametrize("value", [{"epoch": 3}, [1, 2], {1: 2}, "text"])
@pytest.mark.parametrize("wrap", [legacy, zipped])
def test_anything_but_tensors_by_name_is_refused(read, wrap, value):
    with pytest.raises(ValueError, match="it holds something else than tensors by name"):
        read(wrap(pickle.dumps(value, 2)))


@BOTH
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_part_of_a_file_is_refused(read, name, kept):
    data = (FOLDER / name).read_bytes()
    with pytest.raises(ValueError, match="`path` must be a torch file of tensors by name, whole"):
        read(data[: int(kept * len(data))])


def test_other_files_are_refused(read):
    with pytest.raises(ValueError, match="does not begin like a torch file"):
        read(legacy(b"}.").replace(pickle.dumps(PROTOCOL, 2), pickle.dumps(1002, 2)))
    with pytest.raises(ValueError, match="must be a torch file"):
        read(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ValueError, match="must be a torch file"):
        read(zipped(b"}.", **{"other/data.pkl": b"}."}))
    with pytest.raises(ValueError, match="byte order"):
        read(zipped(b"}.", byteorder=b"big"))


def test_an_archive_that_grows_is_refused(read):
    bomb = zipped(b"}.", zipfile.ZIP_DEFLATED, **{"data/0": bytes(10**6)})
    assert len(bomb) < 10**4
    with pytest.raises(ValueError, match="it is compressed"):
        read(bomb)


def test_an_absent_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        state_dict(tmp_path / "none.pth")
