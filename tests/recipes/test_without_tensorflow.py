"""On JAX nothing imports TensorFlow for arrays, folders and the sets that come with the project."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="jax is in the extras jax and dev, not in test")
BEGIN = """
import sys
import numpy as np
import kerascnn
import kerascnn.data as datasets

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (24, 32, 32, 3), "uint8"), np.arange(24) % 2
BOX = np.tile(np.array([[2, 3, 20, 25, 0]], "float32"), (24, 1, 1))
TINY = {"epochs": 1, "batch_size": 8, "verbose": 0}
"""
END = """
assert not {"tensorflow", "tensorflow_datasets"} & {name.partition(".")[0] for name in sys.modules}
"""
CLASSIFY = """
from pathlib import Path
from recipes.classify import classify

result = classify("digits", model="lenet5", image_size=32, save_to=sys.argv[1], **TINY)
again = kerascnn.load(sys.argv[1])
images = next(datasets.plain_batches(datasets.load("digits", image_size=32), "test", 8).as_numpy_iterator())[0]
assert (np.asarray(again.model(images)) == np.asarray(result.model(images))).all()
again.save(Path(sys.argv[1], "again"))
for number, image in enumerate(X):
    datasets.write_image(Path(sys.argv[1]) / "photos" / "ab"[number % 2] / f"{number}.png", image)
for memory in (0.25, 0.0):
    classify(datasets.load(Path(sys.argv[1], "photos"), memory=memory), model="lenet5", **TINY)
"""
OTHERS = {
    "finetune": "finetune((X, Y), head_epochs=1, weights=None, **TINY)",
    "segment": 'segment((X, (X[..., 0] > 99).astype("uint8")), model="unet(filters=4, depth=2)", **TINY)',
    "denoise": 'denoise(X, model="unet(filters=4, depth=2)", **TINY)',
    "localize": "localize((X, BOX), backbone=None, weights=None, **TINY)",
    "detect": "detect((X, BOX), weights=None, **TINY)",
    "embed": 'embed((X, Y), model="lenet5", validation=0.25, **TINY)',
    "autoencode": "autoencode(X, **TINY)",
    "stylize": "stylize(np.tile(X[0], (5, 5, 1)), np.tile(X[1], (5, 5, 1)), weights=None, steps=2, verbose=0)",
}


def ran(python, code, *arguments):
    done = python("-c", BEGIN + code + END, *arguments, KERAS_BACKEND="jax", timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_classify_save_and_load(python, tmp_path):
    ran(python, CLASSIFY, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", OTHERS)
def test_every_recipe(python, recipe):
    ran(python, f"from recipes.{recipe} import {recipe}\n{OTHERS[recipe]}\n")
