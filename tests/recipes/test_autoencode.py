"""`autoencode` with small networks on smooth images, whose classes are their orientation."""

import importlib
import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import kerascnn
from kerascnn import data as datasets
from kerascnn import layers
from kerascnn.layers.codes import START
from recipes import __main__ as line
from recipes import autoencode, finetune, predict

module = importlib.import_module("recipes.autoencode")
RNG = np.random.default_rng(0)
PHASES = RNG.uniform(0, 6, 64)
Y = np.arange(64) % 2
WAVES = [np.sin(np.arange(12) * 0.7 + phase)[:, None].repeat(12, axis=1) for phase in PHASES]
X = (127.5 + 100 * np.stack([wave.T if y else wave for wave, y in zip(WAVES, Y, strict=True)]))[..., None].astype(
    "uint8"
)
ARRAYS = (X[:40], Y[:40]), (X[40:], Y[40:])
DENSE, CONV = "dense_autoencoder(units=(16,))", "conv_autoencoder(filters=(4, 8), units=(16,))"
SHORT = {"code_size": 4, "epochs": 2, "batch_size": 8, "precision": "float32", "verbose": 0, "pictures": False}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("autoencode")
    options = {"model": CONV, "epochs": 40, "learning_rate": 0.02, "save_to": folder, "pictures": True}
    return autoencode(ARRAYS, **SHORT | options)


def test_it_learns_and_saves_all_that_a_run_is_worth(trained):
    assert trained.metrics["mse"] < 0.02 < 0.07 < np.var(X / 255)
    assert {"mse_pca", "psnr", "ssim", "active_units", "linear_probe_accuracy"} <= set(trained.metrics)
    names = {file.name for file in trained.path.iterdir()}
    assert {"model.keras", "result.json", "README.md", "curves.png", "reconstructions.png", "codes.png"} <= names
    record = json.loads((trained.path / "result.json").read_text())
    assert record["autoencoder"] == {"kind": "conv", "code_size": 4}
    assert record["command"] is None or "autoencode" in record["command"]
    card = (trained.path / "README.md").read_text()
    assert "An autoencoder, `conv_autoencoder(filters=(4, 8), units=(16,))`" in card and "a code of 4 numbers" in card


def test_the_halves_are_the_whole_also_when_it_is_loaded(trained):
    back = kerascnn.load(trained.path)
    codes = trained.encoder.predict(X, verbose=0)
    assert codes.shape == (64, 4) and codes.dtype == np.float32
    np.testing.assert_allclose(back.encoder.predict(X, verbose=0), codes, 1e-4, 1e-4)
    rebuilt = back.decoder.predict(codes, verbose=0)
    assert rebuilt.shape == X.shape and rebuilt.dtype == np.float32
    np.testing.assert_allclose(rebuilt, trained.model.predict(X, verbose=0), 1e-3, 0.1)


def test_other_results_have_no_halves():
    image = keras.Input((4,))
    with pytest.raises(ValueError, match="`model` must have a layer 'code'"):
        _ = kerascnn.training.Result(keras.Model(image, keras.layers.Dense(2)(image)), {}, {}).encoder


