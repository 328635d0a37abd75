import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn.callbacks import snapshot
from kerascnn.layers import BatchNormalization, LayerScale
from kerascnn.optimizers import OPTIMIZERS, RATES, LayerwiseAdamW, LayerwiseSGD, adamw, make, sgd, suited
from kerascnn.schedules import OneCycle

pytestmark = pytest.mark.backend


def network():
    """A layer of each kind, all weights 1, so that what a step does can be read off."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = BatchNormalization(name="norm")(x)
    x = LayerScale(0.5, name="layer_scale")(x)
    x = layers.GroupNormalization(2, name="group")(layers.DepthwiseConv2D(3, name="depthwise")(x))
    return ones(keras.Model(inputs, layers.Dense(2, name="dense")(layers.Flatten()(x))))


def ones(model):
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


@pytest.mark.parametrize("layer_rates", [None, {"other": 0.5}])
def test_a_kernel_decays_whatever_its_layer_is_called(layer_rates):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="upscale_bias")], name="beta")
    after = step_without_gradient(adamw(0.1, weight_decay=0.5, layer_rates=layer_rates), ones(model))
    assert [float(value.flat[0]) for value in after.values()] == pytest.approx([0.95, 1.0])


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


def two_layers():
    """Two layers of one shape, called "low" and "top", in a model "outer" whose layers' paths begin with its name."""
    low, top = (layers.Dense(3, name=name) for name in ("low", "top"))
    return ones(keras.Sequential([keras.Input((3,)), low, top], name="outer"))


def moved(optimizer, gradient, steps=3):
    """How far each weight of the two layers goes, if all get the same gradient again and again."""
    model = two_layers()
    for number in range(steps):
        gradients = [ops.full(weight.shape, gradient * (1 + number)) for weight in model.trainable_weights]
        optimizer.apply(gradients, model.trainable_weights)
    return {weight.path.partition("/")[2]: 1 - np.asarray(weight) for weight in model.trainable_weights}


KINDS = pytest.mark.parametrize("kind", [adamw, sgd])


@KINDS
@pytest.mark.parametrize("rate", [1e-2, OneCycle(2e-2, 10)], ids=["constant", "schedule"])
def test_the_step_of_a_layer_is_multiplied_by_its_factor(kind, rate):
    far = moved(kind(rate, weight_decay=0.0, layer_rates={"low": 0.125}), gradient=0.5)
    plain = moved(kind(rate, weight_decay=0.0), gradient=0.5)
    for weight in ("kernel", "bias"):
        assert (plain[f"low/{weight}"] > 1e-3).all()
        np.testing.assert_array_equal(far[f"top/{weight}"], plain[f"top/{weight}"])
        np.testing.assert_allclose(far[f"low/{weight}"], plain[f"low/{weight}"] / 8, rtol=1e-4)


@KINDS
def test_the_decay_of_a_layer_is_multiplied_by_its_factor(kind):
    far = moved(kind(0.1, weight_decay=0.125, layer_rates={"low": 0.5}), gradient=0.0, steps=1)
    decay = 0.0125 if kind is adamw else 0.125  # SGD's decay is divided by 1 - momentum
    np.testing.assert_allclose(far["top/kernel"], decay, rtol=1e-5)
    np.testing.assert_allclose(far["low/kernel"], decay / 2, rtol=1e-5)
    assert not far["top/bias"].any() and not far["low/bias"].any()


