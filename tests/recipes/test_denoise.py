"""`denoise` with small networks on smooth images, which noise spoils."""

import json

import numpy as np
import pytest

import kerascnn
from kerascnn.metrics import psnr
from kerascnn.noise import Gaussian
from recipes import denoise

RNG = np.random.default_rng(0)
PLACES = np.linspace(0, 6, 16)
PHASES = RNG.uniform(0, 6, (48, 2))
WAVES = np.sin(PLACES[:, None] + PHASES[:, :1, None]) * np.cos(PLACES[None, :] + PHASES[:, 1:, None])
X = (127.5 + 100 * WAVES)[..., None].round().astype("uint8")
ARRAYS = (X[:32], np.arange(32) % 2), (X[32:], np.arange(16) % 2)  # whose labels do not matter
SMALL = "dncnn(depth=3, filters=8)"
SHORT = {"model": SMALL, "epochs": 2, "batch_size": 8, "precision": "float32", "verbose": 0, "augment": None}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("denoise")
    return denoise(ARRAYS, save_to=folder, **SHORT | {"epochs": 15, "learning_rate": 0.01})


def test_it_is_better_than_its_input_and_saves_all_that_a_run_is_worth(trained):
    assert trained.metrics["input_psnr"] == pytest.approx(20.2, abs=0.3)  # 20 log10(255 / 25)
    assert trained.metrics["psnr"] > trained.metrics["input_psnr"] + 3
    assert {"ssim", "mse", "filter_psnr", "filter_ssim"} <= set(trained.metrics)
    names = {file.name for file in trained.path.iterdir()}
    assert {"model.keras", "result.json", "README.md", "restored.png", "curves.png"} <= names
    record = json.loads((trained.path / "result.json").read_text())
    assert record["filter"]["name"] in ("gaussian", "median", "bilateral", "non_local_means")


def test_what_is_loaded_restores_images_of_any_size(trained):
    back = kerascnn.load(trained.path)
    image = np.tile(X[40], (2, 2, 1))[None, :27, :30]
    noisy = Gaussian(25)(image, [7])
    restored = back.model.predict(noisy, verbose=0)
    assert restored.shape == image.shape and restored.dtype == np.float32
    assert psnr(restored, image)[0] > psnr(noisy, image)[0] + 2


def test_validation_noise_is_the_same_in_every_epoch_and_training_noise_is_not():
    result = denoise(ARRAYS, **SHORT | {"epochs": 2, "learning_rate": 1e-20, "schedule": "constant"})
    assert result.history["val_psnr"][0] == result.history["val_psnr"][1]
    assert result.history["psnr"][0] != result.history["psnr"][1]


@pytest.mark.slow
def test_one_seed_repeats_everything_and_a_kill_changes_nothing(tmp_path, kill):
    options = SHORT | {"epochs": 3, "noise": "gaussian((0, 50)) + salt_and_pepper(0.05)", "augment": "auto"}
    whole = denoise(ARRAYS, **options)
    with pytest.raises(KeyboardInterrupt):
        denoise(ARRAYS, save_to=tmp_path, callbacks=[kill(1)], **options)
    resumed = denoise(ARRAYS, save_to=tmp_path, **options)
    assert resumed.history == whole.history
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_pairs_need_no_noise_and_an_image_can_be_predicted_whole():
    """What is sought is the negative of the image, which is easy."""
    pairs = (X[:32], 255 - X[:32]), (X[32:], 255 - X[32:])
    options = {"epochs": 30, "learning_rate": 0.02, "model": "fcn(filters=4, dilations=(1,))"}
    result = denoise(pairs, noise=None, predicts="image", **SHORT | options)
    assert result.metrics["psnr"] > 25 > result.metrics["input_psnr"]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"noise": "rain(3)"}, "`noise` must be one of"),
        ({"predicts": "noise"}, "`predicts` must be one of"),
        ({"loss": "ssim"}, "`loss` must be one of"),
        ({"model": "resnet20"}, "`model` must be one of 'attention_unet'"),
        ({"noise": None}, "`noise` must be given where each image is its own target"),
        ({"patch": 17}, "`patch` must be at most the shorter side, 16"),
    ],
)
def test_what_is_wrong_is_said_before_training(options, rule):
    with pytest.raises(ValueError) as caught:
        denoise(ARRAYS, **SHORT | options)
    assert str(caught.value).startswith(rule)


def test_pairs_with_noise_and_residuals_of_other_channels_are_refused():
    pairs = (X[:32], 255 - X[:32]), (X[32:], 255 - X[32:])
    with pytest.raises(ValueError, match="`noise` must be None for pairs"):
        denoise(pairs, **SHORT)
    colour = tuple((x, np.repeat(y, 3, axis=-1)) for x, y in pairs)
    with pytest.raises(ValueError, match="`predicts` must be 'image' where targets have 3 channels and images 1"):
        denoise(colour, noise=None, **SHORT)
