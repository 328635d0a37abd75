import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import models
from kerascnn.inspect import AgainstDense, Row, against_dense, cost, table


def small():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.BatchNormalization(name="norm")(layers.MaxPooling2D(2, name="pool")(x))
    return keras.Model(image, layers.Dense(3, name="scores")(layers.Flatten(name="flat")(x)))


TEXT = """\
layer   kind                output     parameters  multiply-adds  field  stride  centre  KiB
------  ------------------  ---------  ----------  -------------  -----  ------  ------  ---
conv    Conv2D              6 x 6 x 4          40          1,296      3       1       1  0.6
pool    MaxPooling2D        3 x 3 x 4                                 4       2     1.5  0.1
norm    BatchNormalization  3 x 3 x 4          16                     4       2     1.5  0.1
flat    Flatten             36                                        8       8     3.5  0.1
scores  Dense               3                 111            108      8       8     3.5  0.0
------  ------------------  ---------  ----------  -------------  -----  ------  ------  ---
167 parameters (159 trainable), 1,404 multiply-adds for an image. Training takes 0.0 MiB at 32 images a batch, 0.0 of \
them for what the layers give."""


def test_the_text():
    assert str(table(small())) == TEXT


def test_markdown():
    lines = table(small()).markdown().splitlines()
    assert lines[0].startswith("| layer | kind | output | parameters |") and lines[1] == "| - | - |" + " -: |" * 7
    assert lines[2] == "| conv | Conv2D | 6 x 6 x 4 | 40 | 1,296 | 3 | 1 | 1 | 0.6 |"
    assert lines[-2:] == ["", TEXT.splitlines()[-1]]


@pytest.mark.backend
def test_lenet5_by_hand():
    found = table(models.lenet5((32, 32, 1), 10))
    rows = {row.layer: row for row in found.rows}
    assert found.parameters == found.trainable == 61_706 and found.multiply_adds == 416_520
    assert rows["stage2_conv"].multiply_adds == 10 * 10 * 16 * 25 * 6
    assert rows["stage2_conv"].parameters == 16 * (25 * 6 + 1) and rows["stage2_conv"].shape == (10, 10, 16)
    assert rows["stage2_conv"].field.size == (14, 14) and rows["stage2_pool"].field.stride == (4, 4)
    assert rows["stage2_conv"].bytes == 4 * 10 * 10 * 16


@pytest.mark.parametrize("name", ["resnet20(filters=4)", "lenet5", "fastnet", "mlp"])
def test_the_sums_are_what_the_model_costs(name):
    def build():
        return models.build(name, (32, 32, 3), 10)

    found, known = table(build), cost(build)
    assert found.parameters == known.parameters == sum(row.parameters for row in found.rows)
    with_bias = {layer.name for layer in build().layers if getattr(layer, "use_bias", False)}
    added = sum(np.prod(row.shape) for row in found.rows if row.layer in with_bias)  # what multiply-adds leave out
    assert known.flops == 2 * found.multiply_adds + added


def test_memory_by_hand():
    units = 6 * 6 * 4 + 3 * (3 * 3 * 4) + 3
    for batch_size, slots in ((1, 2), (16, 0)):
        found = table(small(), batch_size=batch_size, slots=slots)
        assert found.activations == 4 * batch_size * units
        assert found.memory == 4 * (167 + (1 + slots) * 159) + 4 * batch_size * units


def test_half_precision_takes_half_the_bytes_for_what_layers_give():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert [row.bytes for row in table(small()).rows] == [2 * 144, 2 * 36, 2 * 36, 2 * 36, 2 * 3]


def test_shared_layers_have_their_weights_once_and_nested_ones_their_path():
    image = keras.Input((5,))
    shared = layers.Dense(5, use_bias=False, name="shared")
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(2, name="last")], name="inner")
    found = table(keras.Model(image, inner(shared(shared(image)))))
    assert found.rows == (
        Row("shared", "Dense", (5,), 25, 25, None, 20),
        Row("shared", "Dense", (5,), 0, 25, None, 20),
        Row("inner/last", "Dense", (2,), 12, 10, None, 8),
    )
    assert found.parameters == 37 and "?" in str(found)


def test_operations_several_outputs_and_any_size():
    image = keras.Input((None, None, 2))
    left, right = ops.split(image, 2, axis=-1)
    model = keras.Model(image, [layers.Conv2D(3, 1, name="conv")(left), right])
    split, conv = table(model, (4, 6, 2)).rows
    assert split.kind == "Split" and split.shape == (4, 6, 1) and split.bytes == 4 * 48
    assert conv.shape == (4, 6, 3) and conv.multiply_adds == 72 and conv.field is None
    with pytest.raises(ValueError, match="`model` must take images of a certain size"):
        table(model)


def test_a_wide_field_has_both_sides():
    image = keras.Input((8, 12, 1))
    assert "  1 x 7  " in str(table(keras.Model(image, layers.Conv2D(1, (1, 7))(image))))


def test_wrong_numbers():
    for options in ({"batch_size": 0}, {"slots": -1}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be an integer"):
            table(small(), **options)
    with pytest.raises(TypeError, match="`model` must be a keras.Model or a function"):
        table(lambda: 3)


def test_against_a_dense_layer():
    flat = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(100)])
    assert against_dense(flat) == AgainstDense(78_400, 78_400)
    maps = against_dense(layers.Conv2D(100, 5), (28, 28, 1))  # 100 maps of 24 x 24
    assert maps == AgainstDense(2_500, 28 * 28 * 24 * 24 * 100)


def test_against_dense_of_layers_in_models_leaves_them_as_they_are():
    image = keras.Input((6, 6, 2))
    layer, unused = layers.SeparableConv2D(4, 3), layers.Conv2D(4, 3)
    layers.Conv2D(1, 1)(layer(image))
    assert against_dense(layer) == AgainstDense(9 * 2 + 2 * 4, 72 * 64)
    assert against_dense(unused, (6, 6, 2)).weights == 72 and not unused.built
    assert against_dense(layers.SpectralNormalization(layers.Conv2D(2, 3)), (6, 6, 2)).weights == 36
    shared = layers.Dense(5)
    flat = keras.Input((5,))
    assert against_dense(keras.Model(flat, shared(shared(flat)))) == AgainstDense(25, 25)
    with pytest.raises(ValueError, match="`image_shape` must be given"):
        against_dense(layers.Conv2D(4, 3))
