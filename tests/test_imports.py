"""What is loaded when.

Keras itself loads matplotlib, cv2 and sklearn where it finds them, so the other parts are judged by who asks for them.
"""

from importlib.util import find_spec

import pytest

HEAVY = {"tensorflow_datasets", "matplotlib", "keras_tuner", "cv2", "sklearn"}
LOADED = "import sys, kerascnn; print(*{name.partition('.')[0] for name in sys.modules})"
ASKED = """
import importlib, importlib.abc, sys

class Witness(importlib.abc.MetaPathFinder):
    '''Prints "MODULE ASKER" for each module that is looked for; heavy ones are not found, so every asker is seen.'''

    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        print(name.partition(".")[0], frame.f_globals["__name__"])
        if name in HEAVY:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Witness())
for part in sys.argv[1:]:
    importlib.import_module(part)
"""
FREE = "layers blocks models backbones losses metrics schedules callbacks inspect"
BACKEND_FREE = [f"kerascnn.{part}" for part in FREE.split()]
ALL = [
    *BACKEND_FREE,
    "kerascnn.data",
    "kerascnn.augmentation",
    "kerascnn.training",
    "kerascnn.plots",
    "recipes.classify",
    "recipes.finetune",
]


def imports(python, *parts, **environment):
    """Pairs of an imported module and the module that asked for it."""
    done = python("-c", f"HEAVY = {HEAVY}\n{ASKED}", *parts, **environment)
    assert done.returncode == 0, done.stderr
    return {tuple(line.split()) for line in done.stdout.splitlines()}


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_import_kerascnn_is_light(python, backend):
    done = python("-c", LOADED, KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "kerascnn" in modules
    assert modules.isdisjoint({*HEAVY, "tensorflow", "keras"})


def test_errors_of_tensorflow_are_not_hidden(python):
    variable = "os.environ.pop('TF_CPP_MIN_LOG_LEVEL', None)"
    probe = f"import os; {variable}; import kerascnn; print({variable})"
    assert python("-c", probe).stdout.strip() == "2"  # 3 would hide them, too


def test_no_part_asks_for_a_heavy_package_when_it_is_imported(python):
    ours = {(name, asker) for name, asker in imports(python, *ALL) if asker.startswith(("kerascnn", "recipes"))}
    assert "keras" in {name for name, _ in ours}  # the witness sees who asks
    assert not {(name, asker) for name, asker in ours if name in HEAVY}


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is in the extras jax and dev, not in test")
def test_parts_come_without_tensorflow_on_jax(python):
    names = {name for name, _ in imports(python, *BACKEND_FREE, KERAS_BACKEND="jax")}
    assert "jax" in names
    assert "tensorflow" not in names


def test_the_list_of_recipes_needs_neither_keras_nor_tensorflow(python):
    probe = "import sys, recipes.__main__ as line; line.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = python("-c", probe)
    assert done.returncode == 0, done.stderr
    assert "classify" in done.stdout
    assert {"keras", "tensorflow", "kerascnn"}.isdisjoint(done.stderr.split())