@pytest.mark.parametrize("tied", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_linear_one_explains_what_principal_components_do(tied):
    from sklearn.decomposition import PCA

    digits = datasets.load("digits", targets="images")
    images = np.stack([image for image, _ in digits.train.as_numpy_iterator()])
    rows = images.reshape(len(images), -1) / 255
    result = autoencode("digits", kind="linear", tied=tied, code_size=8, verbose=0, pictures=False)
    rebuilt = result.model.predict(images, verbose=0).reshape(rows.shape) / 255
    explained = 1 - np.mean((rebuilt - rows) ** 2) / np.mean((rows - rows.mean(axis=0)) ** 2)
    best = PCA(8).fit(rows).explained_variance_ratio_.sum()
    assert best - 0.01 < explained < best + 1e-4


@pytest.mark.filterwarnings("ignore:.*units of the code say nothing")  # after so few steps
@pytest.mark.parametrize(
    ("kind", "options", "code"),
    [
        ("mlp", {"model": DENSE, "tied": True}, keras.layers.Activation),
        pytest.param("sparse", {"model": CONV}, layers.SparseCode, marks=pytest.mark.slow),
        ("sparse", {"model": DENSE, "sparsity": 0.5}, layers.SparseCode),
        pytest.param(
            "denoising",
            {"model": CONV, "noise": "masked(0.3)", "augment": "auto", "passes": 2},
            keras.layers.Dense,
            marks=pytest.mark.slow,
        ),
        ("variational", {"model": CONV, "loss": "crossentropy"}, layers.GaussianCode),
    ],
)
def test_every_kind_trains(kind, options, code):
    result = autoencode(ARRAYS, kind=kind, **SHORT | options)
    facts = result.extras["record"]["autoencoder"]
    assert type(result.model.get_layer("code")) is code and facts["kind"] == kind
    assert result.encoder.output_shape == (None, 4) and result.decoder.output_shape == (None, 12, 12, 1)
    assert np.isfinite(result.history["val_loss"]).all() and 0 < result.metrics["mse"] < 1
    if kind == "sparse":
        given = options.get("sparsity")
        assert facts["sparsity"] == given if given else facts["sparsity"] > START  # from 50 % active down to 20 %
    assert facts.get("noise") == options.get("noise")


def test_the_divergence_is_weighed_for_the_likelihood_of_an_image():
    values = 12 * 12
    assert module._divergence(3.0, "crossentropy", (12, 12, 1)) == pytest.approx(3 / values)
    assert module._divergence(3.0, "mse", (12, 12, 1)) == pytest.approx(3 * 2 * 0.1**2 / values)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*units of the code say nothing")  # after so few steps
@pytest.mark.parametrize("kind", ["denoising", "sparse", "variational"])
def test_a_kill_changes_nothing(kind, tmp_path, kill):
    options = SHORT | {"model": CONV, "epochs": 3, "kind": kind}
    whole = autoencode(ARRAYS, **options)
    with pytest.raises(KeyboardInterrupt):
        autoencode(ARRAYS, save_to=tmp_path, callbacks=[kill(1)], **options)
    resumed = autoencode(ARRAYS, save_to=tmp_path, **options)
    assert resumed.history == whole.history
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def halfway(true, pred):
    return ops.mean(ops.square(ops.cast(true, "float32") - pred) / 255**2, axis=(1, 2, 3)) / 2


def test_images_without_labels_and_losses_of_ones_own():
    result = autoencode(X, model=own, loss=halfway, **SHORT)
    assert "linear_probe_accuracy" not in result.metrics and result.metrics["mse"] > 0
    both = autoencode(X, model=own, loss="mse", **SHORT)
    assert result.history["loss"][0] == pytest.approx(both.history["loss"][0] / 2, rel=0.1)


def own(image_shape, code_size):
    image = keras.Input(image_shape)
    code = keras.layers.Dense(code_size, name="code")(keras.layers.Flatten()(image))
    x = keras.layers.Dense(int(np.prod(image_shape)))(code)
    return keras.Model(image, keras.layers.Reshape(image_shape)(x), name="own")


@pytest.mark.slow
def test_a_loss_by_what_a_backbone_sees():
    images = np.repeat(np.repeat(X, 3, axis=1), 3, axis=2)
    result = autoencode(images, loss="mse + 0.1 * perceptual", model=DENSE, **SHORT)
    assert result.history["loss"][1] < result.history["loss"][0]


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_code_larger_than_the_image_is_allowed_with_a_warning():
    with pytest.warns(UserWarning, match="`code_size` must be below the 144 values of an image, or the identity"):
        autoencode(ARRAYS, model=DENSE, **SHORT | {"code_size": 150, "epochs": 1})


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"kind": "spars"}, "`kind` must be one of .*Did you mean 'sparse'"),
        ({"code_size": 0}, "`code_size` must be an integer of at least 1"),
        ({"model": "unet"}, "`model` must be one of 'conv_autoencoder', 'dense_autoencoder'"),
        ({"model": "conv_autoencoder(filter=4)"}, "Did you mean 'filters'"),
        ({"kind": "linear", "model": DENSE}, "`model` must be None for kind='linear'"),
        ({"kind": "linear", "loss": "mse + crossentropy"}, "`loss` must take any value for kind='linear'"),
        ({"tied": True}, "`tied` must be False unless dense layers"),
        ({"kind": "sparse", "model": DENSE, "tied": True}, "`tied` must be False unless dense layers"),
        ({"loss": "msse"}, "`loss` must be one of .*'perceptual'.*Did you mean 'mse'"),
        ({"loss": "ssim", "data": X[:, :10]}, "`images` must be .* with sides of at least 11"),
        ({"noise": "gaussian(25)"}, "`noise` must be None unless kind='denoising'"),
        ({"kind": "denoising", "noise": "rain(3)"}, "`noise` must be one of"),
        ({"sparsity": -1.0}, "`weight` must be in"),
        ({"active": 1.0}, "`active` must be in"),
        ({"beta": -1.0}, "`beta` must be in"),
        ({"learning_rate": 0.0}, "`learning_rate` must be in"),
        ({"passes": 0}, "`passes` must be an integer of at least 1"),
        ({"data": ((X[:40], 255 - X[:40]), (X[40:], 255 - X[40:]))}, "`data` must be images, which are their own"),
        ({"kind": "variational", "model": own}, "`model` must have a layers.GaussianCode named 'code'"),
    ],
)
def test_what_is_wrong_is_said_before_training(options, rule):
    data = options.get("data", ARRAYS)
    with pytest.raises(ValueError, match=rule):
        autoencode(data, **SHORT | {name: value for name, value in options.items() if name != "data"})


