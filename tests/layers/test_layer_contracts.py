"""What every layer of kerascnn must do."""

import inspect
import itertools

import keras
import numpy as np
import pytest

from kerascnn import layers

# Each argument of each layer with a value that is not its default, and an input shape, or a list of several.
LAYERS = {
    layers.BatchNormalization: (
        (4, 4, 4),
        {
            "axis": 1,
            "momentum": 0.5,
            "epsilon": 0.01,
            "center": False,
            "scale": False,
            "beta_initializer": "ones",
            "gamma_initializer": "zeros",
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": "zeros",
            "beta_regularizer": "l1",
            "gamma_regularizer": "l2",
            "beta_constraint": "non_neg",
            "gamma_constraint": "unit_norm",
            "renorm": True,
            "renorm_clipping": {"rmax": 3.0},
            "renorm_momentum": 0.9,
            "synchronized": True,
        },
    ),
    layers.CellBoxes: ((3, 5, 4), {"stride": 8}),
    layers.ClassCentres: ((5,), {"classes": 3}),
    layers.CropToReference: ([(5, 6, 3), (3, 2, 1)], {"place": "start"}),
    layers.Distance: ([(5,), (5,)], {"distance": "cosine"}),
    layers.DropPath: ((4, 4, 3), {"rate": 0.25, "seed": 7}),
    layers.FixedConv2D: ((6, 6, 3), {"kernel": [[1.0, 2.0], [3.0, 4.0]], "strides": 2, "padding": "reflect"}),
    layers.LayerScale: ((4, 4, 3), {"init_value": 0.5}),
    layers.GaussianCode: ([(4,), (4,)], {"beta": 0.5, "seed": 7}),
    layers.Letterbox: ((5, 8, 3), {"height": 7, "width": 6, "resize": "stretch"}),
    layers.LearntThreshold: ((), {"threshold": 0.5, "sharpness": 3.0}),
    layers.LpPooling2D: ((6, 6, 3), {"pool_size": (3, 2), "p": float("inf"), "strides": (2, 1), "padding": "same"}),
    layers.MinPooling2D: (
        (6, 6, 3),
        {"pool_size": (3, 2), "strides": (2, 1), "padding": "same", "data_format": "channels_first"},
    ),
    layers.PadToMultiple: ((5, 6, 3), {"multiple": 4}),
    layers.SparseCode: ((6,), {"weight": 0.5, "active": 0.3}),
    layers.Tied: ((5,), {"units": 3}),
}
TENSORFLOW_ONLY = {"synchronized"}
every_layer = pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)


def arguments(kind):
    known = LAYERS[kind][1]
    return known if keras.backend.backend() == "tensorflow" else {k: known[k] for k in known.keys() - TENSORFLOW_ONLY}


def of_each(shape, make):
    """What `make` makes of a shape, or of each in a list."""
    return [make(each) for each in shape] if isinstance(shape, list) else make(shape)


def required(kind):
    """The arguments without a default."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return {name: LAYERS[kind][1][name] for name in needed if name != "self"}


def check_config(kind, values, defaults):
    """Every argument must arrive in the config, and in the config of the layer made from it."""
    config = kind(**values).get_config()
    plain = kind(**defaults).get_config()
    for name, value in values.items():
        assert name in config, f"{kind.__name__}.get_config() forgets {name}"
        assert name in defaults or config[name] != plain[name], f"{name}={value!r} is the default: choose another"
    assert kind.from_config(config).get_config() == config


@pytest.mark.backend
def test_every_layer_is_listed_exported_and_registered():
    exported = {kind for kind in vars(layers).values() if isinstance(kind, type) and issubclass(kind, keras.Layer)}
    assert exported == set(LAYERS)
    for kind in exported:
        assert keras.saving.get_registered_name(kind) == f"kerascnn>{kind.__name__}"


@pytest.mark.backend
@every_layer
def test_every_argument_has_a_value_that_is_not_the_default(kind):
    parameters = inspect.signature(kind.__init__).parameters
    assert set(LAYERS[kind][1]) == set(parameters) - {"self", "name", "kwargs"}
    assert "kwargs" in parameters, "Keras passes name and dtype on as **kwargs"


@pytest.mark.backend
@every_layer
def test_config_keeps_every_argument(kind):
    check_config(kind, arguments(kind), required(kind))


@pytest.mark.backend
def test_contract_catches_a_forgotten_argument():
    class Forgetful(layers.LayerScale):
        def get_config(self):
            return keras.Layer.get_config(self)

    with pytest.raises(AssertionError, match="forgets init_value"):
        check_config(Forgetful, {"init_value": 0.5}, {})


@pytest.mark.backend
@every_layer
def test_keras_file_round_trip(kind, tmp_path):
    shape, _ = LAYERS[kind]
    values = arguments(kind) | ({"data_format": "channels_last"} if kind is layers.MinPooling2D else {})  # for CPUs
    inputs = of_each(shape, keras.Input)
    model = keras.Model(inputs, kind(**values, name="layer")(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.get_layer("layer")) is kind
    assert loaded.get_layer("layer").get_config() == model.get_layer("layer").get_config()
    rng = np.random.default_rng(0)
    images = of_each(shape, lambda shape: rng.normal(size=(2, *shape)).astype("float32"))
    np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.backend
@every_layer
@pytest.mark.parametrize("training", [False, True])
def test_mixed_precision(kind, training):
    shape, _ = LAYERS[kind]
    layer = kind(**required(kind), dtype="mixed_bfloat16")
    call = {"training": training} if "training" in inspect.signature(kind.call).parameters else {}
    outputs = layer(of_each(shape, lambda shape: np.ones((2, *shape), "float32")), **call)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert {weight.dtype for weight in layer.weights} <= {"float32"}


@pytest.mark.backend
@every_layer
def test_static_shape_is_the_true_shape(kind):
    shape, _ = LAYERS[kind]
    layer = kind(**required(kind))
    found = layer(of_each(shape, lambda shape: np.ones((2, *shape), "float32"))).shape
    assert layer.compute_output_shape(of_each(shape, lambda shape: (2, *shape))) == found


@every_layer
def test_gradients_reach_inputs_and_weights(kind):
    tf = pytest.importorskip("tensorflow")
    shape, _ = LAYERS[kind]
    layer = kind(**required(kind))
    seeds = itertools.count()
    images = of_each(shape, lambda shape: tf.random.stateless_normal((2, *shape), (next(seeds), 0)))
    first = images[0] if isinstance(shape, list) else images
    with tf.GradientTape() as tape:
        tape.watch(first)
        outputs = layer(images)
        loss = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, (1, 1)))
    for gradient in tape.gradient(loss, [first, *(weight.value for weight in layer.trainable_weights)]):
        assert np.isfinite(gradient).all() and np.any(gradient)
