"""U-Nets over backbones: any size, shared weights, an encoder that can be frozen by stages."""

import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import models
from kerascnn.backbones import backbone, encoder_stages, freeze, trunk, unet_on, unfreeze
from kerascnn.backbones.freezing import stages
from kerascnn.layers import CropToReference, PadToMultiple, fuse
from kerascnn.layers.nested import output_in

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
THIN = (8, 8, 8, 4, 4)
# Of most families whose convolutions pad.
PADDED = ["vgg16", "resnet50_v2", "densenet121", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny"]
PADDED += ["efficientnet_lite0"]


def thin():
    return models.build("resnet20(filters=4, depths=(1, 1, 1))", (32, 32, 3), 10)


def images(*sizes, channels=3):
    return np.random.default_rng(0).integers(0, 256, (2, *sizes, channels), "uint8")


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize("name", PADDED)
def test_every_family_that_pads_can_be_an_encoder(name):
    model = unet_on(name, (None, None, 3), 4, weights=None, filters=THIN)
    assert model.name == f"unet_on_{name}" and model.output_shape == (None, None, None, 4)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    decoder = [f"decoder{stride}_2_act" for stride in (16, 8, 4, 2, 1)]
    assert [layer.name for layer in model.layers if layer.name in decoder] == decoder
    assert "decoder1_concat" not in {layer.name for layer in model.layers}


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize("name", ["inception_v3", "xception"])
def test_encoders_that_do_not_pad_are_refused(name):
    with pytest.raises(ValueError, match=rf"`encoder` must have maps of 256 / stride .* encoder='{name}'"):
        unet_on(name, (None, None, 3), 4, weights=None)


def test_the_answer_has_the_size_of_the_image_and_the_encoder_that_of_the_backbone():
    model = unet_on("mobilenet_v2", (None, None, 1), 3, weights=None, filters=THIN)
    pixels = images(40, 70, channels=1)
    answer = np.asarray(model(pixels))
    assert answer.shape == (2, 40, 70, 3) and answer.dtype == np.float32
    np.testing.assert_allclose(answer.sum(-1), 1, 1e-5)
    padded = np.asarray(PadToMultiple(32)(pixels.astype("float32")))
    np.testing.assert_allclose(answer, np.asarray(model(padded))[:, :40, :70], 1e-4, 1e-5)
    lower = backbone("mobilenet_v2", (64, 96, 1), weights=model)
    top = keras.Model(model.input, output_in(model, model.get_layer("out_relu")))
    np.testing.assert_allclose(top(pixels), lower(padded), 1e-4, 1e-5)


def test_a_model_gives_its_trunk_and_shares_its_weights():
    classifier = thin()
    model = unet_on(classifier, (None, None, 3), 2, filters=THIN)
    assert model.name == "unet_on_resnet20"
    assert model.get_layer("stem_conv").kernel is classifier.get_layer("stem_conv").kernel
    assert {layer.name for layer in model.layers} >= {"decoder2_concat", "decoder1_concat"}  # strides 4, 2 and 1
    assert model.get_layer("decoder2_up_conv").filters == 4
    assert np.asarray(model(images(18, 33))).shape == (2, 18, 33, 2)


def test_a_trunk_of_a_named_network_keeps_the_taps_of_the_table():
    lower = backbone("mobilenet_v2", (64, 64, 3), weights=None)
    x = layers.Dense(2, name="probabilities")(layers.GlobalAveragePooling2D(name="pool")(lower.output))
    model = unet_on(keras.Model(lower.input, x, name="mobilenet_v2_bees"), (None, None, 3), 2, filters=THIN)
    assert model.get_layer("decoder16_concat").input[0].shape[-1] == 576  # block_13_expand_relu
    assert np.asarray(model(images(32, 32))).shape == (2, 32, 32, 2)


def test_the_decoder_trains_alone_and_then_with_the_top_stage():
    lower = thin()
    model = unet_on(lower, (None, None, 3), 2, filters=THIN, attention=True)
    parts = encoder_stages(model)
    encoder = {name for names in parts for name in names}
    assert [set(names) - {"pad"} for names in parts] == [set(names) for names in stages(trunk(lower))]
    others = {layer.name for layer in model.layers} - encoder
    assert {name.partition("_")[0] for name in others} == {"crop", "output", "decoder2", "decoder1"}
    freeze(model)
    unfreeze(model, others, norms="trained")

    def changed():
        before = {weight.path: np.array(weight) for weight in model.weights}
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(images(32, 32), np.random.default_rng(0).uniform(size=(2, 32, 32, 2)), verbose=0)
        now = {weight.path: np.array(weight) for weight in model.weights}
        return {path.split("/")[0] for path in now if not np.array_equal(now[path], before[path])}

    assert changed() <= others and "decoder2_1_conv" in others
    unfreeze(model, parts[-1])
    moved = changed() & encoder
    assert moved and moved <= set(parts[-1])


def test_stages_of_any_size_are_those_of_a_fixed_size():
    free = backbone("mobilenet_v2", (None, None, 3), weights=None)
    assert free.output_shape == (None, None, None, 1280)
    assert stages(free, (64, 64, 3)) == stages(backbone("mobilenet_v2", (64, 64, 3), weights=None))
    with pytest.raises(ValueError, match=r"maps of a known size.*pass image_shape"):
        stages(free)


def test_a_file_and_the_fused_norm_keep_the_answers(tmp_path):
    model = unet_on(thin(), (None, None, 3), 2, filters=THIN)
    pixels = images(33, 32)
    expected = np.asarray(model(pixels))
    np.testing.assert_allclose(fuse(model)(pixels), expected, 1e-5, 1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(pixels), expected, 1e-5, 1e-6)
    assert encoder_stages(loaded) == encoder_stages(model)
    assert isinstance(loaded.get_layer("crop"), CropToReference)


@pytest.mark.parametrize(
    ("encoder", "shape", "options", "message"),
    [
        ("resnet18", (64, 64, 3), {}, "`backbone` must be one of"),
        ("mobilenet_v2", (64, 64, 4), {}, "must have 1 or 3 channels"),
        ("mobilenet_v2", (64, 64, 3), {"filters": (8, 8)}, "a number for each of the 5 strides from 16 to 1"),
        ("mobilenet_v2", (64, 64, 3), {"filters": 8}, "`filters` must be a tuple"),
    ],
)
def test_errors_name_the_argument_and_the_rule(encoder, shape, options, message):
    with pytest.raises(ValueError, match=message):
        unet_on(encoder, shape, 2, weights=None, **options)


def test_a_model_of_other_channels_or_without_strides_is_refused():
    flat = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, padding="same")], name="flat")
    with pytest.raises(ValueError, match="have the 1 channels that the encoder flat takes"):
        unet_on(flat, (8, 8, 3), 2)
    with pytest.raises(ValueError, match="`encoder` must have maps"):
        unet_on(flat, (8, 8, 1), 2)
