"""Exchange of Keras' BatchNormalization and ours."""

import keras
import numpy as np
import pytest

from kerascnn.layers import BatchNormalization, fuse, unfuse

PLAIN = keras.layers.BatchNormalization
tensorflow_only = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the fused kernel is TensorFlow's")


def functional(kind=PLAIN):
    """Two outputs, a nested model called twice, a wrapped norm, an adapted Normalization, two dtypes, a frozen part."""
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), kind(name="inner_norm")], name="inner")
    inputs = keras.Input((5, 4), name="series")
    adapted = keras.layers.Normalization(name="adapted")
    adapted.adapt(np.arange(40.0).reshape(2, 5, 4))
    x = adapted(inputs)
    x = keras.layers.TimeDistributed(kind(), name="wrapped")(x)
    x = kind(momentum=0.7, dtype="mixed_bfloat16", name="norm")(x)
    left = keras.layers.Cropping1D((0, 4), name="left")(x)
    right = keras.layers.Cropping1D((4, 0), name="right")(x)
    first = inner(keras.layers.Reshape((4,), name="first")(left))
    second = inner(keras.layers.Reshape((4,), name="second")(right))
    model = keras.Model(inputs, {"sum": keras.layers.Add(name="sum")([first, second]), "first": first})
    model.get_layer("norm").trainable = False
    return randomized(model)


def sequential(kind=PLAIN):
    layers = [keras.Input((6, 6, 2)), keras.layers.Conv2D(3, 3), kind(name="norm"), keras.layers.Dropout(0.5)]
    return randomized(keras.Sequential(layers, name="line"))


def randomized(model):
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
    return model


def outputs(model):
    shape = (3, *model.input_shape[1:])
    results = model(np.random.default_rng(1).normal(size=shape).astype("float32"), training=False)
    return results if isinstance(results, dict) else {"output": results}


def assert_same(model, other):
    assert [layer.name for layer in model.layers] == [layer.name for layer in other.layers]
    assert model.name == other.name
    assert [weight.name for weight in model.trainable_weights] == [weight.name for weight in other.trainable_weights]
    for weight, same in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)
    expected = outputs(model)
    for name, value in outputs(other).items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.backend
@pytest.mark.parametrize("build", [functional, sequential])
def test_fuse_and_unfuse_keep_everything_else(build):
    model = build()
    fused = fuse(model)
    assert_same(fused, model)
    assert type(fused.get_layer("norm")) is BatchNormalization
    restored = unfuse(fused)
    assert_same(restored, model)
    assert type(restored.get_layer("norm")) is PLAIN
    assert restored.get_config() == model.get_config()


@pytest.mark.backend
def test_nested_and_wrapped_layers_are_exchanged():
    fused = fuse(functional())
    assert type(fused.get_layer("inner").get_layer("inner_norm")) is BatchNormalization
    assert type(fused.get_layer("wrapped").layer) is BatchNormalization
    norm = fused.get_layer("norm")
    assert (norm.momentum, norm.dtype_policy.name, norm.trainable) == (0.7, "mixed_bfloat16", False)
    assert fused.get_layer("inner").trainable


@pytest.mark.backend
def test_the_original_is_untouched_and_shares_no_weight():
    model = sequential()
    before = model.get_weights()
    fused = fuse(model)
    fused.set_weights([weight + 1 for weight in before])
    assert type(model.get_layer("norm")) is PLAIN
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.backend
def test_training_the_copy_leaves_the_original_as_it_is():
    """JAX deletes the arrays that a training step begins with: none of them may be the original's."""
    model = sequential()
    before, x = model.get_weights(), np.random.default_rng(0).normal(size=(8, *model.input_shape[1:])).astype("float32")
    fused = fuse(model)
    fused.compile("sgd", "mse")
    fused.train_on_batch(x, np.ones((8, *fused.output_shape[1:]), "float32"))
    assert any((new != old).any() for new, old in zip(fused.get_weights(), before, strict=True))
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.backend
def test_a_frozen_nested_model_stays_frozen_while_its_layers_keep_their_own_flags():
    model = functional()
    model.get_layer("inner").trainable = False
    model.get_layer("inner").get_layer("inner_norm").trainable = True
    inner = fuse(model).get_layer("inner")
    flags = [inner.trainable, *(layer.trainable for layer in inner.layers)]
    assert flags == [False, False, True]


@pytest.mark.backend
def test_the_copy_is_not_compiled_even_if_nothing_is_exchanged():
    model = sequential()
    model.compile("adam", "mse")
    copy = unfuse(model)
    assert copy is not model and not copy.compiled
    assert_same(model, copy)
    fused = fuse(model)
    assert fuse(fused) is fused


@pytest.mark.backend
def test_a_subclass_of_keras_layer_stays():
    class Own(PLAIN):
        pass

    model = keras.Sequential([keras.Input((3,)), Own(name="own"), PLAIN(name="norm")])
    fused = fuse(model)
    assert type(fused.get_layer("own")) is Own
    assert type(fused.get_layer("norm")) is BatchNormalization


@pytest.mark.backend
def test_subclassed_model_is_an_error_for_fuse_and_unchanged_by_unfuse():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm = BatchNormalization()

        def call(self, inputs):
            return self.norm(inputs)

    model = Own()
    with pytest.raises(ValueError, match=r"^`model` must be a Functional or Sequential model\. Received: model=<Own"):
        fuse(model)
    assert unfuse(model) is model


@tensorflow_only
def test_fused_model_trains_as_the_original():
    models = [sequential(), fuse(sequential())]
    images = np.random.default_rng(2).normal(size=(16, 6, 6, 2)).astype("float32")
    for model in models:
        model.layers[-1].rate = 0
        model.compile("sgd", "mse")
        model.fit(images, images[:, 1:-1, 1:-1, :1], batch_size=8, epochs=2, shuffle=False, verbose=0)
    for weight, fused in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(fused, weight, 1e-4, 1e-5)


LOAD = """
import sys
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
assert not any(name.startswith("kerascnn") for name in sys.modules)
"""


@pytest.mark.slow
def test_unfused_file_loads_without_kerascnn(tmp_path, python):
    model = sequential(BatchNormalization)
    unfuse(model).save(tmp_path / "model.keras")
    images = np.random.default_rng(1).normal(size=(3, 6, 6, 2)).astype("float32")
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "predictions.npy")]
    done = python("-c", LOAD, *paths)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(paths[2]), model.predict(images, verbose=0))