@pytest.mark.parametrize("given", [lambda result: result, lambda result: str(result.path), lambda result: result.model])
def test_finetune_takes_the_encoder(trained, given):
    few = (X[:8], Y[:8]), (X[40:], Y[40:])
    short = {"head_epochs": 2, "unfreeze": None, "batch_size": 4, "views": 1, "augment": None, "verbose": 0}
    result = finetune(few, backbone=given(trained), pictures=False, **short)
    names = [layer.name for layer in result.model.layers]
    assert "encoder2_1_conv" in names and not any(name.startswith("decoder") for name in names)
    assert result.model.layers[-1].kernel.shape[0] == 3 * 3 * 8  # places are kept apart
    kernels = [model.get_layer("encoder2_1_conv").kernel for model in (result.model, trained.model)]
    np.testing.assert_array_equal(*map(np.asarray, kernels))


def test_the_shell_trains_and_says_what_is_unusual(tmp_path, trained, capsys):
    folder = str(tmp_path / "run")
    options = [
        "--kind",
        "mlp",
        "--model",
        DENSE,
        "--code-size",
        "4",
        "--epochs",
        "1",
        "--no-pictures",
        "--verbose",
        "0",
    ]
    assert line.main(["autoencode", "--data", "digits", *options, "--save-to", folder]) == 0
    assert "mse_below_pca" in capsys.readouterr().out
    Image.fromarray(X[50, :, :, 0]).resize((24, 24)).save(tmp_path / "wave.png")
    Image.fromarray(RNG.integers(0, 256, (12, 12), "uint8")).save(tmp_path / "noise.png")
    files = [tmp_path / "wave.png", tmp_path / "noise.png"]
    wave, noise = predict(trained.path, files, output="table", to=tmp_path)
    assert "unusual" in capsys.readouterr().out
    assert noise["unusual"] and noise["error"] > 3 * wave["error"]
    with Image.open(tmp_path / "wave-rebuilt.png") as rebuilt:
        assert rebuilt.size == (12, 12) and wave["written"] == str(tmp_path / "wave-rebuilt.png")


def test_what_of_data_has_labels(tmp_path):
    (tmp_path / "one").mkdir()
    labelled = {"digits": True, "scenes/digits": False, tmp_path: True, tmp_path / "one": False}
    assert {data: datasets.labelled(data) for data in labelled} == labelled
    assert datasets.labelled(ARRAYS) and datasets.labelled((X, Y)) and not datasets.labelled(X)
    assert not datasets.labelled((X, X)) and not datasets.labelled(((X, X), (X, X)))
    read = datasets.load(ARRAYS)
    assert datasets.labelled(read) and not datasets.labelled(datasets.load(read, targets="images"))
