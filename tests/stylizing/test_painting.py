"""Descents and rounds on losses whose best image is known."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import inspect
from kerascnn.data import fit
from kerascnn.stylizing import Adam, Lbfgs, paint, painting, picture

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)
TARGET = RNG.uniform(-60, 315, (1, 12, 16, 3)).astype("float32")
NEAREST = TARGET.clip(0, 255)  # as values stay there
SCALES = (1 / (1 + np.arange(192) % 7)).reshape(1, 12, 16, 1).astype("float32")  # some directions are flatter


def gradient_at(number, target=TARGET):
    """Of how far an image is from a target, that of the last scale or its smaller copy, in three parts."""
    size = SIZES[number]
    wanted, scales = (ops.convert_to_tensor(fit(each[0], size)[None]) for each in (target, SCALES))

    def parts(images):
        error = ops.sum(scales * (images - wanted) ** 2) / 1e5
        return ops.stack([0.5 * error, 0.25 * error, 0.25 * error])[None]

    return inspect.compiled_gradient(parts)


SIZES = [(6, 8), (12, 16)]
START = np.full((12, 16, 3), 100, "uint8")


def test_lbfgs_comes_near_in_few_steps():
    told = []
    image = Lbfgs()(gradient_at(1), np.full(TARGET.shape, 100, "float32"), 30, lambda: told.append(1))
    assert np.abs(image - NEAREST).max() < 1 and image.dtype == np.float32
    assert 5 < len(told) <= 30


def test_adam_takes_steps_of_its_learning_rate():
    begun = np.full(TARGET.shape, 100, "float32")
    image = Adam(3.0)(gradient_at(1), begun, 1, lambda: None)
    np.testing.assert_allclose(image - begun, 3 * np.sign(TARGET - begun), rtol=1e-4)
    nearer = Adam(3.0)(gradient_at(1), begun, 60, lambda: None)
    assert np.abs(nearer - NEAREST).mean() < 0.3 * np.abs(begun - NEAREST).mean()
    assert nearer.min() >= 0 and nearer.max() <= 255


def test_rounds_go_from_coarse_to_fine_and_are_told(monkeypatch):
    monkeypatch.setattr(painting, "ROUND", 4)
    told, shown = [], []
    painted = paint(
        START, SIZES, gradient_at, steps=10, descent=Lbfgs(), tell=told.append,
        show=lambda image, step: shown.append((image.shape, step)),
    )  # fmt: skip
    assert painted.history["step"] == [4, 8, 10, 14, 18, 20] and painted.history["size"] == [8] * 3 + [16] * 3
    assert sum(told) == 20 and len(painted.seconds) == 6
    assert shown[2:4] == [((6, 8, 3), 10), ((12, 16, 3), 14)]
    losses = painted.history["loss"]
    assert losses[2] < losses[1] < losses[0] and losses[5] < losses[4] < losses[3]
    np.testing.assert_allclose(painted.history["content_loss"], np.divide(losses, 2), rtol=1e-5)


@pytest.mark.parametrize("descent", [Lbfgs, Adam])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_a_run_that_was_killed_ends_with_the_same_image(descent, after, tmp_path, monkeypatch):
    """Also between two sizes, after three rounds."""
    monkeypatch.setattr(painting, "ROUND", 4)
    options = {"steps": 10, "file": tmp_path / "state.npz"}
    whole = paint(START, SIZES, gradient_at, steps=10, descent=descent())

    def kill(_image, step):
        if step == whole.history["step"][after - 1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint(START, SIZES, gradient_at, descent=descent(), show=kill, **options)
    told = []
    resumed = paint(START, SIZES, gradient_at, descent=descent(), tell=told.append, **options)
    assert told[0] == whole.history["step"][after - 1] and sum(told) == 20
    assert resumed.history == whole.history
    np.testing.assert_array_equal(resumed.image, whole.image)
    again = paint(START, SIZES, gradient_at, descent=descent(), **options)  # killed after the last round
    np.testing.assert_array_equal(again.image, whole.image)


def test_losses_that_are_no_numbers_end_it():
    def broken(number):
        return inspect.compiled_gradient(lambda images: ops.sum(images) * ops.ones((1, 3)) * np.nan)

    with pytest.raises(ArithmeticError, match="The losses became"):
        paint(START, SIZES[:1], broken, steps=2, descent=Adam())


@pytest.mark.slow
def test_the_picture_is_the_weight_of_a_model_that_opens_without_us(tmp_path, python):
    image = RNG.uniform(0, 255, (3, 5, 3)).astype("float32")
    model = picture(image)
    np.testing.assert_array_equal(model.predict(np.zeros(1), verbose=0), image[None])
    model.save(tmp_path / "picture.keras")
    code = "import sys, keras, numpy as np; m = keras.saving.load_model(sys.argv[1]);"
    code += "print(m.predict(np.zeros(1), verbose=0).tolist(), 'kerascnn' in sys.modules)"
    done = python("-c", code, tmp_path / "picture.keras")
    assert done.stdout.strip() == f"{image[None].tolist()} False", done.stderr


def test_the_compiled_gradient_is_the_gradient():
    x = ops.convert_to_tensor(RNG.normal(size=(4, 3)).astype("float32"))

    def function(x):
        return ops.sum(ops.sin(x) * x, axis=0)

    values, slope = inspect.compiled_gradient(function)(x)
    np.testing.assert_allclose(values, function(x), rtol=1e-5)
    np.testing.assert_allclose(slope, inspect.gradient(lambda x: ops.sum(function(x)), x), rtol=1e-5)
    assert keras.ops.shape(slope) == (4, 3)
