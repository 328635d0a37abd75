"""A network saved under one backend answers the same under the others, and the parts train under each."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest

from kerascnn import backbones, models

PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
OTHERS = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed"))
    for name, package in PACKAGES.items()
    if name != keras.backend.backend()
]
SHAPE = (32, 32, 3)
NETWORKS = {
    "classes": lambda: models.build("resnet20", SHAPE, 10),
    "pixels": lambda: models.build_map("unet(filters=4, depth=2)", SHAPE, 3),
    "vectors": lambda: backbones.embedder("convnet(filters=(8, 16))", SHAPE, dimensions=8),
    "places": lambda: backbones.detector_on(models.build("resnet20", SHAPE, 2), SHAPE, 2, channels=8),
}
ANSWER = """
import sys
import numpy as np
from kerascnn import keras_file
import kerascnn.layers

for path in sys.argv[2:]:
    np.save(path + ".npy", keras_file.read(path).predict(np.load(sys.argv[1]), verbose=0))
"""
TRAIN = """
import sys
import numpy as np
from recipes import autoencode, classify, detect, embed, segment

rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (48, 32, 32, 3), "uint8"), np.arange(48) % 4
box = np.tile(np.array([[2, 3, 20, 25, 0]], "float32"), (48, 1, 1))
tiny = {"epochs": 1, "pictures": False, "verbose": 0}
losses = [
    classify((x, y), model="convnet(filters=(4, 8))", batch_size=8, **tiny),
    embed((x, y), model="convnet(filters=(4, 8))", classes_per_batch=2, images_per_class=2, validation=0.2, **tiny),
    segment((x, (x[..., 0] > 99).astype("uint8")), model="unet(filters=4, depth=2)", batch_size=8, **tiny),
    autoencode(x, kind="mlp", batch_size=8, **tiny),
    detect((x, box), backbone=None, weights=None, batch_size=8, **tiny),
    detect((x, box), backbone=None, weights=None, head="yolo", grid=4, batch_size=8, **tiny),
]
assert np.isfinite([result.history["loss"] for result in losses]).all()
third = {"tensorflow", "torch"} - {sys.argv[1]}  # JAX is imported by Keras itself, wherever it is installed
assert not third & {name.partition(".")[0] for name in sys.modules}, third
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Images, and of each network its file and its answer under this backend; statistics are not those of the start."""
    folder, rng = tmp_path_factory.mktemp("saved"), np.random.default_rng(0)
    images = rng.integers(0, 256, (3, *SHAPE), "uint8")
    np.save(folder / "images.npy", images)
    answers = {}
    for name, build in NETWORKS.items():
        model = build()
        for weight in model.non_trainable_variables:
            if "moving" in weight.path:
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        model.save(folder / f"{name}.keras")
        answers[name] = model.predict(images, verbose=0)
    return folder, answers


@pytest.mark.backend
@pytest.mark.parametrize("other", OTHERS)
def test_a_saved_network_answers_the_same_under_another_backend(other, saved, python):
    folder, answers = saved
    files = [folder / f"{name}.keras" for name in answers]
    done = python("-c", ANSWER, folder / "images.npy", *files, KERAS_BACKEND=other)
    assert done.returncode == 0, done.stderr[-2000:]
    for file, expected in zip(files, answers.values(), strict=True):
        np.testing.assert_allclose(np.load(f"{file}.npy"), expected, atol=1e-4, err_msg=file.name)


@pytest.mark.slow
@pytest.mark.parametrize("other", OTHERS)
def test_recipes_train_under_another_backend_without_importing_a_third(other, python):
    done = python("-c", TRAIN, other, KERAS_BACKEND=other, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
