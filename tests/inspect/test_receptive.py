"""Receptive fields against the support of gradients: of networks with positive weights, in which nothing cancels."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import models
from kerascnn.inspect import Field, gradient, receptive_fields
from kerascnn.inspect.receptive import linked, seen
from kerascnn.inspect.tracing import calls, traced
from kerascnn.layers import CropToReference, FixedConv2D, LpPooling2D, PadToMultiple


def conv(x, size=3, **options):
    return layers.Conv2D(2, size, activation="relu", kernel_initializer=positive(), **options)(x)


def positive():
    return keras.initializers.RandomUniform(0.5, 1.0)


def inception(x):
    wide = conv(x, (1, 5), padding="same")
    gaps = conv(conv(x, 1), 3, padding="same", dilation_rate=2)
    pooled = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return conv(layers.Concatenate()([conv(x, 1), wide, gaps, pooled]), 3, strides=2)


def residual(x):
    x = conv(layers.ZeroPadding2D(((1, 2), (0, 3)))(x), 4, strides=2)
    y = layers.BatchNormalization()(conv(conv(x, padding="same"), 2, padding="same"))
    x = layers.Activation("relu")(layers.Add()([x, y]) * 2.0)
    return conv(layers.Add()([conv(x, 1, strides=2), conv(x, strides=2, padding="same")]), (3, 2))


def valid_and_same(x):
    x = layers.AveragePooling2D(2)(conv(x, 3, strides=2))
    x = layers.SeparableConv2D(2, 3, padding="same", **separable())(x)
    return layers.DepthwiseConv2D(2, strides=2, padding="same", depthwise_initializer=positive())(x)


def enlarged(x):
    down = conv(conv(x, padding="same"), 3, strides=2, padding="same")
    up = layers.UpSampling2D(2)(conv(down, padding="same"))
    return conv(layers.Concatenate()([x, CropToReference("start")([up, x])]), padding="same")


def bilinear(x):
    down = conv(x, 4, strides=3, padding="same")
    return conv(layers.UpSampling2D((2, 3), interpolation="bilinear")(down))


def transposed(x):
    x = conv(x, 3, strides=2)
    x = layers.Conv2DTranspose(2, 4, strides=2, padding="same", kernel_initializer=positive())(x)
    return layers.Conv2DTranspose(2, (3, 2), strides=(2, 1), kernel_initializer=positive())(x)


def u_net(x):
    down = conv(x, 3)
    low = conv(conv(down, 2, strides=2))
    up = layers.Conv2DTranspose(2, 2, strides=2, kernel_initializer=positive())(low)
    return layers.Concatenate()([CropToReference()([down, up]), up])


def resized(x):
    x = layers.Resizing(7, 11)(conv(x, 2, strides=2))
    return layers.Resizing(16, 9, interpolation="nearest")(x)


def cut(x):
    x = FixedConv2D("box", strides=2)(layers.Cropping2D(((1, 0), (3, 2)))(x))
    return layers.ZeroPadding2D(((0, 0), (1, 1)), data_format="channels_first")(LpPooling2D(3, p=1, strides=2)(x))


def gated(x):
    x = conv(x, 3, strides=2)
    gate = layers.Dense(2, kernel_initializer=positive())(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Multiply()([x, gate])


def decoder(x):
    x = layers.Dense(24, kernel_initializer=positive())(layers.Flatten()(layers.AveragePooling2D(4)(x)))
    return conv(layers.UpSampling2D()(layers.Reshape((3, 4, 2))(x)), padding="same")


def separable():
    return {"depthwise_initializer": positive(), "pointwise_initializer": positive()}


def network(build, shape=(19, 22, 1)):
    image = keras.Input(shape)
    return keras.Model(image, build(image))


def support(model, tensor):
    """For some places of a map, as many as it has rows or columns, the hull of the pixels that it depends on."""
    height, width = tensor.shape[1:3]
    rows, columns = np.array([(i % height, i % width) for i in range(max(height, width))]).T
    here = np.zeros((len(rows), height, width, 1), "float32")
    here[np.arange(len(rows)), rows, columns] = 1
    part = keras.Model(model.inputs, tensor)
    images = np.random.default_rng(0).uniform(130, 250, (len(rows), *model.input_shape[1:])).astype("float32")
    slope = ops.convert_to_numpy(gradient(lambda x: ops.sum(part(x) * here), ops.convert_to_tensor(images)))
    for place, pixels in zip(zip(rows, columns, strict=True), (np.abs(slope) > 1e-4).any(axis=-1), strict=True):
        hulls = [np.flatnonzero(pixels.any(axis=1 - axis)) for axis in (0, 1)]
        yield place, [(hull.min(), hull.max()) if len(hull) else None for hull in hulls]


def ends(model, inside):
    """The first and the last pixel of all places of all layers, by the tensor's name and the axis."""

    def look(network, images):
        found = calls(network, images)
        nodes = linked(found, images)
        axes = [seen(nodes, axis, inside=inside)[len(images) :] for axis in (0, 1)]
        return {call.path: axes_of for call, *axes_of in zip(found, *axes, strict=True)}

    return traced(model, None, look)


