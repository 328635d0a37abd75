import json

import pytest

from kerascnn.card import model_card

RECORD = {
    "recipe": "classify",
    "arguments": {"data": "fashion_mnist", "epochs": 20},
    "command": "python -m recipes classify --data fashion_mnist --epochs 20",
    "seed": 3,
    "data": {
        "name": "fashion_mnist",
        "image_shape": [28, 28, 1],
        "class_names": ["shirt", "bag | sack"],
        "sizes": {"train": 54000, "validation": 6000, "test": 0},
        "report": {"skipped": ["a.jpg", "b.jpg"]},
    },
    "model": {"name": "resnet20(kernel_size=5)", "parameters": 61706},
    "precision": {"chosen": "mixed_bfloat16", "milliseconds": {"float32": 9.0}},
    "judged_on": "test",
    "metrics": {"accuracy": 0.93416, "top5_accuracy": 1.0, "loss": 0.215349, "ece": 0.0123},
    "per_class": [
        {"class": "shirt", "precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1200},
        {"class": "bag | sack", "precision": 1.0, "recall": 0.25, "f1": 0.4, "support": 800},
    ],
    "history": {"loss": [1.0]},
    "seconds": 312.4,
    "images_per_second": 1234.5,
    "versions": {"python": "3.11.7", "keras": "3.15.1"},
    "git_commit": "abc123-dirty",
    "date": "2026-01-02T03:04:05+00:00",
}


def test_says_everything_a_stranger_asks():
    card = model_card(RECORD)
    for line in (
        "# resnet20(kernel_size=5) on fashion_mnist",
        "| accuracy | 93.42 % |",
        "| top5 accuracy | 100.00 % |",
        "| loss | 0.2153 |",
        "| ece | 1.23 % |",
        "| training time | 5 min 12 s |",
        "| training speed | 1,234 images/s |",
        "| precision | mixed_bfloat16 |",
        "Measured on the test split, which was used for nothing else.",
        "`fashion_mnist`: 2 classes; 54,000 train, 6,000 validation images.",
        "2 files that could not be read were left out; `result.json` names them.",
        "| shirt | 50.0 % | 100.0 % | 66.7 % | 1,200 |",
        "| bag \\| sack | 100.0 % | 25.0 % | 40.0 % | 800 |",
        "python -m recipes classify --data fashion_mnist --epochs 20",
        "Seed 3.",
        "| git commit | abc123-dirty |",
    ):
        assert line in card.splitlines()
    assert "61,706 trained parameters" in card and "on 2026-01-02" in card
    assert "`(batch, 28, 28, 1)`, uint8 or float32 in 0..255" in card


@pytest.mark.parametrize(
    ("targets", "lines"),
    [
        (
            "masks",
            (
                "Gives `(batch, height, width, 2)` probabilities in float32, in the order of the class names.",
                "| shirt | 75.0 % | - | 1,200 |",
                "| iou | 75.00 % |",
            ),
        ),
        (
            "images",
            ("Gives images `(batch, height, width, channels)` in float32, in 0..255; some may lie outside.",),
        ),
    ],
)
def test_networks_that_answer_for_each_pixel_take_images_of_any_size(targets, lines):
    rows = [{"class": "shirt", "iou": 0.75, "recall": None, "pixels": 1200}]
    figures = {"metrics": {"iou": 0.75}, "per_class": rows if targets == "masks" else ()}
    card = model_card(RECORD | figures | {"data": RECORD["data"] | {"targets": targets}})
    for line in (*lines, "import kerascnn.layers  # which the file has"):
        assert line in card.splitlines()
    assert "Takes raw images `(batch, height, width, 1)`" in card and "trained with images of 28 x 28 pixels" in card


@pytest.mark.parametrize(
    ("targets", "metrics", "row", "lines"),
    [
        (
            "boxes",
            {"map50": 0.912, "best_score": 0.31},
            {"class": "shirt", "ap50": 0.75, "ap50_95": None, "objects": 1200},
            ("| map50 | 91.20 % |", "| best score | 0.31 |", "| shirt | 75.0 % | - | 1,200 |",
             "import kerascnn.models  # which the file needs"),
        ),
        (
            "box",
            {"both": 0.5, "iou": 0.9},
            {"class": "shirt", "accuracy": 1.0, "iou": 0.75, "both": 0.5, "objects": 1200},
            ("| both | 50.00 % |", "| shirt | 100.0 % | 75.0 % | 50.0 % | 1,200 |",
             "import kerascnn.layers  # which the file has"),
        ),
    ],
)  # fmt: skip
def test_networks_that_find_objects(targets, metrics, row, lines):
    data = RECORD["data"] | {"targets": targets, "objects": {"shirt": 1200, "bag | sack": 34}}
    card = model_card(RECORD | {"metrics": metrics, "per_class": [row], "data": data})
    for line in (*lines, "1,234 objects in the training images."):
        assert line in card.splitlines()
    taken = "28, 28, 1" if targets == "box" else "height, width, 1"
    assert f"Takes raw images `(batch, {taken})`" in card and "found = model.predict(" in card
    assert "left, top, right and bottom edge in pixels" in card
    assert {"boxes": "any other object is overlooked", "box": "It finds one object"}[targets] in card


def test_networks_that_give_vectors():
    facts = {"embedding": {"dimensions": 64, "distance": "cosine"}, "metrics": {"recall_at_1": 0.9134, "tau": 0.31}}
    card = model_card(RECORD | facts)
    for line in (
        "Gives `(batch, 64)` embeddings in float32: images are as alike as their cosine distance is small.",
        "| recall at 1 | 91.34 % |",
        "| tau | 0.31 |",
        "embeddings = model.predict(np.zeros((1, 28, 28, 1), 'uint8'))  # your images here",
        "python -m recipes search --index photos.index IMAGE --k 8",
    ):
        assert line in card.splitlines()
    assert "recipes predict" not in card and "It names nothing" in card


def test_autoencoders():
    data = RECORD["data"] | {"targets": "images", "class_names": []}
    facts = {"autoencoder": {"kind": "conv", "code_size": 32}, "metrics": {"mse": 0.00987, "mse_below_pca": 0.348}}
    card = model_card(RECORD | facts | {"data": data, "per_class": ()})
    for line in (
        "| mse | 0.00987 |",
        "| mse below pca | 34.80 % |",
        "images = model.predict(np.zeros((1, 28, 28, 1), 'uint8'))  # your images here",
        "import kerascnn.layers  # which the file has",
    ):
        assert line in card.splitlines()
    assert "An autoencoder, `resnet20(kernel_size=5)`" in card and "made of a code of 32 numbers" in card
    assert "Takes raw images `(batch, 28, 28, 1)`" in card and "A large error says that an image is unlike" in card


def test_many_classes_of_objects_are_cut_to_the_worst():
    rows = [{"class": f"c{i}", "ap50": i / 100, "objects": 1} for i in range(40)][::-1]
    card = model_card(RECORD | {"per_class": rows})
    assert "| c0 |" in card and "| c29 |" in card and "| c30 |" not in card


def test_every_table_has_as_many_cells_in_each_row_as_in_its_head():
    for block in model_card(RECORD).split("\n\n"):
        if block.startswith("|"):
            assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, when it saves
def test_the_snippet_runs(tmp_path, monkeypatch):
    import keras

    inputs = keras.Input((28, 28, 1))
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(inputs)))
    model.save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path)
    code = model_card(RECORD).split("```python\n")[1].split("```")[0]
    scope = {}
    exec(code, scope)
    assert scope["probabilities"].shape == (1, 2)


def test_a_call_that_no_shell_can_make_is_listed():
    card = model_card(RECORD | {"command": None, "arguments": {"data": "arrays (10, 8, 8, 1)", "epochs": 2}})
    assert "- `data`: `arrays (10, 8, 8, 1)`\n- `epochs`: `2`" in card
    assert "python -m recipes classify" not in card


def test_many_classes_are_cut_to_the_worst():
    rows = [{"class": f"c{i}", "precision": 1, "recall": 1, "f1": i / 100, "support": 1} for i in range(100)][::-1]
    card = model_card(RECORD | {"per_class": rows})
    assert "The 30 worst of 100" in card
    assert "| c0 |" in card and "| c29 |" in card and "| c30 |" not in card


@pytest.mark.parametrize("missing", list(RECORD))
def test_parts_that_are_missing_are_left_out(missing):
    card = model_card({key: value for key, value in RECORD.items() if key != missing})
    assert card.startswith("# ") and "None" not in card


def test_takes_what_json_gives_back():
    assert model_card(json.loads(json.dumps(RECORD))) == model_card(RECORD)
