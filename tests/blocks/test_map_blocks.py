"""Numbers of the blocks for maps, worked out by hand."""

import keras
import numpy as np
import pytest

from kerascnn.blocks import attention_gate, decoder_block, encoder_block, map_head, stack

pytestmark = pytest.mark.backend


def named(*tensors):
    return [keras.Input(shape, name=name) for name, shape in zip(("first", "second"), tensors, strict=False)]


def draw(*shape, low=0, high=255):
    return np.random.default_rng(0).uniform(low, high, shape).astype("float32")


def test_the_encoder_gives_the_map_and_its_maxima():
    (x,) = named((4, 4, 2))
    skip, half = encoder_block(x, 3, name="encoder1")
    images = draw(2, 4, 4, 2)
    full, pooled = keras.Model(x, [skip, half]).predict(images, verbose=0)
    np.testing.assert_array_equal(pooled, full.reshape(2, 2, 2, 2, 2, 3).max((2, 4)))


def test_the_decoder_lays_the_shortcut_first_and_the_doubled_map_beside_it():
    x, skip = named((2, 2, 4), (4, 4, 3))
    model = keras.Model([x, skip], decoder_block(x, skip, 2, depth=1, normalization=None, name="decoder1"))
    up = model.get_layer("decoder1_up_conv")
    assert tuple(up.kernel.shape) == (2, 2, 2, 4) and tuple(up.bias.shape) == (2,)
    kernel = np.zeros((3, 3, 5, 2), "float32")
    kernel[1, 1, 0, 0] = kernel[1, 1, 3, 1] = 1  # the shortcut's first channel, the doubled map's first one
    model.get_layer("decoder1_1_conv").kernel.assign(kernel)
    coarse, fine = draw(1, 2, 2, 4), draw(1, 4, 4, 3)
    found = np.asarray(model([coarse, fine]))
    np.testing.assert_allclose(found[..., 0], fine[..., 0], 1e-6)
    doubled = np.einsum("byxc,ijc->byixj", coarse, np.asarray(up.kernel)[:, :, 0]).reshape(1, 4, 4)
    np.testing.assert_allclose(found[..., 1], np.maximum(doubled, 0), 1e-4, 1e-3)


def test_without_padding_the_middle_of_the_shortcut_counts():
    x, skip = named((4, 4, 2), (12, 12, 2))
    model = keras.Model([x, skip], decoder_block(x, skip, 2, padding="valid", name="decoder1"))
    assert model.get_layer("decoder1_crop").output.shape == (None, 8, 8, 2)
    assert model.output_shape == (None, 4, 4, 2)


def test_a_decoder_without_shortcut_has_no_concatenation():
    (x,) = named((4, 4, 2))
    model = keras.Model(x, decoder_block(x, None, 2, attention=True, name="decoder1"))
    assert model.output_shape == (None, 8, 8, 2)
    assert not [layer.name for layer in model.layers if "concat" in layer.name or "attention" in layer.name]


def test_the_attention_gate_weights_each_pixel_by_a_sigmoid():
    skip, gate = named((4, 4, 2), (2, 2, 3))
    model = keras.Model([skip, gate], attention_gate(skip, gate, name="gate"))
    images = [draw(1, 4, 4, 2), draw(1, 2, 2, 3)]
    weight = model.get_layer("gate_weight_conv")
    assert tuple(weight.kernel.shape) == (1, 1, 1, 1)  # half of two channels
    weight.kernel.assign(np.zeros((1, 1, 1, 1)))
    np.testing.assert_allclose(model(images), images[0] / 2, 1e-6)
    weight.bias.assign([np.log(3.0)])
    np.testing.assert_allclose(model(images), images[0] * 0.75, 1e-6)


def test_residual_blocks_in_a_stack_need_padding():
    with pytest.raises(ValueError, match="`padding` must be 'same' with residual blocks"):
        stack(keras.Input((8, 8, 2)), 4, block="residual", padding="valid", name="stack")
    with pytest.raises(ValueError, match="`block` must be one of 'plain', 'residual'"):
        stack(keras.Input((8, 8, 2)), 4, block="dense", name="stack")
    with pytest.raises(ValueError, match="`up` must be one of 'resize', 'transposed'"):
        decoder_block(keras.Input((8, 8, 2)), None, 4, up="unpool", name="decoder")


def test_the_heads_answer_in_their_units():
    (x,) = named((4, 4, 3))
    images = draw(2, 4, 4, 3, low=-2, high=2)
    softmax = np.asarray(keras.Model(x, map_head(x, 5, name="output"))(images))
    np.testing.assert_allclose(softmax.sum(-1), 1, 1e-5)
    sigmoid = np.asarray(keras.Model(x, map_head(x, 5, "sigmoid", name="output"))(images))
    assert np.all((sigmoid > 0) & (sigmoid < 1)) and np.ptp(sigmoid.sum(-1)) > 0.01
    model = keras.Model(x, map_head(x, 3, "image", name="output"))
    model.get_layer("output_conv").kernel.assign(np.eye(3).reshape(1, 1, 3, 3))
    np.testing.assert_allclose(model(images), 127.5 + 127.5 * images, 1e-5, 1e-3)  # not clipped


def test_the_residual_head_subtracts_and_begins_as_the_identity():
    x, image = named((4, 4, 2), (6, 6, 1))
    model = keras.Model([x, image], map_head(x, 1, "residual", image=image, name="output"))
    inputs = [draw(1, 4, 4, 2, low=-1, high=1), draw(1, 6, 6, 1)]
    np.testing.assert_array_equal(model(inputs), inputs[1][:, 1:5, 1:5])
    model.get_layer("output_conv").bias.assign([0.1])
    np.testing.assert_allclose(model(inputs), inputs[1][:, 1:5, 1:5] - 12.75, 1e-5, 1e-3)


def test_the_residual_head_needs_an_image_of_as_many_channels():
    x, image = named((4, 4, 2), (4, 4, 1))
    with pytest.raises(ValueError, match="`classes` must be the 1 channels of the image with head='residual'"):
        map_head(x, 3, "residual", image=image, name="output")
    with pytest.raises(ValueError, match="`head` must be one of"):
        map_head(x, 3, "logits", name="output")
