"""Fine-tuning on four colours, by a small backbone with norms that have seen something else."""

import shlex
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import kerascnn
from kerascnn import backbones, models, training
from kerascnn import data as datasets
from kerascnn.augmentation import Pipeline, RandomFlip, Shift
from kerascnn.training import Result
from kerascnn.training.record import command
from recipes import __main__ as line
from recipes import _shell, finetune, predict

COLOURS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [180, 180, 20]])
AUGMENT = Pipeline(RandomFlip(), Shift(0.1))
SHORT = {"head_epochs": 2, "epochs": 2, "batch_size": 8, "views": 1, "augment": AUGMENT, "verbose": 0}
TOP = SHORT | {"unfreeze": 1, "learning_rate": 1e-2}
ALL = ("low", "mid", "high")


def painted(count, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(count, dtype="int32") % 4
    return (COLOURS[y][:, None, None] + rng.integers(-40, 41, (count, 16, 16, 3))).clip(0, 255).astype("uint8"), y


ARRAYS = painted(32, 0), painted(16, 1)


@pytest.fixture(scope="module")
def data():
    return datasets.load(ARRAYS)


def small():
    """Three resolutions, each a convolution and a norm whose weights and statistics are no round numbers."""
    x = image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, -1, name="rescale")(x)
    for name, filters in zip(ALL, (6, 8, 12), strict=True):
        x = keras.layers.Conv2D(filters, 3, 2, "same", use_bias=False, name=f"{name}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
        x = keras.layers.ReLU(name=f"{name}_act")(x)
    x = keras.layers.Dense(5, "softmax", name="answer")(keras.layers.GlobalAveragePooling2D(name="pool")(x))
    model, rng = keras.Model(image, x, name="small"), np.random.default_rng(5)
    for weight in model.weights:
        is_kernel = weight.name == "kernel"
        weight.assign(rng.normal(0, 0.3, weight.shape) if is_kernel else rng.uniform(0.6, 1.4, weight.shape))
    return model


def by_name(model):
    """The weights of a model by "layer/weight"."""
    return {f"{layer.name}/{weight.name}": np.array(weight) for layer in model.layers for weight in layer.weights}


def moved(before, after):
    """The names of the weights that are not the same bit for bit; all that `after` has and `before` has not are out."""
    return {name for name in before if name in after and not np.array_equal(before[name], after[name])}


BEFORE = by_name(small())
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


class Ends(keras.callbacks.Callback):
    """Keeps the weights that each stage ends with, while its layers are as it had them."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_end(self, logs=None):
        self.weights.append(by_name(self.model))


@pytest.fixture(scope="module")
def frozen(data, tmp_path_factory):
    """The backbone as it was given, the result with the head alone, and the arguments."""
    folder, network = tmp_path_factory.mktemp("frozen"), small()
    options = SHORT | {"unfreeze": None, "head_epochs": 6, "save_to": folder, "backbone": network, "norms": "trained"}
    return network, finetune(data, **options), options


@pytest.fixture(scope="module")
def top(data, tmp_path_factory):
    """The backbone as it was given, and the result with its top stage trained."""
    network = small()
    return network, finetune(data, backbone=network, save_to=tmp_path_factory.mktemp("top"), **TOP)


def test_frozen_is_frozen(frozen):
    network, result, _ = frozen
    after = by_name(result.model)
    assert len(BEFORE) == 17 and len(set(BEFORE) & set(after)) == 15  # all but the old answer
    assert moved(BEFORE, after) == moved(BEFORE, by_name(network)) == set()
    assert result.metrics["accuracy"] >= 0.9


def test_what_trains_moves_and_what_is_below_does_not(top):
    network, result = top
    assert moved(BEFORE, by_name(result.model)) == {"high_conv/kernel"}  # no norm either
    assert moved(BEFORE, by_name(network)) == set()
    assert result.metrics["accuracy"] >= 0.9


@pytest.mark.slow
def test_gradually_and_with_norms(data):
    ends, network = Ends(), small()
    result = finetune(data, backbone=network, callbacks=[ends], gradual=True, norms="trained", **TOP | {"unfreeze": 2})
    of = {part: {f"{part}_conv/kernel", *(f"{part}_norm/{name}" for name in NORM)} for part in ALL}
    assert [moved(BEFORE, each) for each in ends.weights] == [set(), of["high"], of["high"] | of["mid"]]
    assert moved(ends.weights[1], ends.weights[2]) >= of["high"] | of["mid"]
    assert moved(BEFORE, by_name(network)) == set()
    stages = result.extras["record"]["stages"]
    assert [stage["name"] for stage in stages] == ["head", "top 1", "top 2"]
    head, high, mid = 12 * 4 + 4, 9 * 8 * 12 + 2 * 12, 9 * 6 * 8 + 2 * 8
    assert [stage["trainable_weights"] for stage in stages] == [head, head + high, head + high + mid]


def test_lower_stages_are_slower(data):
    rates = {"layer_decay": 0.01, "schedule": "constant", "weight_decay": 0.0, "learning_rate": 1e-3, "augment": None}
    after = by_name(finetune(data, backbone=small(), **SHORT | rates | {"unfreeze": "all"}).model)
    steps = [np.abs(after[f"{part}_conv/kernel"] - BEFORE[f"{part}_conv/kernel"]).max() for part in ALL]
    bounds = [2 * 4 * 1e-3 * 0.01**power for power in (3, 2, 1)]  # of Adam's steps, 4 an epoch
    for step, bound in zip(steps, bounds, strict=True):
        assert bound / 20 < step < 1.5 * bound + 1e-7


def test_the_record_tells_of_the_stages(top):
    _, result = top
    record = result.extras["record"]
    assert record["recipe"] == "finetune" and record["notes"] == []
    assert result.history["stage"] == [1, 1, 2, 2] and record["judged_on"] == "validation"
    for stage in record["stages"]:
        assert stage["epochs"] == 2 and stage["seconds"] > 0 and stage["peak_memory_mib"] > 100
    assert [stage["trainable_weights"] for stage in record["stages"]] == [52, 52 + 9 * 8 * 12]
    assert record["arguments"]["backbone"].startswith("Functional small of")
    assert "Pipeline" in record["augmentation"] and record["batch_size"] == 8


def test_pictures_are_saved_and_a_finished_run_is_loaded(data, frozen, monkeypatch):
    network, result, options = frozen
    names = {file.name for file in Path(result.path).iterdir()}
    assert {"gradcam.png", "feature_maps.png", "filters.png", "curves.png", "confusion.png"} <= names
    assert {"model.keras", "result.json", "README.md"} <= names and not {"parts", "state.npz"} & names
    monkeypatch.setattr(training, "run_stages", None)
    again = finetune(data, **options | {"backbone": Result(network, {}, {})})  # the same call
    assert again.extras["record"]["date"] == result.extras["record"]["date"]
    x = ARRAYS[1][0]
    answers = [each.model.predict(x, verbose=0) for each in (again, result)]
    np.testing.assert_allclose(*answers, atol=1e-6)
    with pytest.raises(ValueError, match="backbone='Functional small of"):
        finetune(data, **options | {"backbone": models.build("lenet5", (16, 16, 3), 4)})


def same(one, other):
    assert one.history == other.history
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.slow
def test_one_seed_repeats_everything_and_another_does_not(data, top):
    same(finetune(ARRAYS, backbone=small(), **TOP), top[1])  # arrays are the same data, too
    assert finetune(data, backbone=small(), seed=1, **TOP).history != top[1].history


@pytest.mark.slow
def test_killed_in_each_stage_it_ends_as_one_that_never_was(data, top, tmp_path, kill):
    for epoch in (1, 2):  # the second of the head; then, of what is left, the second of the top
        with pytest.raises(KeyboardInterrupt):
            finetune(data, backbone=small(), save_to=tmp_path, callbacks=[kill(epoch)], **TOP)
        assert (tmp_path / "parts" / "head").exists() and not (tmp_path / "result.json").exists()
    assert (tmp_path / "parts" / "top 1" / "state.npz").exists()
    same(finetune(data, backbone=small(), save_to=tmp_path, **TOP), top[1])


def test_a_head_with_fresh_augmentation_learns_too(data):
    result = finetune(data, backbone=small(), head_views=None, unfreeze=None, **SHORT | {"head_epochs": 3})
    assert result.metrics["accuracy"] >= 0.9
    assert moved(BEFORE, by_name(result.model)) == set()


def test_without_epochs_of_its_own_the_head_begins_at_the_means(data):
    options = SHORT | {"epochs": 1, "head_epochs": 0, "unfreeze": 1, "learning_rate": 1e-9}
    result = finetune(data, backbone=small(), **options)
    assert result.metrics["accuracy"] >= 0.9 and result.history["stage"] == [1]


@pytest.mark.filterwarnings("ignore:4 of 4 classes with one training image only:UserWarning")
@pytest.mark.filterwarnings("ignore:With validation=0 no image is held out:UserWarning")
def test_one_image_a_class_gives_the_nearest_by_direction():
    (few, labels), (many, _) = painted(4, 2), ARRAYS[1]
    options = SHORT | {"batch_size": None, "head_epochs": 1, "unfreeze": None}
    result = finetune((few, labels), backbone=small(), validation=0, **options)
    assert result.extras["record"]["data"]["sizes"] == {"train": 4, "validation": 4, "test": 0}
    network = small()
    lower = keras.Model(network.input, network.get_layer("pool").output)
    seen = [lower.predict_on_batch(each) for each in (few, many)]
    one, others = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in seen)
    expected = labels[(others @ one.T).argmax(axis=1)]
    answers = result.model.predict_on_batch(many).argmax(axis=1)
    assert (answers == expected).mean() >= 0.9 and len(set(expected)) == 4


def test_one_image_a_class_and_a_validation_split():
    options = SHORT | {"batch_size": None, "head_epochs": 1, "epochs": 1, "unfreeze": 1}
    with pytest.warns(UserWarning, match="4 of 4 classes with one training image only"):
        result = finetune((painted(4, 2), ARRAYS[1]), backbone=small(), **options)
    assert result.extras["record"]["data"]["sizes"] == {"train": 4, "validation": 16, "test": 0}
    assert result.history["stage"] == [1, 2]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A Result of five classes, saved: what another job has trained."""
    folder = tmp_path_factory.mktemp("source")
    keras.utils.set_random_seed(3)
    network = models.build("lenet5(filters=(4, 8))", (16, 16, 3), 5)
    network.save(folder / "model.keras")
    (folder / "result.json").write_text('{"history": {}, "metrics": {}}')
    return Result(network, {}, {}, folder)


@pytest.mark.parametrize("kind", ["result", "folder"])
def test_weights_come_from_another_run(data, source, kind):
    weights = {"result": source, "folder": source.path}[kind]
    options = SHORT | {"head_epochs": 1, "unfreeze": None}
    result = finetune(data, backbone="lenet5(filters=(4, 8))", weights=weights, **options)
    given, after = by_name(source.model), by_name(result.model)
    kept = {f"stage{number}_conv/{name}" for number in (1, 2) for name in ("kernel", "bias")}
    head = {"probabilities/kernel", "probabilities/bias"}  # anew, for four classes
    assert set(after) == kept | head and moved(given, after) == head
    assert result.extras["record"]["notes"] == ["weights: taken 4 of 4 weights"]


def test_nothing_in_common_is_an_error(data, source):
    with pytest.raises(ValueError, match="have weights in common with 'resnet20'"):
        finetune(data, backbone="resnet20(filters=4)", weights=source, **SHORT)


def test_all_but_the_output_is_kept(data, source):
    """The hidden layers of the old head are frozen with the rest, and the new head has hidden ones of its own."""
    options = SHORT | {"units": (6,), "epochs": 1, "keep": "all but output"}
    ends = Ends()
    result = finetune(data, backbone=source, unfreeze=1, callbacks=[ends], **options)
    given, after = by_name(source.model), by_name(result.model)
    dense = {f"probabilities_{number}_dense/{name}" for number in (1, 2) for name in ("kernel", "bias")}
    assert moved(given, after) == dense  # the top stage
    head = {f"probabilities2{layer}/{name}" for layer in ("_1_dense", "") for name in ("kernel", "bias")}
    assert (
        set(ends.weights[0]) == head
        and set(after) == set(given) - {"probabilities/kernel", "probabilities/bias"} | head
    )
    np.testing.assert_array_equal(by_name(source.model)["probabilities/kernel"], given["probabilities/kernel"])


def test_a_network_of_the_zoo_is_a_backbone():
    options = SHORT | {"unfreeze": None, "head_epochs": 1, "batch_size": 64, "augment": None}
    result = finetune("digits", backbone="digits-resnet20", **options)
    zoo = by_name(training.load("digits-resnet20").model)
    assert moved(zoo, by_name(result.model)) <= {"probabilities/kernel", "probabilities/bias"}
    assert result.metrics["accuracy"] >= 0.97


@pytest.mark.slow
def test_grey_photographs_on_imagenet_weights(capsys):
    (x, y), held = ARRAYS
    grey = ((x[..., :1], y), (held[0][..., :1], held[1]))
    options = SHORT | {"unfreeze": None, "head_epochs": 1, "augment": None, "verbose": 2}
    result = finetune(grey, image_size=32, **options)
    note = "grey images are repeated to the three channels of efficientnet_lite0"
    assert result.extras["record"]["notes"] == [note] and note in capsys.readouterr().err
    assert result.model.input_shape == (None, 32, 32, 1)
    given = by_name(backbones.backbone("efficientnet_lite0", (32, 32, 1)))
    assert len(given) > 200 and set(given) < set(after := by_name(result.model)) and moved(given, after) == set()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"backbone": "efficientnet_lit0"}, "Did you mean 'efficientnet_lite0'"),
        ({"backbone": "resnet20"}, "`weights` must be others for resnet20"),
        ({"weights": "no such run"}, "`weights` must be the folder of a run"),
        ({"keep": "all"}, "`keep` must be one of"),
        ({"pooling": "mean"}, "`pooling` must be one of"),
        ({"dropout": 1.0}, "`dropout` must be in"),
        ({"head_epochs": 0, "unfreeze": None}, "`head_epochs` must be an integer of at least 1"),
        ({"head_epochs": -1, "unfreeze": 1}, "`head_epochs` must be an integer of at least 0"),
        ({"head_views": 0}, "`head_views` must be an integer of at least 1"),
        ({"epochs": 0}, "`epochs` must be an integer of at least 1"),
        ({"unfreeze": "top"}, "`unfreeze` must be an integer .* 'auto', 'all' or None"),
        ({"unfreeze": True}, "`unfreeze` must be an integer"),
        ({"layer_decay": 0.0}, "`layer_decay` must be in"),
        ({"norms": "thawed"}, "`norms` must be one of"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1"),
        ({"learning_rate": 0.0}, "`learning_rate` must be in"),
        ({"schedule": "cosin"}, "Did you mean 'cosine'"),
        ({"weight_decay": -1.0}, "`weight_decay` must be in"),
        ({"label_smoothing": 1.0}, "`label_smoothing` must be in"),
        ({"clip_norm": 0.0}, "`clip_norm` must be in"),
        ({"ema": 1.0}, "`ema` must be in"),
        ({"class_weight": "even"}, "`class_weight` must be None, 'balanced' or a mapping"),
        ({"augment": "lots"}, "`augment` must"),
        ({"views": 3}, "`views` must be one of 1, 2, 6"),
        ({"precision": "fp16"}, "`precision` must be one of"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"verbose": 3}, "`verbose` must be one of"),
        ({"tensorboard": True}, "`tensorboard` must be False without a folder"),
    ],
)
def test_wrong_arguments_are_named_before_the_data_are_read(options, text):
    with pytest.raises(ValueError, match=text):
        finetune(Path("no such folder"), **options)


