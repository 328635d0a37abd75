import pytest

from benchmarks import keras_networks
from kerascnn import inspect


@pytest.mark.parametrize("name", keras_networks.SHAPES)
def test_what_is_compared_costs_the_same(name):
    networks = keras_networks.ours(name), keras_networks.NETWORKS[name]()
    first, second = (inspect.cost(network, keras_networks.SHAPES[name]) for network in networks)
    assert first == second


def test_networks_by_hand_answer_as_ours_do(tmp_path):
    found = keras_networks.differences("resnet20", tmp_path / "weights.npz", size=2)
    assert found["same"] and found["parameters"] == 269_722
    assert found["difference"] < 1e-5


def test_both_sides_keep_the_precision_that_is_asked_for():
    for kind in ("kerascnn, mixed_bfloat16", "plain Keras, mixed_bfloat16"):
        model = keras_networks.built("resnet20", kind)
        assert model.get_layer("stem_conv").compute_dtype == "bfloat16"
        assert model.get_layer("probabilities").compute_dtype == "float32"
