"""Networks that compute activations twice: the same training, in parts, with less memory."""

import keras
import numpy as np
import pytest

from kerascnn import blocks, models
from kerascnn.callbacks import snapshot
from kerascnn.layers import rematerialize
from kerascnn.layers.cutting import cut

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (4, 16, 16, 3), "uint8")


def map_network():
    network = models.build_map("unet(filters=4, depth=2)", (16, 16, 3), 2)
    x = keras.layers.Dropout(0.3, name="drop")(network.outputs[0])
    return keras.Model(network.inputs, x), (RNG.integers(0, 2, (4, 16, 16)), "sparse_categorical_crossentropy")


def residual():
    x = image = keras.Input((16, 16, 3))
    for number in range(3):
        x = blocks.residual(x, 4, name=f"block{number}")
        x = keras.layers.Dropout(0.2, name=f"drop{number}")(x)
    network = keras.Model(image, blocks.classifier(x, 3, name="probabilities"))
    return network, (RNG.integers(0, 3, 4), "sparse_categorical_crossentropy")


def variational():
    code = {"code": lambda x, size, name: blocks.gaussian_code(x, size, beta=0.1, name=name)}
    return models.build_autoencoder("conv_autoencoder(filters=(4, 8))", (16, 16, 3), 4, **code), (X, "mse")


def sequential():
    parts = [keras.layers.Conv2D(4, 3, activation="relu", padding="same") for _ in range(6)]
    network = keras.Sequential([keras.Input((16, 16, 3)), *parts, keras.layers.Flatten(), keras.layers.Dense(3)])
    return network, (RNG.normal(size=(4, 3)), "mse")


def trained(make, rematerialized):
    """Losses of three steps, all variables, and the network."""
    global RNG
    RNG = np.random.default_rng(1)
    keras.utils.set_random_seed(3)
    network, (y, loss) = make()
    if rematerialized:
        assert rematerialize(network) is network and rematerialize(network) is network
    network.compile(keras.optimizers.SGD(1e-4 if loss == "mse" else 0.01), loss)
    losses = [float(np.ravel(network.train_on_batch(X, y))[0]) for _ in range(3)]
    return losses, snapshot.take(network.variables), network


@pytest.mark.backend
@pytest.mark.parametrize("make", [map_network, residual, variational, sequential])
def test_training_is_the_same(make, tmp_path):
    losses, variables, network = trained(make, False)
    again, others, remade = trained(make, True)
    np.testing.assert_allclose(again, losses, rtol=1e-5)
    for variable, one, two in zip(network.variables, variables, others, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=5e-5, err_msg=variable.path)
    assert remade.to_json().count('"') == network.to_json().count('"')
    remade.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(back.predict(X, verbose=0), remade.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
    assert not hasattr((getattr(back, "_functional", None) or back).call, "plain")


@pytest.mark.backend
@pytest.mark.parametrize("precision", ["mixed_bfloat16"])
def test_weights_keep_their_precision(precision):
    keras.config.set_dtype_policy(precision)
    losses, variables, _ = trained(residual, False)
    again, others, _ = trained(residual, True)
    np.testing.assert_allclose(again, losses, rtol=5e-3)
    for one, two in zip(variables, others, strict=True):
        np.testing.assert_allclose(one, two, rtol=0.02, atol=2e-3)


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="`model` must be a Functional or built Sequential model"):
        rematerialize(Own())


def test_a_graph_is_cut_where_little_crosses():
    """Every second node of a row makes something small."""
    sizes = dict(enumerate([1, 9, 1, 9, 1, 9, 1]))
    assert cut([[n] for n in range(6)], [[n + 1] for n in range(6)], sizes) == [2, 4, 6]


def test_it_is_cut_where_what_crosses_is_kept_anyway():
    """The last node of a chain needs what the first, the third and the fifth have made."""
    takes = [[0], [1], [2], [3], [4], [5], [6], [7, 1, 3, 5]]
    assert cut(takes, [[n + 1] for n in range(8)], dict.fromkeys(range(9), 1)) == [1, 3, 5, 7, 8]


def test_one_node_is_one_part():
    assert cut([[0]], [[1]], {0: 1, 1: 5}) == [1]


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="on CPUs JAX took as much as before")
def test_the_peak_of_the_memory_is_lower(python):
    code = """if True:
        import sys, numpy as np, keras
        from pathlib import Path
        from kerascnn import layers
        x = image = keras.Input((256, 256, 8))
        for _ in range(16):
            x = keras.layers.Conv2D(8, 3, padding="same", activation="tanh")(x)
        network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
        if sys.argv[1] == "twice":
            layers.rematerialize(network)
        network.compile("sgd", "mse")
        def status(name):
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
        before = status("VmRSS")
        for _ in range(2):
            network.train_on_batch(np.zeros((8, 256, 256, 8), "float32"), np.zeros((8, 8), "float32"))
        print(status("VmHWM") - before)
    """
    once, twice = (float(python("-c", code, how).stdout.split()[-1]) for how in ("once", "twice"))
    assert twice < 0.75 * once, (once, twice)
