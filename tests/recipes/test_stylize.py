"""`stylize` with small images and a small network that was never trained, which sees edges all the same."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import kerascnn
from kerascnn import data as datasets
from kerascnn.stylizing import extractor, objective, painting
from recipes import __main__ as line
from recipes import _shell, _styles, stylize

RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:40, :60]
CONTENT = np.stack([4 * COLUMNS, 6 * ROWS, 255 - 4 * COLUMNS], -1).astype("uint8")
STRIPES = np.where((ROWS + COLUMNS) % 8 < 4, 220, 30)[..., None] * np.ones(3, int)
STRIPES = STRIPES.astype("uint8")


def backbone():
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / 127.5, -1)(image)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1")(x)
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="conv2")(x)
    return keras.Model(image, x, name="small")


LAYERS = {"content_layers": ("conv2",), "style_layers": ("conv1", "conv2")}
SHORT = {**LAYERS, "image_size": 48, "scales": 1, "steps": 6, "verbose": 0}


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch):
    monkeypatch.setattr(painting, "ROUND", 3)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for name, image in {"photo": CONTENT, "stripes": STRIPES, "dots": STRIPES[:, ::2]}.items():
        datasets.write_image(folder / f"{name}.png", image)
    return folder


@pytest.fixture(scope="module")
def painted(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    options = {"backbone": backbone(), "save_to": folder, **SHORT, "steps": 30, "scales": 2}
    return stylize(files / "photo.png", files / "stripes.png", **options)


@pytest.mark.backend
def test_an_image_comes_nearer_to_the_style_and_all_is_saved(painted):
    image = painted.extras["image"]
    assert image.shape == (32, 48, 3) and image.dtype == np.uint8
    content, stripes = (datasets.fit(each, (32, 48)) for each in (CONTENT, STRIPES))
    goal = objective(extractor(backbone(), ["conv2"], ["conv1", "conv2"]), 1, [stripes], [1], (1, 100, 100))
    before = _styles.judged(content, content, goal)
    assert painted.metrics["loss"] < 0.5 * before["loss"] and painted.metrics["style_loss"] < 0.5 * before["style_loss"]
    assert set(painted.metrics) == {"loss", "content_loss", "style_loss", "variation_loss"}
    assert painted.metrics["style_loss"] == pytest.approx(painted.history["style_loss"][-1], rel=0.05)  # it was rounded
    names = {file.name for file in painted.path.iterdir()}
    assert names >= {"image.png", "stylized.png", "curves.png", "steps", "model.keras", "result.json", "README.md"}
    assert "state.npz" not in names
    assert [file.name for file in sorted((painted.path / "steps").iterdir())][-1] == "00060.png"
    np.testing.assert_array_equal(datasets.read_image(painted.path / "image.png"), image)
    np.testing.assert_array_equal(painted.model.predict(np.zeros(1), verbose=0)[0], image)


def test_it_is_loaded_and_saved_elsewhere(painted, tmp_path):
    back = kerascnn.load(painted.path)
    np.testing.assert_array_equal(back.extras["image"], painted.extras["image"])
    np.testing.assert_array_equal(back.model.predict(np.zeros(1), verbose=0)[0], painted.extras["image"])
    assert back.metrics == painted.metrics and back.history == painted.history
    again = kerascnn.load(back.save(tmp_path / "copy").path)
    np.testing.assert_array_equal(again.extras["image"], painted.extras["image"])


def test_the_card_says_what_it_is(painted):
    card = (painted.path / "README.md").read_text()
    assert card.startswith("# style of stripes.png on photo.png\n\nAn image, painted by kerascnn's recipe `stylize`")
    assert "predict(np.zeros(1))" in card and "images/s" not in card and "recipes predict" not in card
    record = json.loads((painted.path / "result.json").read_text())
    assert record["stylized"]["style_layers"] == ["conv1", "conv2"]
    told = line._report(painted, "python -m recipes")
    assert "Predict" not in told and "extras['image']" in told


def test_the_same_call_shows_the_finished_run_and_another_is_refused(painted, files):
    options = {"backbone": backbone(), "save_to": painted.path, **SHORT, "steps": 30, "scales": 2}
    again = stylize(files / "photo.png", files / "stripes.png", **options)
    np.testing.assert_array_equal(again.extras["image"], painted.extras["image"])
    with pytest.raises(ValueError, match="with other arguments lies: style_weight"):
        stylize(files / "photo.png", files / "stripes.png", style_weight=3.0, **options)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_kill_changes_nothing(optimizer, tmp_path, monkeypatch):
    options = {"backbone": backbone(), "optimizer": optimizer, "start": "noise", **SHORT, "scales": 2}
    whole = stylize(CONTENT, STRIPES, **options)

    def kill(_image, step):
        if step == 9:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_styles, "keeper", lambda folder: kill)
        with pytest.raises(KeyboardInterrupt):
            stylize(CONTENT, STRIPES, save_to=tmp_path, **options)
    with pytest.raises(ValueError, match="`save_to` must be a new folder"):
        stylize(STRIPES, STRIPES, save_to=tmp_path, **options)
    resumed = stylize(CONTENT, STRIPES, save_to=tmp_path, **options)
    np.testing.assert_array_equal(resumed.extras["image"], whole.extras["image"])
    assert resumed.history == whole.history


def test_a_file_that_has_changed_is_not_gone_on_with(files, tmp_path, monkeypatch):
    def kill(_image, step):
        raise KeyboardInterrupt

    datasets.write_image(tmp_path / "photo.png", CONTENT)
    options = {"backbone": backbone(), "save_to": tmp_path / "run", **SHORT}
    with monkeypatch.context() as patch:
        patch.setattr(_styles, "keeper", lambda folder: kill)
        with pytest.raises(KeyboardInterrupt):
            stylize(tmp_path / "photo.png", STRIPES, **options)
    datasets.write_image(tmp_path / "photo.png", CONTENT[::-1])
    with pytest.raises(ValueError, match="have the pixels that the run in"):
        stylize(tmp_path / "photo.png", STRIPES, **options)


def test_colours_of_the_content_are_kept():
    """The differences between the channels are its own, wherever no value was cut off."""
    image = stylize(CONTENT, STRIPES, backbone=backbone(), keep_colors=True, **SHORT).extras["image"].astype(int)
    content = datasets.fit(CONTENT.astype("float32"), (32, 48))
    inside = ((image > 0) & (image < 255)).all(axis=-1)
    assert inside.mean() > 0.2
    assert np.abs(np.diff(image, axis=-1) - np.diff(content, axis=-1))[inside].max() <= 1
    assert np.abs(image - content).mean() > 3  # and yet something was done


def test_several_styles_are_blended_and_shares_count(files):
    both = [files / "stripes.png", files / "dots.png"]
    options = {"backbone": backbone(), **SHORT}
    alike = stylize(CONTENT, both, **options)
    uneven = stylize(CONTENT, {both[0]: 0.9, both[1]: 0.1}, **options)
    assert (alike.extras["image"] != uneven.extras["image"]).any()
    assert alike.extras["record"]["stylized"]["style"] == "stripes.png and dots.png"
    assert alike.extras["record"]["command"] is None  # of a network no shell knows


def test_it_starts_where_it_is_told(files):
    options = {"backbone": backbone(), **SHORT | {"steps": 1, "style_weight": 0.0, "variation": 0.0}}
    kept = stylize(CONTENT, STRIPES, content_weight=0.0, **options).extras["image"].astype(int)
    content = datasets.fit(CONTENT, (32, 48))
    assert np.abs(kept - content).max() <= 1  # nothing is asked
    other = stylize(CONTENT, STRIPES, start=files / "stripes.png", **options).extras["image"].astype(int)
    stripes = datasets.fit(STRIPES, (32, 48)).astype(int)
    assert np.abs(other - stripes).mean() < 0.3 * np.abs(other - content).mean()


@pytest.mark.slow
@pytest.mark.backend
def test_a_network_learns_the_style_of_any_image(files, tmp_path):
    images = RNG.integers(0, 256, (12, 24, 24, 3), "uint8")
    data = (images[:8], np.arange(8) % 2), (images[8:], np.arange(4) % 2)  # whose labels do not matter
    options = {"backbone": backbone(), "data": data, "train_size": 24, "model": "stylizer(filters=4, blocks=1)"}
    options |= {"epochs": 15, "learning_rate": 0.02, "save_to": tmp_path, **SHORT}
    result = stylize(files / "photo.png", files / "stripes.png", **options)
    assert min(result.history["val_loss"]) < 0.7 * result.history["val_loss"][0]
    assert result.extras["image"].shape == (32, 48, 3)
    back = kerascnn.load(tmp_path)
    painted = back.model.predict(CONTENT[None, :, :37], verbose=0)
    assert painted.shape == (1, 40, 37, 3)
    card = (tmp_path / "README.md").read_text()
    assert "It knows one style" in card and "python -m recipes predict" in card
    from recipes import predict

    (answer,) = predict(tmp_path, [files / "photo.png"], output=None, to=tmp_path / "to")
    assert datasets.read_image(answer["written"]).shape == (40, 60, 3)


def test_a_picture_answers_no_questions(painted, files):
    from recipes import predict

    with pytest.raises(ValueError, match="`model` must say what is in an image"):
        predict(painted.path, [files / "photo.png"])


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"style": ()}, "`style` must name at least one image"),
        ({"style": {"a.png": 0.0}}, r"`style` must be in \(0, inf\)"),
        ({"content": "absent.png"}, "Cannot read the image 'absent.png'"),
        ({"content": np.zeros((4, 4))}, r"`content` must be the path of an image or an array"),
        ({"style_layers": ("conv3",)}, "`style_layers` must name a layer that gives a map.*Did you mean 'conv"),
        ({"style_layers": None}, "`style_layers` must be given for small"),
        ({"style": np.zeros((4, 60, 3), "uint8")}, "`style` must be images of at least 5 pixels a side.*'conv2' sees"),
        ({"scales": 3}, "`scales` must leave 16 pixels"),
        ({"backbone": "efficientnet_lit0"}, "`backbone` must be one of"),
        ({"optimizer": "sgd"}, "`optimizer` must be one of"),
        ({"learning_rate": 1.0, "optimizer": "lbfgs"}, "`learning_rate` must be None for optimizer='lbfgs'"),
        ({"steps": 0}, "`steps` must be an integer of at least 1"),
        ({"variation": -1}, "`variation` must be in"),
        ({"keep_colors": True, "data": "digits"}, "`keep_colors` must be False for a network"),
        ({"model": "stylizer(filter=3)", "data": "digits"}, "`model` must have arguments among"),
    ],
)
def test_what_is_wrong_is_said_at_once(options, rule):
    call = {"content": CONTENT, "style": STRIPES, "backbone": backbone(), **SHORT, **options}
    with pytest.raises((ValueError, OSError), match=rule):
        stylize(**call)


def test_the_shell_takes_files_and_names_the_folder_by_them():
    words = ["--content", "my/photo.jpg", "--style", "a.jpg", "b.jpg", "--steps", "50", "--style-layers", "x", "y"]
    options = _shell.parse(stylize, words, prog="stylize")
    assert options["style"] == ["a.jpg", "b.jpg"] and options["content"] == "my/photo.jpg"
    assert options["style_layers"] == ["x", "y"] and options["data"] is None
    options = _shell.parse(stylize, words[:4] + words[5:7], prog="stylize")
    assert _shell.default_save_to(stylize, options) == "saved_models/runs/photo.jpg-stylize-a.jpg-steps=50"
