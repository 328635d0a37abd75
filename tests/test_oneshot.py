"""One-shot classification by a tower that gives the mean colour of an image."""

import keras
import numpy as np
import pytest

from kerascnn.oneshot import OneShotClassifier


@pytest.fixture(scope="module")
def tower():
    return keras.Sequential([keras.Input((2, 2, 3)), keras.layers.GlobalAveragePooling2D()])


def painted(*colours):
    return np.broadcast_to(np.array(colours, "uint8")[:, None, None], (len(colours), 2, 2, 3))


RED, DARK_RED, GREEN, BLUE = (200, 0, 0), (100, 0, 0), (0, 200, 0), (0, 0, 200)


def test_the_nearest_mean_with_all_distances(tower):
    classifier = OneShotClassifier(tower).add(painted(RED, DARK_RED, GREEN), ["red", "red", "green"])
    found = classifier.predict(painted((150, 0, 40), (0, 170, 0)))
    assert found["labels"] == ["red", "green"] and not found["none"].any()
    expected = [[40, (150**2 + 200**2 + 40**2) ** 0.5], [(150**2 + 170**2) ** 0.5, 30]]
    np.testing.assert_allclose(found["distances"], expected, rtol=1e-5)


def test_the_nearest_image_of_each_class(tower):
    classifier = OneShotClassifier(tower, kind="nearest", distance="squared")
    classifier.add(painted(RED, GREEN, DARK_RED), ["red", "green", "red"])
    np.testing.assert_allclose(classifier.predict(painted((110, 0, 0)))["distances"], [[100, 110**2 + 200**2]])


def test_cosine_takes_the_mean_of_directions(tower):
    classifier = OneShotClassifier(tower, distance="cosine").add(painted((200, 0, 0), (0, 2, 0)), [1, 1])
    np.testing.assert_allclose(classifier.predict(painted((5, 5, 0)))["distances"], [[0]], atol=1e-6)


def test_a_class_is_added_later_without_training(tower):
    before = [weight.copy() for weight in tower.get_weights()]
    classifier = OneShotClassifier(tower).add(painted(RED), ["red"])
    assert classifier.predict(painted(BLUE))["labels"] == ["red"]
    assert classifier.add(painted(BLUE), [7]) is classifier
    assert classifier.predict(painted(BLUE))["labels"] == [7]
    classifier.add(painted(DARK_RED), ["red"])  # an image more of a class that is known
    assert classifier.class_names == ["red", 7]
    assert classifier.predict(painted((150, 0, 0)))["distances"][0, 0] == pytest.approx(0)
    assert all(np.array_equal(*pair) for pair in zip(before, tower.get_weights(), strict=True))


def test_none_of_these_beyond_the_threshold(tower):
    classifier = OneShotClassifier(tower, threshold=50).add(painted(RED, GREEN), np.array(["red", "green"]))
    found = classifier.predict(painted((160, 0, 0), BLUE, (150, 0, 0), (149, 0, 0)))
    assert found["labels"] == ["red", None, "red", None]  # at the threshold is within
    assert found["none"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("kind", ["mean", "nearest"])
def test_saved_and_loaded_it_says_the_same(tower, tmp_path, kind):
    classifier = OneShotClassifier(tower, threshold=np.float32(90), kind=kind, distance="squared")
    classifier.add(painted(RED, GREEN, DARK_RED), ["red", 3, "red"])
    folder = classifier.save(tmp_path / "one")
    assert sorted(file.name for file in folder.iterdir()) == ["classes.npz", "classifier.json", "model.keras"]
    again = OneShotClassifier.load(folder)
    assert (again.kind, again.threshold, again.distance, again.class_names) == (kind, 90.0, "squared", ["red", 3])
    queries = painted((150, 3, 0), BLUE, (0, 195, 1))
    one, two = classifier.predict(queries), again.predict(queries)
    assert one["labels"] == two["labels"]
    np.testing.assert_array_equal(one["distances"], two["distances"])
    assert again.add(painted(BLUE), ["blue"]).predict(painted(BLUE))["labels"] == ["blue"]


def test_files_of_two_saves_are_told(tower, tmp_path):
    one = OneShotClassifier(tower).add(painted(RED), ["red"])
    one.save(tmp_path / "a")
    one.add(painted(BLUE), ["blue"]).save(tmp_path / "b")
    (tmp_path / "b" / "classes.npz").replace(tmp_path / "a" / "classes.npz")
    with pytest.raises(ValueError, match="classes.npz of another save.*save the classifier again"):
        OneShotClassifier.load(tmp_path / "a")
    with pytest.raises(FileNotFoundError, match="`folder` must hold a saved classifier"):
        OneShotClassifier.load(tmp_path)


def test_errors_name_the_argument(tower):
    maps = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Conv2D(1, 1)])
    classifier = OneShotClassifier(tower)
    for call, message in [
        (lambda: OneShotClassifier(maps), "`model` must give a vector an image"),
        (lambda: OneShotClassifier(tower, distance="l1"), "`distance` must be one of"),
        (lambda: OneShotClassifier(tower, kind="median"), "`kind` must be one of"),
        (lambda: OneShotClassifier(tower, threshold=-1), "`threshold` must be in"),
        (lambda: classifier.predict(painted(RED)), "`class_names` must have at least one class.*Call `add`"),
        (lambda: classifier.add(painted(RED), ["a", "b"]), "`images` and `labels` must have one entry"),
        (lambda: classifier.add(painted(RED), [1.5]), "`labels` must be texts or integers"),
        (lambda: classifier.add(painted(RED)[0], ["a", "a"]), "`images` must be of shape \\('n', 2, 2, 3\\)"),
        (lambda: classifier.add(np.zeros((1, 2, 3, 3)), ["a"]), "Received: images=\\(1, 2, 3, 3\\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    assert classifier.class_names == []


def test_another_model_is_not_replaced_without_being_told(tower, tmp_path):
    (tmp_path / "model.keras").write_text("of a run")
    classifier = OneShotClassifier(tower).add(painted(RED), ["red"])
    with pytest.raises(ValueError, match="`folder` must be new, and holds another model.keras.*overwrite=True"):
        classifier.save(tmp_path)
    assert (tmp_path / "model.keras").read_text() == "of a run"
    classifier.save(tmp_path, overwrite=True)
    classifier.add(painted(BLUE), ["blue"]).save(tmp_path)
    OneShotClassifier.load(tmp_path).save(tmp_path)
    with pytest.raises(ValueError, match="holds another model.keras"):
        OneShotClassifier(tower).add(painted(RED), ["red"]).save(tmp_path)
