"""Exported files, run by the runtimes themselves; ONNX and LiteRT where their extras are installed."""

import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from kerascnn import blocks, models, training
from kerascnn.training import export
from kerascnn.training.export import in_float32
from kerascnn.training.runtimes import FORMATS

FRESH = """
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], loaded.serve(tf.constant(np.load(sys.argv[2]))))
assert not any(name.startswith("kerascnn") for name in sys.modules)
"""
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (5, 12, 12, 3)).astype("float32")


def network(batch_norm_statistics=True):
    inputs = keras.Input((12, 12, 3), name="image")
    x = blocks.conv(keras.layers.Rescaling(1 / 255, name="rescale")(inputs), 4, name="one")
    model = keras.Model(inputs, blocks.classifier(x, 3, name="probabilities"), name="small")
    if batch_norm_statistics:
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(IMAGES, np.arange(5) % 3, verbose=0)
    return model


def answers(path, format, images):
    """What the file at `path` says of `images`, by its runtime."""
    if format == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path)
        (only,) = session.run(None, {"image": images})
    elif format == "litert":
        interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(path))
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        only = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    else:
        import tensorflow as tf

        loaded = tf.saved_model.load(path)
        only = loaded.serve(tf.constant(images)).numpy()
    return only


@pytest.fixture(params=FORMATS)
def format(request):
    for package in FORMATS[request.param].needs:
        pytest.importorskip(package)
    return request.param


def test_the_file_answers_as_the_model_for_batches_of_any_size(tmp_path, format):
    model = network()
    path = export(model, tmp_path / "small", format)
    assert path == tmp_path / f"small{FORMATS[format].suffix}" and list(tmp_path.iterdir()) == [path]
    for count in (1, 5):
        expected = np.asarray(model(IMAGES[:count], training=False))
        np.testing.assert_allclose(answers(path, format, IMAGES[:count]), expected, atol=1e-5)


@pytest.mark.slow
def test_a_saved_model_needs_no_kerascnn(tmp_path, python):
    model = network()
    np.save(tmp_path / "x.npy", IMAGES)
    path = export(model, tmp_path / "served", "savedmodel")
    done = python("-c", FRESH, path, tmp_path / "x.npy", tmp_path / "y.npy", cwd=tmp_path, PYTHONPATH="")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(IMAGES, training=False), atol=1e-5)


def test_mixed_precision_is_exported_in_float32(tmp_path, format):
    with training.dtype_policy("mixed_bfloat16"):
        mixed = network()
    whole = network(batch_norm_statistics=False)
    whole.set_weights(mixed.get_weights())
    expected = np.asarray(whole(IMAGES, training=False))
    assert np.abs(np.asarray(mixed(IMAGES, training=False)) - expected).max() > 1e-4  # bfloat16 is seen
    path = export(mixed, tmp_path / "small", format)
    np.testing.assert_allclose(answers(path, format, IMAGES), expected, atol=1e-5)


def test_what_keras_alone_cannot_convert(tmp_path, format):
    """Constants in the graph, grouped convolutions, exact GELU, a scalar added; an input in a list; a nested model."""
    inner_input = keras.Input((12, 12, 3), name="image")
    norm = keras.layers.Normalization(mean=[100.0, 110.0, 120.0], variance=[4000.0] * 3)
    x = keras.layers.Conv2D(6, 3, groups=3, bias_initializer="normal")(norm(inner_input))
    x = keras.layers.Conv2D(4, 3, use_bias=False)(keras.activations.gelu(x, approximate=False)) + 3.0
    inner = keras.Model([inner_input], blocks.classifier(x, 3, name="probabilities"))
    image = keras.Input((12, 12, 3), name="image")
    outer = keras.Model([image], inner([image]))
    path = export(outer, tmp_path / "hard", format)
    np.testing.assert_allclose(answers(path, format, IMAGES), outer([IMAGES], training=False), atol=1e-5)


