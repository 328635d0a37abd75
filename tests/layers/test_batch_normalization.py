"""Our BatchNormalization against Keras' own."""

import keras
import numpy as np
import pytest

from kerascnn.layers import BatchNormalization

KINDS = (keras.layers.BatchNormalization, BatchNormalization)
SHAPES = [(32, 3), (8, 9, 3), (8, 6, 5, 3), (4, 3, 5, 6, 3)]
TOLERANCE = {"float32": 1e-5, "mixed_bfloat16": 1e-2, "mixed_float16": 2e-3}
BACKEND = keras.backend.backend()
tensorflow_only = pytest.mark.skipif(BACKEND != "tensorflow", reason="the fused kernel is TensorFlow's")


@pytest.fixture(autouse=True)
def on_devices():
    """On JAX the layer differs from Keras' where devices share batches."""
    if BACKEND != "jax":
        yield
        return
    with keras.distribution.DataParallel(devices=["cpu:0"]).scope():
        yield


def make(kind, shape, **options):
    """A layer of `kind` with weights that are not their starting values."""
    layer = kind(momentum=0.9, **options)
    layer.build(shape)
    random = np.random.default_rng(1)
    layer.set_weights([random.uniform(0.5, 2, weight.shape) for weight in layer.weights])
    return layer


def draw(shape, seed=0):
    return np.random.default_rng(seed).normal(3, 2, shape).astype("float32")


def step(layer, images, loss_weights, **call):
    """Outputs and gradients of one training call, inside a graph as in `fit`."""
    if BACKEND == "jax":
        return step_of_jax(layer, keras.ops.cast(images, layer.compute_dtype), loss_weights, **call)
    import tensorflow as tf

    @tf.function
    def graph(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, **call)
            loss = tf.reduce_sum(tf.cast(outputs, "float32") * loss_weights)
        return outputs, tape.gradient(loss, [images, *(weight.value for weight in layer.trainable_weights)])

    outputs, gradients = graph(tf.constant(images, layer.compute_dtype))
    return outputs, gradients


