import pytest

HEAVY = ("tensorflow_datasets", "matplotlib", "keras_tuner", "cv2", "sklearn")
LOADED = "import sys, kerascnn{more}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
PARTS = "".join(
    f", kerascnn.{part}" for part in ("layers", "blocks", "models", "losses", "metrics", "schedules", "callbacks")
)


def loaded(python, more="", **environment):
    done = python("-c", LOADED.format(more=more), **environment)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("more", ["", PARTS + ", kerascnn.data, kerascnn.training, kerascnn.plots"])
def test_import_is_light(python, more):
    modules = loaded(python, more)
    assert "keras" in modules  # the probe sees what is imported
    assert modules.isdisjoint(HEAVY)


def test_import_without_tensorflow_on_jax(python):
    modules = loaded(python, PARTS, KERAS_BACKEND="jax")
    assert "jax" in modules
    assert "tensorflow" not in modules
    assert modules.isdisjoint(HEAVY)


def test_the_list_of_recipes_needs_neither_keras_nor_tensorflow(python):
    probe = "import sys, recipes.__main__ as line; line.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = python("-c", probe)
    assert done.returncode == 0, done.stderr
    assert "classify" in done.stdout
    assert {"keras", "tensorflow", "kerascnn"}.isdisjoint(done.stderr.split())
