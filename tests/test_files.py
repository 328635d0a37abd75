import errno
import json
import signal
import sys

import pytest

from kerascnn.files import PARTIAL, check_writable, lock, refused, save_atomically, write_atomically, write_text

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="resource limits and SIGKILL are POSIX")
OLD = "the old text"

FULL_DISK = """
import resource, sys, zipfile
from kerascnn.files import write_atomically
def write(file):
    with zipfile.ZipFile(file, "w") as archive:  # as np.savez and Keras write
        archive.writestr("one", "x" * 100_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically(sys.argv[1], write)
except OSError as error:
    print(error)
"""
KILLED = """
import os, signal, sys
from kerascnn.files import write_atomically
def write(file):
    file.write(b"half of the new")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(sys.argv[1], write)
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "state.json"
    file.write_text(OLD)
    return file


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_writes_the_bytes_and_makes_the_folder(tmp_path):
    path = tmp_path / "new" / "deep" / "file.bin"
    write_atomically(path, lambda file: file.write(b"\x00\xff"))
    assert path.read_bytes() == b"\x00\xff"
    assert names(path.parent) == ["file.bin"]


def test_replaces_an_old_file(path):
    write_text(path, "größer")
    assert path.read_bytes() == "größer".encode()
    assert names(path.parent) == ["state.json"]


def test_the_old_file_is_there_until_the_new_one_is_whole(path):
    def write(file):
        file.write(b"half")
        file.flush()
        assert path.read_text() == OLD

    write_atomically(path, write)
    assert path.read_text() == "half"


def test_a_failing_writer_leaves_the_old_file_and_no_rest(path):
    with pytest.raises(TypeError):
        write_atomically(path, lambda file: file.write(b"half") and json.dumps(object()))
    assert path.read_text() == OLD
    assert names(path.parent) == ["state.json"]


@needs_posix
def test_a_full_disk_leaves_the_old_file_and_no_rest(path, python):
    done = python("-c", FULL_DISK, path)
    assert done.stdout == (  # EFBIG: the limit was reached half way
        "[Errno 27] No room for state.json (File too large); the state.json from before is kept. Free some space, then "
        f"make the same call again: a training goes on after the last epoch that was saved: {str(path)!r}\n"
    ), done.stderr
    assert path.read_text() == OLD
    assert names(path.parent) == ["state.json"]


def test_a_full_disk_without_an_old_file_says_so(tmp_path):
    def write(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No room for new.json .*; nothing that was there before is lost. Free some") as e:
        write_atomically(tmp_path / "new.json", write)
    assert e.value.errno == errno.ENOSPC and names(tmp_path) == []


def test_another_fault_of_the_file_system_keeps_its_own_words(tmp_path):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OSError) as raised:
        write_text(tmp_path / "folder.json", "new")
    assert "No room" not in str(raised.value)


def test_a_saver_gets_a_path_with_the_same_suffix(path):
    seen = []

    def save(temporary):
        seen.append(temporary.name)
        temporary.write_text("new")
        assert path.read_text() == OLD

    save_atomically(path, save)
    assert seen == [".state.partial.json"]
    assert path.read_text() == "new" and names(path.parent) == ["state.json"]


@needs_posix
def test_a_kill_leaves_the_old_file_and_the_next_write_succeeds(path, python):
    assert python("-c", KILLED, path).returncode == -signal.SIGKILL
    assert path.read_text() == OLD
    assert [rest.name for rest in path.parent.glob(PARTIAL)] == [".state.partial.json"]
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(path.parent) == ["state.json"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        PermissionError(errno.EACCES, "no"),
        RuntimeError("Can't write data (errno = 28, error message = 'No space left on device')"),
    ],
)
def test_the_cause_is_found_behind_what_it_has_led_to(error):
    try:
        try:
            raise error
        finally:
            raise ValueError("Can't close the ZIP file while there is an open writing handle on it.")
    except ValueError as other:
        assert refused(other).errno == getattr(error, "errno", errno.ENOSPC)
    assert refused(OSError(errno.ENOENT, "missing")) is None and refused(KeyError("x")) is None


def test_a_real_full_disk_leaves_the_old_file_and_no_rest(small_disk):
    path = small_disk.folder / "state.bin"
    write_text(path, OLD)
    small_disk.fill(leave=4096)
    with pytest.raises(OSError, match="No room for state.bin .*; the state.bin from before is kept"):
        write_atomically(path, lambda file: file.write(bytes(20_000)))
    assert path.read_text() == OLD and names(small_disk.folder) == ["ballast", "state.bin"]
    small_disk.free()
    write_text(path, "new")
    assert path.read_text() == "new"


def test_a_read_only_place_is_named_and_found_before_any_work(small_disk):
    path = small_disk.folder / "run" / "state.bin"
    write_text(path, OLD)
    check_writable("to", small_disk.folder / "other" / "deep")
    assert not (small_disk.folder / "other").exists()
    assert small_disk.read_only()
    with pytest.raises(OSError, match="state.bin cannot be written .Read-only file system.; nothing that was there"):
        write_text(path, "new")
    with pytest.raises(OSError, match="new.bin cannot be written .Read-only"):
        write_text(small_disk.folder / "other" / "new.bin", "new")
    with pytest.raises(
        OSError, match="`to` must be a place that can be written .Read-only file system.. Received: to="
    ):
        check_writable("to", small_disk.folder / "other" / "deep")
    assert path.read_text() == OLD


def test_no_room_for_a_page_is_found_before_any_work(small_disk):
    small_disk.fill()
    with pytest.raises(
        OSError, match=r"`to` must be a place that can be written \(No space left on device\).*Free some"
    ):
        check_writable("to", small_disk.folder)


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with (tmp_path / "file").open("wb") as file, pytest.warns(UserWarning, match="no locks .*no two processes work"):
        assert not lock(file)