def step_of_jax(layer, images, loss_weights, **call):
    import jax

    def loss(images, trained):
        kept = [variable.value for variable in layer.non_trainable_variables]
        outputs, kept = layer.stateless_call(trained, kept, images, **call)
        return keras.ops.sum(keras.ops.cast(outputs, "float32") * loss_weights), (outputs, kept)

    trained = [variable.value for variable in layer.trainable_variables]
    (of_images, of_weights), (outputs, kept) = jax.jit(jax.grad(loss, (0, 1), has_aux=True))(images, trained)
    for variable, value in zip(layer.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    return outputs, [of_images, *of_weights]


def kernels(layer, shape, **call):
    """How many fused kernels a call of `layer` runs; on other backends as many as it should."""
    if BACKEND != "tensorflow":
        return 1
    import tensorflow as tf

    function = tf.function(lambda images: layer(images, **call))
    graph = function.get_concrete_function(tf.TensorSpec(shape, layer.compute_dtype)).graph
    return sum(operation.type == "FusedBatchNormV3" for operation in graph.get_operations())


def assert_agree(ours, theirs, tolerance):
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(np.asarray(ours, "float32"), np.asarray(theirs, "float32"), tolerance, tolerance)


@pytest.mark.backend
@pytest.mark.parametrize("shape", SHAPES, ids=len)
@pytest.mark.parametrize("policy", TOLERANCE)
def test_training_agrees_with_keras(shape, policy):
    loss_weights = np.random.default_rng(2).normal(size=shape).astype("float32")
    theirs, ours = (make(kind, shape, dtype=policy) for kind in KINDS)
    expected, expected_gradients = step(theirs, draw(shape), loss_weights, training=True)
    outputs, gradients = step(ours, draw(shape), loss_weights, training=True)
    assert kernels(ours, shape, training=True) == 1
    assert_agree(outputs, expected, TOLERANCE[policy])
    assert len(gradients) == 3
    for gradient, their_gradient in zip(gradients, expected_gradients, strict=True):
        assert_agree(gradient, their_gradient, 3 * TOLERANCE[policy])
    for weight, their_weight in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_agree(weight, their_weight, 1e-5)


@pytest.mark.backend
def test_a_mean_of_many_deviations_costs_no_precision_where_the_moving_mean_is_near():
    layers = [make(kind, (64, 3)) for kind in KINDS]
    for layer in layers:
        layer.moving_mean.assign(np.full(3, 999.0))
    expected, outputs = (layer(draw((64, 3)) + 1000, training=True) for layer in layers)
    np.testing.assert_allclose(outputs, expected, 1e-3, 1e-3)
    np.testing.assert_allclose(layers[1].moving_variance, layers[0].moving_variance, 1e-4)


@pytest.mark.backend
def test_moving_statistics_by_hand():
    layer = BatchNormalization(momentum=0.75)
    outputs = layer(np.array([[1.0, 0.0], [3.0, 4.0]], "float32"), training=True)
    # Means 2 and 2, biased variances 1 and 4; the averages start at 0 and 1.
    np.testing.assert_allclose(layer.moving_mean, [0.5, 0.5], 1e-6)
    np.testing.assert_allclose(layer.moving_variance, [1.0, 1.75], 1e-6)
    expected = np.array([[-1, -2], [1, 2]]) / np.sqrt(np.array([1, 4]) + 1e-3)
    np.testing.assert_allclose(outputs, expected, 1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_of_one_or_two_values(size):
    layers = [make(kind, (size, 3)) for kind in KINDS]
    expected, outputs = (layer(draw((size, 3)), training=True) for layer in layers)
    np.testing.assert_allclose(outputs, expected, 1e-4, 1e-5)
    np.testing.assert_allclose(layers[1].moving_variance, layers[0].moving_variance, 1e-5)


@tensorflow_only
@pytest.mark.parametrize(("options", "call", "trainable"), [
    ({}, {"training": False}, True),
    ({}, {"training": True}, False),
    ({}, {"training": True, "mask": np.arange(72).reshape(8, 9) % 3 > 0}, True),
    ({"synchronized": True}, {"training": True}, True),
    ({"renorm": True}, {"training": True}, True),
    ({"axis": 1}, {"training": True}, True),
    ({"epsilon": 1e-6}, {"training": True}, True),
    ({"dtype": "float64"}, {"training": True}, True),
], ids=["inference", "frozen", "mask", "synchronized", "renorm", "axis", "epsilon", "float64"])  # fmt: skip
def test_what_the_kernel_cannot_do_is_left_to_keras(options, call, trainable):
    shape = (8, 9, 3)
    layers = [make(kind, shape, **options) for kind in KINDS]
    for layer in layers:
        layer.trainable = trainable
    assert kernels(layers[1], shape, **call) == 0
    expected, outputs = (layer(draw(shape), **call) for layer in layers)
    np.testing.assert_array_equal(outputs, expected)
    for weight, their_weight in zip(layers[1].get_weights(), layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(weight, their_weight)


@pytest.mark.backend
def test_frozen_layer_keeps_its_statistics():
    layer = make(BatchNormalization, (8, 3))
    layer.trainable = False
    before = layer.get_weights()
    outputs = layer(draw((8, 3)), training=True)
    np.testing.assert_array_equal(outputs, layer(draw((8, 3)), training=False))
    for weight, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.backend
@pytest.mark.parametrize("missing", ["scale", "center"])
def test_without_gamma_or_beta(missing):
    theirs, ours = (make(kind, (8, 3), **{missing: False}) for kind in KINDS)
    assert kernels(ours, (8, 3), training=True) == 1
    assert_agree(ours(draw((8, 3)), training=True), theirs(draw((8, 3)), training=True), 1e-5)


@tensorflow_only
def test_unknown_batch_and_image_size():
    layer = make(BatchNormalization, (None, None, None, 3))
    inputs = keras.Input((None, None, 3))
    assert layer(inputs).shape == (None, None, None, 3)
    assert kernels(layer, (None, None, None, 3), training=True) == 1


EXCHANGES = """
import jax, keras, numpy as np
from kerascnn.layers import BatchNormalization

with keras.distribution.DataParallel(devices=["cpu:0", "cpu:1"], auto_shard_dataset=False).scope():
    shares = keras.distribution.distribution().get_data_layout((8, 3))
    x = jax.device_put(np.ones((8, 3), "float32"), shares.backend_layout)
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind()
        layer.build((8, 3))
        held = [[each.value for each in some] for some in (layer.trainable_variables, layer.non_trainable_variables)]
        step = jax.jit(lambda held, x: layer.stateless_call(*held, x, training=True))
        print(step.lower(held, x).compile().as_text().count(" all-reduce("))
"""


@pytest.mark.backend
@pytest.mark.skipif(BACKEND != "jax", reason="of the JAX backend")
def test_devices_exchange_mean_and_variance_at_once(python):
    done = python("-c", EXCHANGES, KERAS_BACKEND="jax", XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert done.stdout.split() == ["2", "1"], done.stderr  # Keras' own, ours


MIRRORED = """
import keras, numpy as np, tensorflow as tf
from kerascnn.layers import BatchNormalization

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
random = np.random.default_rng(0)
images, targets = random.normal(3, 2, (16, 4, 4, 3)).astype("float32"), random.normal(size=(16, 4, 4, 3))
results = []
for kind in (keras.layers.BatchNormalization, BatchNormalization):
    with strategy.scope():
        model = keras.Sequential([keras.Input((4, 4, 3)), kind(momentum=0.5)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(images, targets, batch_size=8, epochs=2, shuffle=False, verbose=0)
    results.append(model.get_weights())
for theirs, ours in zip(*results, strict=True):
    assert np.abs(theirs - np.round(theirs)).max() > 0.01, "the weights must have moved"
    np.testing.assert_allclose(ours, theirs, 1e-5, 1e-6)
print("agree")
"""


@pytest.mark.slow
@tensorflow_only
def test_agrees_with_keras_under_mirrored_strategy(python):
    done = python("-c", MIRRORED)
    assert done.stdout.strip().endswith("agree"), done.stderr
