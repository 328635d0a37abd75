import json
import sys

import keras
import numpy as np
import pytest

from recipes import __main__ as line


@pytest.fixture
def run_folder(tmp_path):
    image = keras.Input((4, 6, 1), name="image")
    model = keras.Model(image, keras.layers.Dense(2, "softmax")(keras.layers.GlobalAveragePooling2D()(image)))
    folder = tmp_path / "run"
    folder.mkdir()
    model.save(folder / "model.keras")
    (folder / "result.json").write_text(json.dumps({"recipe": "classify", "metrics": {}, "history": {}}))
    return folder


def test_a_run_is_exported_from_the_shell(run_folder, tmp_path, capsys):
    import tensorflow as tf

    path = tmp_path / "served"
    assert line.main(["export", "--model", str(run_folder), "--path", str(path), "--format", "savedmodel"]) == 0
    assert capsys.readouterr().out == f"Wrote {path}; its answers are the network's.\n"
    images = np.full((2, 4, 6, 1), 7, "float32")
    expected = keras.saving.load_model(run_folder / "model.keras")(images)
    loaded = tf.saved_model.load(path)
    np.testing.assert_allclose(loaded.serve(tf.constant(images)), expected, atol=1e-6)


def test_a_missing_extra_is_one_line_without_traceback(run_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    assert line.main(["export", "--model", str(run_folder), "--path", str(tmp_path / "small")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: `format` must be one whose packages are installed") and error.count("\n") == 1