@KINDS
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1, "ema": 0.9, "weight_decay": 0.3}])
def test_factors_of_one_change_no_bit(kind, options):
    optimizer, plain = kind(0.1, **options, layer_rates={"low": 1}), kind(0.1, **options)
    for one, other in zip(moved(optimizer, 0.5).values(), moved(plain, 0.5).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    names = [[(each.shape, each.path.partition("/")[2]) for each in some.variables] for some in (optimizer, plain)]
    assert names[0] == names[1]  # what a resumed run puts back
    for one, other in zip(optimizer.variables, plain.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_innermost_named_part_of_a_path_counts():
    optimizer = adamw(0.1, layer_rates={"outer": 0.5, "low": 0.25})
    assert [optimizer.factor(path) for path in ("outer/low/kernel", "outer/top/kernel", "head/kernel")] == [
        0.25,
        0.5,
        1,
    ]
    assert adamw(0.1, layer_rates={"kern": 0.5}).factor("low/kernel") == 1
    far = moved(sgd(0.1, weight_decay=0.0, layer_rates={"outer": 0.0, "low": 1.0}), 0.5)
    assert far["low/kernel"].all() and not far["top/kernel"].any()


@KINDS
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_fit_uses_the_factors(kind, policy):
    keras.config.set_dtype_policy(policy)  # float16 wraps the optimizer in one that scales the loss
    model = two_layers()
    before = [np.asarray(weight) for weight in model.weights]
    model.compile(kind(0.1, layer_rates={"low": 0}), "mse")
    model.fit(np.ones((8, 3)), np.zeros((8, 3)), epochs=12, verbose=0)  # the scale falls until nothing overflows
    changed = [not np.array_equal(weight, old) for weight, old in zip(model.weights, before, strict=True)]
    assert changed == [False, False, True, True]


@KINDS
def test_an_optimizer_with_factors_survives_its_config(kind):
    optimizer = kind(0.25, layer_rates={"low": 0.5})
    assert type(optimizer) is {adamw: LayerwiseAdamW, sgd: LayerwiseSGD}[kind]
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()
    assert again.get_config()["layer_rates"] == {"low": 0.5}


def test_a_factor_below_nothing_is_an_error():
    with pytest.raises(ValueError, match=r"`layer_rates\['low'\]` must be in \[0, inf\). Received: .*=-1"):
        make("adamw", 0.1, layer_rates={"low": -1})
    assert type(make("sgd", 0.1, layer_rates=None)) is keras.optimizers.SGD


def trained(kind, batch_size, accumulate, rows=24, **options):
    """What training on rows that come in order ends with: the weights of a network without statistics, and averages."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, 4)).astype("float32"), rng.normal(size=(rows, 2)).astype("float32")
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(2)])
    rate = OneCycle(0.05, 2 * rows // batch_size // accumulate)
    model.compile(make(kind, rate, accumulate=accumulate, clip_norm=0.5, **options), "mse")
    optimizer = model.optimizer
    seen = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(snapshot.take(model.weights)))
    kept = []
    model.fit(x, y, batch_size=batch_size, epochs=2, shuffle=False, verbose=0, callbacks=[seen])
    return kept, model.get_weights(), optimizer


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
@pytest.mark.parametrize("options", [{}, {"ema": 0.8}, {"layer_rates": {"dense": 0.3}}], ids=["plain", "ema", "rates"])
def test_three_batches_make_the_update_of_one_three_times_as_large(kind, options):
    """In each epoch, with clipping, decay, averages and a schedule that moves with every update."""
    whole, whole_end, _ = trained(kind, 6, 1, **options)
    parts, parts_end, optimizer = trained(kind, 2, 3, **options)
    assert int(optimizer.iterations) == 8
    for one, two in zip([*whole[0], *whole[1], *whole_end], [*parts[0], *parts[1], *parts_end], strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-5, atol=1e-6)
    assert any(abs(one - two).max() > 1e-3 for one, two in zip(whole[0], whole_end, strict=True))  # it has moved


def test_nothing_moves_before_the_update_is_whole():
    model = ones(network())
    optimizer = sgd(0.1, accumulate=3, ema=0.5, momentum=0.0, weight_decay=0.0)
    optimizer.build(model.trainable_weights)
    gradients = [ops.ones(weight.shape) for weight in model.trainable_weights]
    values = []
    for _ in range(4):
        optimizer.apply(gradients, model.trainable_weights)
        values.append(
            (
                float(np.ravel(model.trainable_weights[0])[0]),
                float(np.ravel(snapshot.averaged(model_of(model, optimizer))[0])[0]),
            )
        )
    assert values == [
        (1.0, 0.0),
        (1.0, 0.0),
        (pytest.approx(0.9), pytest.approx(0.9)),
        (pytest.approx(0.9), pytest.approx(0.9)),
    ]


def model_of(model, optimizer):
    model.optimizer = optimizer
    return model


def test_what_cannot_accumulate_is_refused():
    with pytest.raises(ValueError, match="`accumulate` must be an integer of at least 1. Received: accumulate=0"):
        make("sgd", 0.1, accumulate=0)
    with pytest.raises(ValueError, match="`accumulate` must be 1 for an optimizer that is made already"):
        make(keras.optimizers.SGD(), 0.1, accumulate=2)


def test_an_optimizer_that_accumulates_comes_back_from_its_config():
    made = adamw(0.1, accumulate=4, layer_rates={"head": 2.0})
    again = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert (type(again), again.gradient_accumulation_steps, again.layer_rates) == (type(made), 4, {"head": 2.0})
