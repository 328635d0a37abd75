import json
import signal
import sys

import pytest

from kerascnn.files import write_atomically, write_text

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="resource limits and SIGKILL are POSIX")
OLD = "the old text"

FULL_DISK = """
import resource, sys
from kerascnn.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically(sys.argv[1], lambda file: [file.write(b"x" * 1000) for _ in range(100)])
except OSError as error:
    print("OSError", error.errno)
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
    assert done.stdout == "OSError 27\n", done.stderr  # EFBIG: the limit was reached half way
    assert path.read_text() == OLD
    assert names(path.parent) == ["state.json"]


@needs_posix
def test_a_kill_leaves_the_old_file_and_the_next_write_succeeds(path, python):
    assert python("-c", KILLED, path).returncode == -signal.SIGKILL
    assert path.read_text() == OLD
    write_text(path, "new")
    assert path.read_text() == "new"
    assert names(path.parent) == ["state.json"]
