"""The models that lie in `saved_models/`: each loads by its name, and is as good as its card says."""

import re
from pathlib import Path

import numpy as np
import pytest

import kerascnn

ROOT = Path(kerascnn.__file__).parents[1]


ZOO = sorted(path.parent.name for path in (ROOT / "saved_models").glob("*/result.json"))
DETECTOR = "scenes-detector"  # which answers with boxes
AUTOENCODER = "fashion_mnist-autoencoder"  # with images
EMBEDDER = "fashion_mnist-embedder"


def test_the_readme_names_them():
    text = (ROOT / "README.md").read_text()
    assert ZOO and all(name in text for name in ZOO)


@pytest.mark.parametrize("name", [name for name in ZOO if name not in (DETECTOR, AUTOENCODER, EMBEDDER)])
def test_a_model_of_the_zoo_loads_and_answers(name):
    result = kerascnn.load(name)
    record = result.extras["record"]
    shape, classes = record["data"]["image_shape"], record["data"]["class_names"]
    pixels = shape[:-1] if record["recipe"] == "segment" else []
    probabilities = result.model.predict(np.full((2, *shape), 128, "uint8"), verbose=0)
    assert probabilities.shape == (2, *pixels, len(classes)) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    assert record["command"].startswith(f"python -m recipes {record['recipe']}")
    assert not re.search(r"(/tmp|/home|/root|/work)/", (result.path / "result.json").read_text())


@pytest.mark.slow
def test_the_scenes_model_is_as_good_as_its_card_says():
    from kerascnn import reports

    result = kerascnn.load("scenes-unet")
    report = reports.segmentation(result.model, kerascnn.data.load("scenes", targets="masks"))
    assert report.figures["iou"] == pytest.approx(result.metrics["iou"], abs=1e-4)


def test_the_digits_model_is_as_good_as_its_card_says():
    from kerascnn import reports

    result = kerascnn.load("digits-resnet20")
    report = reports.classification(result.model, kerascnn.data.load("digits"))
    assert report.figures["accuracy"] == pytest.approx(result.metrics["accuracy"], abs=1e-9)
    assert f"{result.metrics['accuracy']:.2%}".replace("%", " %") in (result.path / "README.md").read_text()


@pytest.mark.slow
def test_the_detector_is_as_good_as_its_card_says():
    from kerascnn import reports

    result = kerascnn.load(DETECTOR)
    report = reports.detection(result.model, kerascnn.data.load("scenes", targets="boxes"))
    assert report.figures["map50"] == pytest.approx(result.metrics["map50"], abs=1e-3)
    assert not re.search(r"(/tmp|/home|/root|/work)/", (result.path / "result.json").read_text())


def test_the_autoencoder_gives_codes_and_images():
    result = kerascnn.load(AUTOENCODER)
    images = np.full((2, 28, 28, 1), 128, "uint8")
    codes = result.encoder.predict(images, verbose=0)
    assert codes.shape == (2, result.extras["record"]["autoencoder"]["code_size"])
    again = result.model.predict(images, verbose=0)
    np.testing.assert_allclose(result.decoder.predict(codes, verbose=0), again, atol=1)
    assert not re.search(r"(/tmp|/home|/root|/work)/", (result.path / "result.json").read_text())


def test_the_embedder_gives_vectors_of_length_one():
    result = kerascnn.load(EMBEDDER)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), "uint8")
    vectors = result.model.predict(images, verbose=0)
    assert vectors.shape == (3, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert result.metrics["recall_at_1"] > result.metrics["recall_at_1_pixels"]
    assert not re.search(r"(/tmp|/home|/root|/work)/", (result.path / "result.json").read_text())
