import json
from pathlib import Path

import keras
import numpy as np
import pytest

import kerascnn
from kerascnn import augmentation, blocks, models
from kerascnn.data import load
from recipes import classify
from recipes.classify import classify as same

SHORT = {"epochs": 2, "batch_size": 64, "verbose": 0, "precision": "float32"}


def small(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = blocks.conv(keras.layers.Rescaling(1 / 127.5, -1)(inputs), 8, strides=2, name="one")
    return keras.Model(inputs, blocks.classifier(x, classes, dropout=0.2, name="probabilities"), name="small")


@pytest.fixture(scope="module")
def arrays():
    """Three classes of noise, a bright spot in another place for each."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (120, 12, 12, 1), "uint8")
    y = np.arange(120, dtype="int32") % 3
    for image, label in zip(x, y, strict=True):
        image[4 * label : 4 * label + 3, 4:7] = 255
    return (x[:90], y[:90]), (x[90:], y[90:])


def weights(result):
    return result.model.get_weights()


def test_the_package_gives_the_function():
    assert classify is same and callable(classify)


def test_it_learns_and_saves_all_that_a_run_is_worth(arrays, tmp_path):
    options = SHORT | {"epochs": 12, "batch_size": 16}
    result = classify(arrays, model=small, save_to=tmp_path, augment=None, **options)
    assert result.metrics["accuracy"] >= 0.9
    assert len(result.history["val_accuracy"]) == 12
    names = {file.name for file in tmp_path.iterdir()}
    assert {"model.keras", "result.json", "README.md", "history.csv", "curves.png", "confusion.png"} <= names
    assert {"per_class.png", "calibration.png"} <= names and not {"state.npz", "best.npz"} & names
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["judged_on"] == "validation"
    assert record["data"]["sizes"] == {"train": 90, "validation": 30, "test": 0}
    assert record["metrics"]["accuracy"] == pytest.approx(max(result.history["val_accuracy"]))
    back = kerascnn.load(tmp_path)
    x = arrays[1][0]
    np.testing.assert_array_equal(back.model.predict(x, verbose=0), result.model.predict(x, verbose=0))


def test_one_seed_repeats_everything_and_another_does_not(arrays):
    augment = augmentation.Pipeline(augmentation.Shift(0.2), augmentation.Cutout(0.3))
    first, second, other = (classify(arrays, model=small, augment=augment, seed=seed, **SHORT) for seed in (3, 3, 4))
    assert first.history == second.history != other.history
    for one, two in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_best_epoch_is_kept(arrays):
    result = classify(arrays, model=small, augment=None, epochs=5, batch_size=16, verbose=0, learning_rate=0.5)
    record = result.extras["record"]
    best = int(np.argmax(result.history["val_accuracy"]))
    assert record["best_epoch"] == best + 1
    assert result.metrics["accuracy"] == pytest.approx(result.history["val_accuracy"][best])


def test_the_test_split_judges(arrays):
    train, held = arrays
    test = (held[0][:9], held[1][:9])
    result = classify((train, held, test), model=small, augment=None, **SHORT)
    record = result.extras["record"]
    assert record["judged_on"] == "test"
    assert sum(row["support"] for row in record["per_class"]) == 9


def test_a_kernel_size_is_one_argument():
    result = classify("digits", model="mlp(units=(7,))", augment="none", **SHORT | {"epochs": 1})
    assert result.extras["record"]["model"] == {"name": "mlp(units=(7,))", "parameters": 64 * 7 + 7 + 7 * 10 + 10}


def test_auxiliary_outputs_vanish(arrays):
    from kerascnn.models import Auxiliary

    def network(image_shape, classes):
        inputs = keras.Input(image_shape)
        x = blocks.conv(inputs, 4, strides=2, name="one")
        heads = [blocks.classifier(x, classes, name=name) for name in ("probabilities", "side")]
        return Auxiliary(inputs, heads)

    result = classify(arrays, model=network, augment=None, **SHORT)
    assert result.model.predict(arrays[1][0], verbose=0).shape == (30, 3)
    assert "side" not in {layer.name for layer in result.model.layers}


def test_a_model_object_is_trained_as_it_is(arrays):
    network = small((12, 12, 1), 3)
    result = classify(arrays, model=network, augment=None, **SHORT | {"precision": "auto"})
    assert result.model is network
    assert result.extras["record"]["precision"]["why"] == "the model's own"


def test_a_trained_whitening_layer_stays_as_it_is(arrays):
    network = models.fastnet((12, 12, 1), 3, filters=(8,))
    before = network.get_layer("whitening_conv").kernel.numpy() * 2
    network.get_layer("whitening_conv").kernel.assign(before)
    options = SHORT | {"epochs": 1, "augment": None, "precision": "auto"}
    classify(arrays, model=network, learning_rate=1e-20, **options)
    assert network.get_layer("whitening_conv").trainable
    np.testing.assert_allclose(network.get_layer("whitening_conv").kernel.numpy(), before)
    named = classify(arrays, model="fastnet(filters=(8,))", **options).model.get_layer("whitening_conv")
    assert not named.trainable and not np.allclose(named.kernel.numpy(), before)


def test_the_batch_size_suits_the_data(arrays):
    records = [
        classify(arrays, model="mlp(units=())", **SHORT | {"batch_size": size}).extras["record"] for size in (None, 30)
    ]
    assert [record["batch_size"] for record in records] == [8, 30]  # 90 images
    assert [record["arguments"]["batch_size"] for record in records] == [None, 30]


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1:UserWarning")  # Keras says it of one class too
def test_one_class():
    x, y = np.full((20, 4, 4, 1), 9, "uint8"), np.zeros(20, "int32")
    with pytest.warns(UserWarning, match="There is one class only"):
        result = classify(((x, y), (x, y)), model="mlp(units=())", **SHORT)
    assert result.metrics["accuracy"] == 1 and result.history["val_accuracy"] == [1.0, 1.0]


@pytest.mark.slow
def test_a_thousand_classes(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (3000, 4, 4, 1), "uint8")
    y = np.arange(3000, dtype="int32") % 1000
    data = (x[:2000], y[:2000]), (x[2000:], y[2000:])
    result = classify(data, model="mlp(units=(8,))", save_to=tmp_path, **SHORT | {"epochs": 1})
    record = json.loads((tmp_path / "result.json").read_text())
    assert len(record["per_class"]) == 1000 and 0 <= result.metrics["accuracy"] < 0.1
    assert (tmp_path / "confusion.png").exists()


def test_volumes_have_no_grid_of_images(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 4, 5, 6, 1), "uint8"), np.arange(40, dtype="int32") % 2
    result = classify(((x[:20], y[:20]), (x[20:], y[20:])), model="mlp(units=())", save_to=tmp_path, **SHORT)
    assert result.metrics["accuracy"] < 1  # there are mistakes that could be shown
    assert (tmp_path / "confusion.png").exists() and not (tmp_path / "mistakes.png").exists()


def test_signals_have_no_grid_of_images():
    import tensorflow as tf

    x, y = np.random.default_rng(0).integers(0, 256, (40, 12, 2), "uint8"), np.arange(40, dtype="int32") % 2
    train, validation = (tf.data.Dataset.from_tensor_slices((x[half], y[half])) for half in (slice(20), slice(20, 40)))
    data = kerascnn.Data(train, validation, class_names=("a", "b"), name="signals")
    result = classify(data, model="mlp(units=())", **SHORT)
    assert result.metrics["accuracy"] < 1 and "mistakes.png" not in result.extras["pictures"]
    for draw in result.extras["pictures"].values():
        draw()


def test_rare_classes_count_as_much_as_common_ones():
    """Images that say nothing: plain training ends at the rare class's share, balanced training at a half."""
    x, y = np.zeros((100, 8, 8, 1), "uint8"), np.repeat([0, 1], [90, 10]).astype("int32")
    options = SHORT | {"epochs": 30, "batch_size": 50, "label_smoothing": 0.0, "augment": None}
    ends = []

    class Ends(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            ends.append(float(self.model.predict(x[:1], verbose=0)[0, 1]))

    for how in (None, "balanced"):
        data, rates = ((x, y), (x, y)), {"optimizer": "sgd", "learning_rate": 0.02, "callbacks": [Ends()]}
        classify(data, model="mlp(units=())", class_weight=how, **rates, **options)
    assert ends == pytest.approx([0.1, 0.5], abs=0.05)


def test_ema_and_mixed_precision_go_through(arrays):
    result = classify(arrays, model=small, ema=0.9, **SHORT | {"precision": "mixed_bfloat16"})
    assert result.model.predict(arrays[1][0], verbose=0).dtype == np.float32
    assert result.extras["record"]["precision"]["chosen"] == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"optimizer": "adam"}, "`optimizer` must be one of .* Received: optimizer='adam'"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1"),
        ({"patience": 0}, "`patience` must be an integer of at least 1"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be in"),
        ({"weight_decay": -1.0}, "`weight_decay` must be in"),
        ({"clip_norm": 0.0}, "`clip_norm` must be in"),
        ({"ema": 1.0}, "`ema` must be in"),
        ({"precision": "fp16"}, "`precision` must be one of"),
        ({"class_weight": "even"}, "`class_weight` must be None, 'balanced' or a mapping"),
        ({"class_weight": {0: 0.0}}, r"`class_weight\[0\]` must be in \(0, inf\)"),
        ({"tensorboard": True}, "`tensorboard` must be False without a folder"),
        ({"verbose": 3}, "`verbose` must be one of"),
        ({"views": 3}, "`views` must be one of 1, 2, 6"),
        ({"model": "resnet21"}, "Did you mean"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be in"),
        ({"augment": "lots"}, "`augment` must"),
        ({"accumulate": 0}, "`accumulate` must be an integer of at least 1"),
        ({"max_seconds": -1.0}, r"`max_seconds` must be in \(0, inf\)"),
    ],
)
def test_wrong_arguments_are_named_before_the_data_are_read(options, text):
    with pytest.raises(ValueError, match=text):
        classify(Path("no such folder"), **{"model": small, **SHORT, **options})


def test_a_model_object_keeps_its_precision():
    network = small((12, 12, 1), 3)
    with pytest.raises(ValueError, match="`precision` must be 'auto' or the model's own, 'float32'"):
        classify(Path("no such folder"), model=network, precision="mixed_bfloat16")
    with pytest.raises(TypeError, match="`model` must be a name, a builder"):
        classify(Path("no such folder"), model=5)


def test_answers_over_views_are_what_is_judged_and_saved(arrays, tmp_path):
    once = classify(arrays, model=small, **SHORT)
    twice = classify(arrays, model=small, views=2, save_to=tmp_path, **SHORT)
    x = arrays[1][0]
    mean = (once.model.predict(x, verbose=0) + once.model.predict(x[:, :, ::-1], verbose=0)) / 2
    np.testing.assert_allclose(twice.model.predict(x, verbose=0), mean, atol=1e-6)
    assert twice.metrics["accuracy"] == pytest.approx(np.mean(mean.argmax(-1) == arrays[1][1]))
    assert json.loads((tmp_path / "result.json").read_text())["augmentation"] == "Pipeline(Shift(0.05))"


def test_weights_of_classes_that_the_data_do_not_have(arrays):
    with pytest.raises(ValueError, match=r"`class_weight` must have class indices in \[0, 3\)\. Received: .*\[3\]"):
        classify(arrays, model=small, class_weight={1: 2.0, 3: 1.0}, **SHORT)


def test_data_without_random_access_train_too(arrays):
    import tensorflow as tf

    (x, y), (x_val, y_val) = arrays
    train, validation = (tf.data.Dataset.from_tensor_slices(pair) for pair in ((x, y), (x_val, y_val)))
    data = kerascnn.Data(
        train, validation, image_shape=(12, 12, 1), class_names=("a", "b", "c"), train_size=90, validation_size=30
    )
    first, second = (classify(data, model=small, augment=None, **SHORT) for _ in range(2))
    assert first.history == second.history


@pytest.mark.slow
def test_mixed_labels_train_and_whole_ones_validate(arrays, tmp_path):
    augment = augmentation.Pipeline(augmentation.OneOf(augmentation.CutMix(), augmentation.MixUp(0.4)))
    options = SHORT | {"epochs": 30, "batch_size": 16, "class_weight": {0: 1.5}}
    result = classify(arrays, model=small, augment=augment, save_to=tmp_path, **options)
    assert result.metrics["accuracy"] >= 0.8
    assert result.metrics["accuracy"] == pytest.approx(max(result.history["val_accuracy"]))
    again = classify(arrays, model=small, augment=augment, **options)
    assert again.history == result.history
    record = json.loads((tmp_path / "result.json").read_text())
    assert 0 < record["input_wait"] < 1
    assert f"| training time spent waiting for input | {100 * record['input_wait']:.1f} % |" in (
        tmp_path / "README.md"
    ).read_text("utf-8")


def test_a_pipeline_in_a_file(arrays, tmp_path):
    augment = augmentation.Pipeline(augmentation.Shift(0.2), augmentation.MixUp(0.4))
    (tmp_path / "mild.yaml").write_text(augment.to_yaml())
    written, given = (
        classify(arrays, model=small, augment=each, **SHORT) for each in (tmp_path / "mild.yaml", augment)
    )
    assert written.history == given.history


def test_digits_are_at_hand():
    data = load("digits")
    assert (data.image_shape, data.classes) == ((8, 8, 1), 10)


@pytest.mark.slow
def test_limits_of_memory_and_time_go_through(arrays, tmp_path):
    options = {"accumulate": 2, "rematerialize": True, "fit_memory": True, "max_seconds": 3600.0}
    result = classify(arrays, model=small, save_to=tmp_path, **SHORT | options | {"batch_size": 16})
    assert result.extras["record"]["ended"] == "all epochs"
    assert json.loads((tmp_path / "run.json").read_text())["batch_size"] == 16
    same = classify(arrays, model=small, **SHORT | {"accumulate": 2, "batch_size": 16})
    np.testing.assert_allclose(result.history["loss"], same.history["loss"], rtol=1e-5)
