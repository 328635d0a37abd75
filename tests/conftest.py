"""What every test starts from: the same seed, float32, pictures without a screen, no start-up notes of TensorFlow."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402

collect_ignore = ["losses/make_golden_metric.py"]  # needs torch; it was run once
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def fresh_start():
    """Seeds Keras, NumPy and Python before a test and takes back a precision that it has set."""
    import keras

    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def no_memory():
    """Variables have shapes and no values, so that the largest networks cost no memory and no time."""
    import keras

    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()


@pytest.fixture(scope="session")
def python():
    """Runs `python ARGUMENTS...` in a new process, from the repository's root: `python("-c", CODE, COLUMNS="80")`.

    Returns the subprocess.CompletedProcess with texts; a failing status is the test's to judge.
    """

    def run(*arguments, cwd=ROOT, timeout=300, **environment):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **environment}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def forked():
    """`forked(function, *arguments)` runs a function of a module in a process that has imported everything already.

    Returns the process. It is forked from one that only imports, so that it begins at once and can be killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kerascnn.tuning", "recipes.classify", "recipes.finetune"])

    def start(function, *arguments, **options):
        process = context.Process(target=function, args=arguments, kwargs=options)
        process.start()
        return process

    return start


@pytest.fixture(scope="session")
def kill():
    """`kill(epoch)` is a callback that raises KeyboardInterrupt in the second step of that epoch, counted from 0.

    Epochs are counted over all stages that it sees trained.
    """
    import keras

    class Kill(keras.callbacks.Callback):
        def __init__(self, epoch):
            super().__init__()
            self.left = epoch

        def on_epoch_begin(self, epoch, logs=None):
            self.left -= 1

        def on_train_batch_end(self, batch, logs=None):
            if self.left < 0 and batch == 1:
                raise KeyboardInterrupt

    return Kill


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB of its own, as a folder; its `read_only()` is its end for all writers."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*words):
        return subprocess.run(["mount", *words, folder], capture_output=True).returncode == 0

    if sys.platform != "linux" or not mount("-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        pytest.skip("mounting a file system needs Linux and root")
    yield Disk(folder, lambda: mount("-o", "remount,ro"))
    subprocess.run(["umount", "--lazy", folder], check=True)


class Disk:
    """What `small_disk` gives."""

    def __init__(self, folder, read_only):
        self.folder, self.read_only = folder, read_only

    def fill(self, leave=0):
        """Takes all room but `leave` bytes."""
        free = os.statvfs(self.folder)
        (self.folder / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize - leave))

    def free(self):
        """Gives it back."""
        (self.folder / "ballast").unlink()
