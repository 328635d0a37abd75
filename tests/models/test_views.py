import keras
import numpy as np
import pytest

from kerascnn.models import averaged, fastnet, mlp

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 17, 17, 3)).astype("float32")


def shifted(images, down, right):
    """What is seen when the camera moves: reflected at the edge, as NumPy pads."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    return padded[:, 1 + down : 18 + down, 1 + right : 18 + right]


@pytest.mark.backend
@pytest.mark.parametrize(("views", "moves"), [(2, [(0, 0)]), (6, [(0, 0), (-1, -1), (1, 1)])])
def test_the_answer_is_the_mean_over_the_views(views, moves):
    model = fastnet((17, 17, 3), 5)
    seen = [shifted(IMAGES, *move) for move in moves]
    seen += [view[:, :, ::-1] for view in seen]
    expected = np.mean([model.predict(view, verbose=0) for view in seen], axis=0)
    answers = averaged(model, views).predict(IMAGES, verbose=0)
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    assert np.abs(answers - model.predict(IMAGES, verbose=0)).max() > 1e-4


@pytest.mark.backend
def test_a_saved_one_gives_the_same_answers(tmp_path):
    model = averaged(fastnet((17, 17, 3), 5), 6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))


def test_one_view_is_the_model_itself():
    model = mlp((8, 8, 1), 2)
    assert averaged(model, 1) is model


def test_other_numbers_and_other_inputs_are_refused():
    with pytest.raises(ValueError, match="`views` must be one of 1, 2, 6"):
        averaged(mlp((8, 8, 1), 2), 3)
    flat = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`views` must be 1 unless"):
        averaged(flat, 2)
