import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.layers import BatchNormalization, LayerScale
from kerascnn.optimizers import OPTIMIZERS, RATES, adamw, make, sgd, suited
from kerascnn.schedules import OneCycle

pytestmark = pytest.mark.backend


def network():
    """A layer of each kind, all weights 1, so that what a step does can be read off."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = BatchNormalization(name="norm")(x)
    x = LayerScale(0.5, name="layer_scale")(x)
    x = layers.GroupNormalization(2, name="group")(layers.DepthwiseConv2D(3, name="depthwise")(x))
    model = keras.Model(inputs, layers.Dense(2, name="dense")(layers.Flatten()(x)))
    for weight in model.trainable_weights:
        weight.assign(np.ones(weight.shape))
    return model


def step_without_gradient(optimizer, model):
    optimizer.apply([ops.zeros(weight.shape) for weight in model.trainable_weights], model.trainable_weights)
    return {weight.path: np.asarray(weight) for weight in model.trainable_weights}


@pytest.mark.parametrize(
    ("optimizer", "kept"),
    [
        (adamw(0.1, weight_decay=0.5), 1 - 0.1 * 0.5),
        (sgd(0.1, momentum=0.75, weight_decay=0.05), 1 - 0.1 * 0.05 / 0.25),
        (sgd(OneCycle(0.1, 10, warmup=0), momentum=0.0, weight_decay=0.5), 1 - 0.1 * 0.5),
    ],
    ids=["adamw", "sgd", "schedule"],
)
def test_kernels_decay_and_biases_and_norms_do_not(optimizer, kept):
    after = step_without_gradient(optimizer, network())
    kernels = {path for path, value in after.items() if value.ndim > 1}
    assert kernels == {"conv/kernel", "depthwise/kernel", "dense/kernel"}
    assert len(after) == 3 + 3 + 2 + 1 + 2  # and their biases, two gammas and betas, a LayerScale
    for path, value in after.items():
        np.testing.assert_allclose(value, kept if path in kernels else 1.0, rtol=1e-6, err_msg=path)


def test_decay_of_sgd_means_what_it_means_in_the_papers():
    """A decay inside the gradient, as torch has it, takes the same away once the momentum has settled."""
    rate, momentum, decay, weight, velocity = 1e-3, 0.9, 0.02, 1.0, 0.0
    for _ in range(500):
        gradient = decay * weight
        velocity = momentum * velocity + gradient
        weight -= rate * (gradient + momentum * velocity)
    variable = keras.Variable(np.ones(1, "float32"), name="kernel")
    optimizer = sgd(rate, momentum=momentum, weight_decay=decay)
    for _ in range(500):
        optimizer.apply([ops.zeros(1)], [variable])
    assert 1 - float(variable[0]) == pytest.approx(1 - weight, rel=0.03)


def test_sgd_is_nesterov():
    variable = keras.Variable(np.zeros(1, "float32"), name="kernel")
    optimizer = sgd(0.1, momentum=0.5, weight_decay=0.0)
    optimizer.apply([ops.ones(1)], [variable])
    assert float(variable[0]) == pytest.approx(-0.1 * (1 + 0.5))  # plain momentum would give -0.1


def test_clip_norm_bounds_all_gradients_together():
    first, second = (keras.Variable(np.zeros(1, "float32"), name="kernel") for _ in range(2))
    optimizer = sgd(1.0, momentum=0.0, weight_decay=0.0, clip_norm=1.0)
    optimizer.apply([ops.array([3.0]), ops.array([4.0])], [first, second])
    assert [float(first[0]), float(second[0])] == pytest.approx([-0.6, -0.8])


def test_ema_averages_the_weights():
    variable = keras.Variable(np.zeros(1, "float32"), name="kernel")
    optimizer = sgd(1.0, momentum=0.0, weight_decay=0.0, ema=0.75)
    for _ in range(2):
        optimizer.apply([ops.array([-1.0])], [variable])
    # the average starts as the weight after the first step, 1; then 0.75 * 1 + 0.25 * 2
    optimizer.finalize_variable_values([variable])
    assert float(variable[0]) == pytest.approx(1.25)


def test_without_ema_and_clipping_keras_keeps_neither():
    optimizer = adamw(1e-3)
    assert not optimizer.use_ema and optimizer.global_clipnorm is None and optimizer.weight_decay == 1e-2


def test_make():
    own = keras.optimizers.Lion(1e-4)
    assert make(own, 0.1) is own
    made = make("adamw", 0.25, weight_decay=None, clip_norm=2.0)
    assert type(made) is keras.optimizers.AdamW
    assert (float(made.learning_rate), made.weight_decay, made.global_clipnorm) == (0.25, 1e-2, 2.0)
    assert type(make(sgd, 0.1)) is keras.optimizers.SGD
    assert float(make(keras.optimizers.RMSprop, 0.5, momentum=0.1).learning_rate) == 0.5
    with pytest.raises(ValueError, match="`optimizer` must be one of 'adamw', 'sgd'.*Did you mean 'adamw'?"):
        make("adamwx", 0.1)


def test_suited_finds_normalisation_in_nested_models_too():
    nested = keras.Sequential([keras.Input((8, 8, 3)), network()])
    plain = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    wrapped = keras.Sequential([keras.Input((2, 4)), layers.TimeDistributed(layers.BatchNormalization())])
    assert suited("auto", None, wrapped)[0] == "sgd"
    assert suited("auto", None, nested) == ("sgd", RATES["sgd"])
    assert suited("auto", None, plain) == ("adamw", RATES["adamw"])
    assert suited("sgd", 0.5, plain) == ("sgd", 0.5)
    assert RATES.keys() == OPTIMIZERS.keys()
    with pytest.raises(ValueError, match="`optimizer` must be one of .* Received: optimizer='adam'"):
        suited("adam", None, plain)
    with pytest.raises(ValueError, match="`learning_rate` must be in .* Received: learning_rate=0"):
        suited("sgd", 0, plain)


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", -1.0), ("weight_decay", -0.1), ("clip_norm", 0.0), ("ema", 1.0), ("momentum", 1.0)],
)
def test_errors_name_the_argument(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be in .* Received: {name}={value}"):
        sgd(**{"learning_rate": 0.1, name: value})