BUILDERS = (
    *(inception, residual, valid_and_same, enlarged, u_net, cut, gated, decoder),
    *(pytest.param(build, marks=pytest.mark.backend) for build in (transposed, bilinear, resized)),
)


@pytest.mark.parametrize("build", BUILDERS)
def test_every_place_sees_what_its_gradient_reaches(build):
    model = network(build)
    found = ends(model, inside=True)
    tested = 0
    for layer in model.layers[1:][-4:]:
        if len(layer.output.shape) == 4:
            for place, hulls in support(model, layer.output):
                for axis, hull in enumerate(hulls):
                    low, high = (int(each[place[axis]]) for each in found[layer.name][axis])
                    if max(getattr(layer, "dilation_rate", (1,))) > 1:  # outside may lie a gap's end: a bound
                        assert low <= hull[0] and hull[1] <= high
                    else:
                        assert (low, high) == hull if hull else low > high, (layer.name, place)
                    tested += 1
    assert tested > 20


@pytest.mark.parametrize("build", [inception, residual])
def test_a_field_says_the_same_in_three_numbers(build):
    model = network(build)
    fields = receptive_fields(model)
    assert list(fields) == list(ends(model, inside=True))
    layer = model.layers[-1]
    field = fields[layer.name]
    for place, hulls in support(model, layer.output):
        for axis, hull in enumerate(hulls):
            middle = field.centre[axis] + place[axis] * field.stride[axis]
            reach = (field.size[axis] - 1) / 2
            assert hull == (max(0, middle - reach), min(model.input_shape[1 + axis] - 1, middle + reach))


def test_residual_network_of_the_zoo_by_its_gradient():
    model = models.resnet20((36, 36, 1), 4, filters=2)
    for weight in model.trainable_weights:
        weight.assign(np.ones(weight.shape))
    found = ends(model, inside=True)
    for name in ("stage1_block3_act", "stage2_block1_act", "stage2_block3_act"):
        for place, hulls in support(model, model.get_layer(name).output):
            assert hulls == [tuple(int(end[place[axis]]) for end in found[name][axis]) for axis in (0, 1)]


def test_enlargement_gives_the_field_of_the_place_that_sees_most():
    image = keras.Input((32, 32, 1))
    x = layers.UpSampling2D(4, name="up")(layers.Conv2D(1, 3, strides=4, padding="same", name="down")(image))
    fields = receptive_fields(keras.Model(image, layers.Conv2D(1, 3, padding="same", name="conv")(x)))
    assert fields["down"].size == fields["up"].size == (3, 3)
    assert fields["down"].stride == (4, 4) and fields["up"].stride == (1, 1)
    assert fields["conv"].size == (7, 7)  # over two places of the smaller map, or over one


