"""The model card of a run, in Markdown (after Mitchell et al. 2019, https://arxiv.org/abs/1810.03993)."""

from collections.abc import Mapping, Sequence
from typing import Any

SHARES = ("accuracy", "top5_accuracy", "ece", "iou", "dice", "pixel_error", "boundary_f", "map50", "recall_at_1")
SHARES += ("map_at_r", "precision", "recall", "f1", "map75", "map50_95", "ar100", "ap50", "ap50_95", "both")
SHARES += ("false_alarms", "validation_f1", "recall_at_5", "recall_at_10", "precision_at_1", "r_precision", "eer")
SHARES += ("accuracy_at_tau", "false_accepts", "false_rejects", "recall_at_1_pixels", "recall_at_1_untrained")
SHARES += ("episode_accuracy", "episode_accuracy_low", "episode_accuracy_high")
SHARES += ("linear_probe_accuracy", "linear_probe_accuracy_pca", "knn_accuracy", "mse_below_pca", "active_units")
SHARES += ("active_share",)
"""Metrics written as percentages."""
LONGEST = 30
"""Most rows of the table of classes; the worst come first where there are more."""

LIKE = "- The figures hold for images like those of the data above; on others the answer may be as sure, and wrong.\n"
EDGES = "left, top, right and bottom edge in pixels"
OURS = ("masks", "images", "box", "stylized", "autoencoder")
NEEDS = dict.fromkeys(OURS, "import kerascnn.layers  # which the file has\n")
NEEDS["boxes"] = "import kerascnn.models  # which the file needs\n"
"""Lines of the example, by what the targets are."""
ANSWERS = dict.fromkeys(("images", "stylized", "autoencoder"), "images") | {"boxes": "found", "box": "found"}
ANSWERS["embeddings"] = "embeddings"
"""What the example calls the answers, where they are not probabilities."""
SHELL = {
    "embeddings": "python -m recipes index --model FOLDER --images PHOTOS --to photos.index\n"
    "python -m recipes search --index photos.index IMAGE --k 8"
}
"""How the shell uses it, where that is not by `predict`."""
PICTURE = """`image.png` is the image, and the one weight of `model.keras`, which Keras' own layers make up:

```python
import keras, numpy as np

image = keras.saving.load_model("model.keras").predict(np.zeros(1))[0]  # (height, width, channels) in 0..255
```

`kerascnn.load("FOLDER").extras["image"]` is the same in uint8."""
"""What a card says of a job that made one image, in the place of input, output and use."""
LIMITS = {
    "labels": LIKE
    + "- It knows only the classes listed: an image of anything else gets one of them.\n"
    + "- Probabilities are as far from the share that is right as the calibration error says.",
    "masks": LIKE + "- It knows only the classes listed: a pixel of anything else gets one of them.",
    "boxes": LIKE
    + "- It knows only the classes listed: any other object is overlooked, or taken for one of them.\n"
    + "- A score ranks what was found; it is no probability. `model.with_(score=...)` finds more, or fewer wrong ones.",
    "box": LIKE + "- It finds one object of the classes listed in every image, also where there is none or several.",
    "embeddings": LIKE
    + "- It names nothing: it says how alike two images are, less surely of classes that it was not trained on.\n"
    + "- A threshold of the distance holds for images like those it was chosen on; choose it anew for others.",
    "stylized": "- It knows one style, and its strokes have one size in pixels: larger images get finer ones.",
    "autoencoder": "- The figures hold for images like those of the data above; of others it may make such.\n"
    "- A large error says that an image is unlike them, not what is wrong with it.",
    "images": "- The figures hold for images and noise like those of the data above; it may invent detail in others.",
}
"""What a card warns of, by what the targets are."""


def model_card(record: Mapping[str, Any]) -> str:
    """The Markdown text for the content of a `result.json`; a part whose entries are missing is left out.

    >>> print(model_card({"recipe": "classify", "model": {"name": "lenet5", "parameters": 61706}}).splitlines()[0])
    # lenet5
    """
    name, data = _name(record), record.get("data", {})
    if record.get("embedding"):
        data = {**data, **record["embedding"], "targets": "embeddings"}
    if record.get("autoencoder"):
        data = {**data, **record["autoencoder"], "targets": "autoencoder"}
    if record.get("stylized") and data.get("targets") == "images":
        data = {**data, "targets": "stylized"}
    title = f"{name} on {data['name']}" if data.get("name") else name
    sections = {
        "Figures": _figures(record),
        "Input and output": _contract(data),
        "Use it": _usage(data),
        "Data": _data(data),
        "Classes": _classes(record.get("per_class", ())),
        "Train it again": _again(record),
        "Environment": _environment(record),
        "Limits": LIMITS.get(data.get("targets", "labels"), "") if data.get("name") else "",
    }
    body = [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join([f"# {title}", _summary(record, name), *body]) + "\n"


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("model", {}).get("name", "model")).replace("\n", " ")


def _summary(record: Mapping[str, Any], name: str) -> str:
    parameters = record.get("model", {}).get("parameters")
    weights = f", with {parameters:,} trained parameters," if parameters is not None else ""
    date = f" on {record['date'][:10]}" if record.get("date") else ""
    if record.get("data", {}).get("targets") == "picture":
        return f"An image, painted by kerascnn's recipe `{record.get('recipe', '?')}`{date}."
    kind = "An autoencoder" if record.get("autoencoder") else "A convolutional network"
    return f"{kind}, `{name}`{weights} made by kerascnn's recipe `{record.get('recipe', '?')}`{date}."