def test_more_stages_than_there_are_are_named_before_anything_is_computed(data, monkeypatch):
    for slow in ("run_stages", "features"):
        monkeypatch.setattr(training, slow, None)
    with pytest.raises(ValueError, match=r"`unfreeze` must be in \[0, 3\]. Received: unfreeze=4. Pass 'all'"):
        finetune(data, backbone=small(), **SHORT | {"unfreeze": 4})


def test_the_help_has_every_option(capsys):
    documented = {each.arg_name for each in _shell.documentation(finetune.__doc__).params}
    options = _shell.shell_signature(finetune).parameters
    assert set(options) <= documented
    with pytest.raises(SystemExit) as end:
        line.main(["finetune", "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert all(f"--{name.replace('_', '-')}" in text for name in options)


def test_the_command_of_a_record_parses_to_the_same_arguments():
    given = {
        "data": "photos",
        "unfreeze": "all",
        "head_views": None,
        "units": (8, 4),
        "gradual": True,
        "image_size": 64,
    }
    options = _shell.parse(finetune, ["--data", "photos"], prog="finetune")
    words = shlex.split(command(finetune, {**options, "callbacks": (), **given}))
    assert words[:4] == ["python", "-m", "recipes", "finetune"]
    assert _shell.parse(finetune, words[4:], prog="finetune") == {**options, **given}


def test_from_the_shell_to_a_prediction(tmp_path, capsys):
    x, y = painted(24, 3)
    for number, (image, label) in enumerate(zip(x, y, strict=True)):
        folder = tmp_path / "photos" / ("red", "green", "blue", "yellow")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).resize((20, 16)).save(folder / f"{number}.png")
    small().save(tmp_path / "small.keras")
    words = "--data {0}/photos --backbone {0}/small.keras --unfreeze None --head-epochs 2 --save-to {0}/run --verbose 0"
    status = line.main(["finetune", *words.format(tmp_path).split(), "--validation", "0.2", "--batch-size", "4"])
    assert status == 0 and "predict --model" in capsys.readouterr().out
    (answer,) = predict(tmp_path / "run", [tmp_path / "photos" / "blue" / "2.png"], output=None)
    assert answer["predictions"][0]["label"] == "blue"
    assert kerascnn.load(tmp_path / "run").extras["record"]["data"]["report"]["resize"] == "crop"