@pytest.mark.parametrize(("count", "kernel"), [(1, 3), (2, 3), (3, 3), (5, 3), (4, 5), (3, 7), (6, 2)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_stack_of_convolutions_sees_1_plus_l_times_k_minus_1(count, kernel, padding):
    model = keras.Sequential([keras.Input((40, 40, 1))])
    for _ in range(count):
        model.add(layers.Conv2D(1, kernel, padding=padding))
    field = list(receptive_fields(model).values())[-1]
    assert field.size == (1 + count * (kernel - 1),) * 2 and field.stride == (1, 1)
    centre = count * (kernel - 1) / 2 if padding == "valid" else count / 2 * (kernel % 2 == 0)
    assert field.centre == (centre, centre)


def test_vgg16_and_lenet5_have_the_fields_of_the_literature():
    # Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields
    fields = receptive_fields(lambda: models.build("vgg16", (224, 224, 3), 10))
    assert [fields[f"stage{stage}_pool"].size[0] for stage in range(1, 6)] == [6, 16, 44, 100, 212]
    assert fields["stage5_pool"].stride == (32, 32) and fields["stage5_pool"].centre == (15.5, 15.5)
    assert fields["probabilities"] == Field((224, 224), (224, 224), (111.5, 111.5))


@pytest.mark.slow
def test_inception_resnet_v2_has_the_field_of_the_literature():
    fields = receptive_fields(lambda: models.build("inception_resnet_v2(width=0.125)", (299, 299, 3), 10))
    assert fields["top_conv"].size == (3039, 3039) and fields["top_conv"].stride == (32, 32)


@pytest.mark.backend
def test_one_axis_causal_and_dilated():
    sequence = keras.Input((50, 2))
    x = sequence
    for dilation in (1, 2, 4, 8):
        x = layers.Conv1D(2, 2, padding="causal", dilation_rate=dilation, name=f"conv{dilation}")(x)
    assert receptive_fields(keras.Model(sequence, x))["conv8"] == Field((16,), (1,), (-7.5,))


def test_what_is_not_known_and_what_does_not_see_the_image():
    image, other = keras.Input((8, 8, 3), name="image"), keras.Input((5,), name="other")
    x = layers.Conv2D(2, 3, name="conv")(image)
    flipped = layers.Conv2D(2, 1, name="behind")(ops.flip(x, axis=1))
    beside = layers.Dense(2, name="beside")(other)
    pooled = layers.GlobalAveragePooling2D(name="pool")
    joined = layers.Add(name="join")([pooled(flipped), beside])
    normal = layers.LayerNormalization(axis=(1, 2), name="norm")(x)
    alone = layers.Add(name="alone")([layers.GlobalMaxPooling2D(name="most")(x), beside])
    fields = receptive_fields(keras.Model([image, other], [joined, alone, normal]))
    assert list(fields) == ["conv", "most", "alone"]
    assert fields["alone"].size == (8, 8)


def test_no_axes_no_fields_and_no_size_an_error():
    assert receptive_fields(keras.Sequential([keras.Input((4,)), layers.Dense(2)])) == {}
    image = keras.Input((None, None, 1))
    model = keras.Model(image, layers.Conv2D(1, 3, name="conv")(image))
    with pytest.raises(ValueError, match="`model` must take images of a certain size.*Pass image_shape="):
        receptive_fields(model)
    assert receptive_fields(model, (9, 9, 1))["conv"].size == (3, 3)


def test_nested_models_and_their_casts():
    keras.config.set_dtype_policy("mixed_bfloat16")
    inner_image = keras.Input((None, None, 2))
    inner = keras.Model(inner_image, layers.Conv2D(2, 3, strides=2, name="conv")(inner_image), name="inner")
    image = keras.Input((16, 16, 1))
    model = keras.Model(image, inner(layers.Conv2D(2, 5, name="first")(image)))  # in bfloat16, and inner wants float32
    fields = receptive_fields(model)
    assert fields == {"first": Field((5, 5), (1, 1), (2, 2)), "inner/conv": Field((7, 7), (2, 2), (3, 3))}


def test_mirrored_padding_adds_no_further_pixels():
    image = keras.Input((10, 9, 1))
    x = layers.Conv2D(1, 3, padding="same", name="conv")(PadToMultiple(4, name="pad")(image))
    fields = receptive_fields(keras.Model(image, x))
    assert fields["pad"] == Field((1, 1), (1, 1), (0, 0)) and fields["conv"].size == (3, 3)


def test_wrapped_and_shared_layers():
    image = keras.Input((16, 16, 1))
    shared = layers.Conv2D(1, 3, name="shared")
    wrapped = layers.SpectralNormalization(layers.Conv2D(1, 5), name="wrapped")
    fields = receptive_fields(keras.Model(image, wrapped(shared(shared(image)))))
    assert fields["shared"].size == (5, 5) and fields["wrapped"].size == (9, 9)  # of two calls the last