def _figures(record: Mapping[str, Any]) -> str:
    rows = [(key.replace("_", " "), _number(key, value)) for key, value in record.get("metrics", {}).items()]
    if record.get("seconds") is not None:
        rows.append(("training time", _duration(record["seconds"])))
    if record.get("images_per_second") is not None:
        rows.append(("training speed", f"{record['images_per_second']:,.0f} images/s"))
    if record.get("input_wait") is not None:
        rows.append(("training time spent waiting for input", f"{100 * record['input_wait']:.1f} %"))
    chosen = record.get("precision", {})
    if isinstance(chosen, Mapping) and chosen.get("chosen"):
        rows.append(("precision", chosen["chosen"]))
    if not rows:
        return ""
    split = record.get("judged_on")
    judged = f"Measured on the {split} split" + (", which was used for nothing else." if split == "test" else ".")
    return (f"{judged}\n\n" if split else "") + _table(("figure", "value"), rows)


def _contract(data: Mapping[str, Any]) -> str:
    if not data.get("image_shape"):
        return ""
    if data.get("targets") == "picture":
        return PICTURE
    *sides, channels = data["image_shape"]
    classes, targets = len(data.get("class_names", ())), data.get("targets", "labels")
    size = {1: "length", 2: "height, width", 3: "depth, height, width"}[len(sides)]
    whole = targets in ("labels", "box", "embeddings", "autoencoder")  # images of one size only
    shape = ", ".join(map(str, (*sides, channels))) if whole else f"{size}, {channels}"
    gives = {
        "labels": f"`(batch, {classes})` probabilities in float32, in the order of the class names.",
        "masks": f"`(batch, {size}, {classes})` probabilities in float32, in the order of the class names.",
        "embeddings": f"`(batch, {data.get('dimensions', 'dimensions')})` embeddings in float32: images are as alike "
        f"as their {data.get('distance', 'euclidean')} distance is small.",
        "autoencoder": f"such images in float32, made of a code of {data.get('code_size', 'some')} numbers. "
        '`kerascnn.load("FOLDER").encoder` gives the codes of images, `.decoder` images of codes.',
        "images": f"images `(batch, {size}, channels)` in float32, in 0..255; some may lie outside.",
        "stylized": f"images `(batch, {size}, {channels})` in float32, in 0..255.",
        "boxes": f"a dict of arrays: `boxes` `(batch, most, 4)`, {EDGES} of the images given; `scores` in 0..1; "
        "`classes`, -1 for none; `count`. `predict` adds `names`, and takes a list of images of several sizes too.",
        "box": f"a dict: `class`, `(batch, {classes})` probabilities in the order of the class names, and `box`, "
        f"`(batch, 4)`, {EDGES} of that image. Resize images as in training (`resize` in `result.json`).",
    }
    trained = "" if whole else f" It was trained with images of {' x '.join(map(str, sides))} pixels."
    return (
        f"Takes raw images `(batch, {shape})`, uint8 or float32 in 0..255; the scaling is inside the network.{trained}"
        f"\n\nGives {gives[targets]}"
    )


def _usage(data: Mapping[str, Any]) -> str:
    size, targets = data.get("image_shape", (28, 28, 1)), data.get("targets", "labels")
    if targets == "picture":
        return ""
    answers = ANSWERS.get(targets, "probabilities")
    ours = NEEDS.get(targets, "")
    zeros = f"np.zeros((1, {', '.join(str(side) for side in size)}), 'uint8')"
    return f"""```python
import keras, numpy as np
{ours}
model = keras.saving.load_model("model.keras")
{answers} = model.predict({zeros})  # your images here
```

`kerascnn.load("FOLDER")` gives back the whole result, class names and history included. From the shell:

```
{SHELL.get(targets, "python -m recipes predict --model FOLDER IMAGE...")}
```"""


def _data(data: Mapping[str, Any]) -> str:
    if not data.get("name"):
        return ""
    classes = data.get("class_names", ())
    lines = [f"`{data['name']}`" + (f": {len(classes)} classes" if classes else "")]
    sizes = [f"{count:,} {split}" for split, count in data.get("sizes", {}).items() if count]
    lines[0] += f"; {', '.join(sizes)} images." if sizes else "."
    if data.get("objects"):
        lines.append(f"{sum(data['objects'].values()):,} objects in the training images.")
    skipped = data.get("report", {}).get("skipped", ())
    if skipped:
        lines.append(f"{len(skipped)} files that could not be read were left out; `result.json` names them.")
    return "\n".join(lines)


def _classes(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    worst = next(name for name in ("f1", "ap50", "iou") if name in rows[0])
    shown = rows if len(rows) <= LONGEST else sorted(rows, key=lambda row: row[worst] or 0)[:LONGEST]
    note = f"The {LONGEST} worst of {len(rows)}; `result.json` has all.\n\n" if len(rows) > LONGEST else ""
    columns = [name for name in rows[0] if name != "class"]
    cells = [(row["class"], *(_share(name, row[name]) for name in columns)) for row in shown]
    return note + _table(("class", *({"support": "examples"}.get(name, name) for name in columns)), cells)


def _share(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if name in SHARES else f"{value:,}"


def _again(record: Mapping[str, Any]) -> str:
    if record.get("command"):
        text = f"```\n{record['command']}\n```"
    elif record.get("arguments"):
        listed = "\n".join(f"- `{name}`: `{value}`" for name, value in record["arguments"].items())
        text = f"The call had arguments that no shell can pass. They were:\n\n{listed}"
    else:
        return ""
    return text + (f"\n\nSeed {record['seed']}." if record.get("seed") is not None else "")


def _environment(record: Mapping[str, Any]) -> str:
    rows = list(record.get("versions", {}).items())
    rows += [("git commit", record["git_commit"])] if record.get("git_commit") else []
    return _table(("part", "version"), rows) if rows else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _number(key: str, value: float) -> str:
    if key in SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
