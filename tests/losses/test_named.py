import keras
import numpy as np
import pytest

from kerascnn import losses
from kerascnn.losses import MapCrossentropy, SoftDice, Sum, maps
from kerascnn.losses.named import MAP_LOSSES

pytestmark = pytest.mark.backend

MASKS = np.array([[0, 1, 1, 255]])
PROBABILITIES = np.array([[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.5, 0.5]]], "float32")


@pytest.mark.parametrize("name", MAP_LOSSES)
def test_every_name(name):
    loss = maps(name, ignore=7)
    assert type(loss) is MAP_LOSSES[name] and loss.ignore == 7 and not loss.multi_label
    assert getattr(losses, type(loss).__name__) is type(loss)


def test_auto_is_crossentropy_and_dice():
    value = float(MapCrossentropy()(MASKS, PROBABILITIES)) + float(SoftDice()(MASKS, PROBABILITIES))
    for text in ("auto", "crossentropy + dice", "dice+crossentropy", "1 * dice + 1.0*crossentropy"):
        assert float(maps(text)(MASKS, PROBABILITIES)) == pytest.approx(value, rel=1e-6)


def test_weights_of_a_sum():
    dice = float(SoftDice()(MASKS, PROBABILITIES))
    assert float(maps("0.25 * dice")(MASKS, PROBABILITIES)) == pytest.approx(dice / 4, rel=1e-6)
    assert float(maps("2 * dice + .5*dice")(MASKS, PROBABILITIES)) == pytest.approx(2.5 * dice, rel=1e-6)


def test_class_weights_go_to_the_means_over_pixels():
    ce, dice = maps("crossentropy + dice", class_weight={0: 1.0, 1: 4.0}).parts
    assert ce[0].class_weight == (1.0, 4.0) and dice[0].class_weight is None
    with pytest.raises(ValueError, match="`class_weight` must be None for loss='dice'"):
        maps("dice", class_weight={1: 4.0})


def test_a_loss_is_returned_as_it_is():
    loss = keras.losses.MeanSquaredError()
    assert maps(loss) is loss
    with pytest.raises(ValueError, match="`class_weight` must be None where `loss` is not a name"):
        maps(loss, class_weight={0: 1.0})
    for wrong in (3, None, SoftDice):
        with pytest.raises(TypeError, match="`loss` must be a name, a sum of names or a keras.losses.Loss"):
            maps(wrong)


@pytest.mark.parametrize(
    "text", ["", "crossentropy +", "dice dice", "-1 * dice", "0.5 dice", "a * dice", "auto + dice"]
)
def test_texts_that_say_nothing(text):
    with pytest.raises(ValueError, match="`loss` must be one of 'boundary', 'crossentropy'"):
        maps(text)


def test_a_sum_in_a_saved_model(tmp_path):
    model = keras.Sequential([keras.Input((4, 2)), keras.layers.Conv1D(2, 1, activation="softmax")])
    model.compile("sgd", Sum([(MapCrossentropy({1: 2.0}), 1.0), (SoftDice(), 0.5)], name="both"))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss.name == "both" and again.loss.get_config() == model.loss.get_config()
    x = np.random.default_rng(0).random((1, 4, 2)).astype("float32")
    assert again.evaluate(x, MASKS, verbose=0) == pytest.approx(model.evaluate(x, MASKS, verbose=0), rel=1e-6)
