"""The numbers of pytorch-metric-learning, which make_golden_metric.py wrote down."""

import ast
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn import losses
from kerascnn.layers import ClassCentres

tf = pytest.importorskip("tensorflow")
GOLDEN = json.loads(Path(__file__).with_name("golden_metric.json").read_text("utf-8"))["cases"]
CENTRES = ("proxy-anchor", "arcface", "cosface")


def triplet(distance, mining, **options):
    return losses.Triplet(0.5, distance, mining, **options)


OURS = {
    "triplet all": triplet("euclidean", "all"),
    "triplet semi-hard euclidean": triplet("euclidean", "semi-hard"),
    "triplet semi-hard squared": triplet("squared", "semi-hard"),
    "triplet semi-hard cosine": triplet("cosine", "semi-hard"),
    "triplet hard": triplet("euclidean", "hard"),
    "triplet easy soft": triplet("euclidean", "easy", soft=True),
    "triplet semi-hard soft": triplet("euclidean", "semi-hard", soft=True),
    "triplet batch-hard": triplet("euclidean", "batch-hard"),
    "triplet batch-hard mined": triplet("euclidean", "batch-hard", average="mined"),
    "contrastive euclidean": losses.Contrastive(2.0, power=1),
    "contrastive squared": losses.Contrastive(5.0, "squared", power=1),
    "n-pairs": losses.NPairs(weight=0.0),
    "supervised-contrastive": losses.NTXent(0.1),
    "lifted": losses.Lifted(),
    "multi-similarity": losses.MultiSimilarity(epsilon=None),
    "multi-similarity mined": losses.MultiSimilarity(),
    "circle": losses.Circle(),
    "proxy-anchor": losses.ProxyAnchor(),
    "arcface": losses.ArcFace(),
    "cosface": losses.CosFace(),
}


def inputs():
    """Those of the script, of which the rest needs torch."""
    source = Path(__file__).with_name("make_golden_metric.py").read_text("utf-8")
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if getattr(node, "name", "") == "inputs"]
    scope = {"np": np}
    exec(compile(tree, "make_golden_metric.py", "exec"), scope)
    return scope["inputs"]()


def test_every_case_is_compared():
    assert OURS.keys() == GOLDEN.keys()


@pytest.mark.parametrize("name", OURS)
def test_value_and_gradient(name):
    x, labels, even, centres = inputs()
    labels = even if name in (*CENTRES, "circle") else labels
    layer = ClassCentres(6)
    layer.build((None, 16))
    layer.set_weights([centres.T])
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(x))
        given = layer(x) if name in CENTRES else tf.math.l2_normalize(x, axis=1) if name == "circle" else x
        value = OURS[name](labels, given)
    assert float(value) == pytest.approx(GOLDEN[name]["value"], rel=2e-5)
    if name != "circle":  # Keras' also differentiates the weights of the pairs
        norm = float(keras.ops.norm(tape.gradient(value, x)))
        assert norm == pytest.approx(GOLDEN[name]["gradient_norm"], rel=1e-4)