def test_averaged_views_are_exported(tmp_path, format):
    model = models.averaged(network(), 2)
    path = export(model, tmp_path / "views", format)
    np.testing.assert_allclose(answers(path, format, IMAGES), model(IMAGES, training=False), atol=1e-5)
    np.testing.assert_allclose(answers(path, format, IMAGES[:, :, ::-1]), model(IMAGES, training=False), atol=1e-5)


def test_float32_has_the_same_weights_and_no_lower_precision_left():
    with training.dtype_policy("mixed_float16"):
        mixed = models.averaged(network(), 2)
    whole = in_float32(mixed)
    assert {layer.compute_dtype for layer in whole.get_layer("small").layers} == {"float32"}
    for one, other in zip(mixed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert in_float32(whole) is whole


class Fault:
    """Puts another `run` into the SavedModel format, which changes what the file answers."""

    def __init__(self, monkeypatch, change):
        run = FORMATS["savedmodel"].run
        changed = replace(FORMATS["savedmodel"], run=lambda path, images: change(run(path, images)))
        monkeypatch.setitem(FORMATS, "savedmodel", changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: [arrays[0] + 0.0125], "its answers differ from the model's by 0.01[23], more than 0.0001"),
        (lambda arrays: [arrays[0] * np.nan], "differ from the model's by nan"),
        (lambda arrays: [arrays[0][:1]], r"its outputs have shapes \[\(1, 3\)\], the model's \[\(3, 3\)\]"),
    ],
)
def test_a_file_that_answers_otherwise_is_not_kept(tmp_path, monkeypatch, change, message):
    Fault(monkeypatch, change)
    with pytest.raises(ArithmeticError, match=message):
        export(network(), tmp_path / "served", "savedmodel")
    assert not list(tmp_path.iterdir())


def test_an_earlier_export_is_replaced_only_by_one_that_passes(tmp_path, monkeypatch):
    first, second = network(batch_norm_statistics=False), network(batch_norm_statistics=False)
    path = export(first, tmp_path / "served", "savedmodel")
    with monkeypatch.context() as patch:
        Fault(patch, lambda arrays: [arrays[0] + 1])
        with pytest.raises(ArithmeticError):
            export(second, path, "savedmodel")
    np.testing.assert_allclose(answers(path, "savedmodel", IMAGES), first(IMAGES, training=False), atol=1e-5)
    export(second, path, "savedmodel")
    np.testing.assert_allclose(answers(path, "savedmodel", IMAGES), second(IMAGES, training=False), atol=1e-5)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("wanted", "package"), [("onnx", "tf2onnx"), ("onnx", "onnxruntime"), ("litert", "ai_edge_litert")]
)
def test_a_missing_extra_says_how_to_install_it(tmp_path, monkeypatch, wanted, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'Missing: .*{package}.*Run: pip install "kerascnn\[{wanted}\]"'):
        export(network(batch_norm_statistics=False), tmp_path / "small", wanted)


def test_arguments_are_checked(tmp_path):
    model = network(batch_norm_statistics=False)
    with pytest.raises(ValueError, match="`format` must be one of 'litert', 'onnx', 'savedmodel'"):
        export(model, tmp_path / "small", "onx")
    with pytest.raises(ValueError, match="`path` must end in .onnx for format='onnx'"):
        export(model, tmp_path / "small.tflite", "onnx")
    with pytest.raises(ValueError, match="`path` must be a folder for format='savedmodel'"):
        export(model, tmp_path / "small.onnx", "savedmodel")
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="`path` must be free, or hold an earlier export"):
        export(model, tmp_path / "photos", "savedmodel")
    assert (tmp_path / "photos").is_dir()
    two = keras.Model([keras.Input((1,), name="one"), other := keras.Input((1,), name="other")], other)
    with pytest.raises(ValueError, match=r"with one input. Received: model=\['one', 'other'\]"):
        export(two, tmp_path / "two", "savedmodel")


def test_a_result_exports_its_model(tmp_path):
    model = network()
    path = training.Result(model, {}, {}).export(tmp_path / "served", "savedmodel")
    np.testing.assert_allclose(answers(path, "savedmodel", IMAGES), model(IMAGES, training=False), atol=1e-5)
