"""Which part may import which: docs/architecture.md says why. A new part needs its line here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASE = {"checks", "files", "hosts"}
TOOLS = BASE | {"boxes", "layers", "losses", "metrics", "callbacks", "schedules", "optimizers", "class_weights"}
TOOLS |= {"augmentation", "data", "plots", "inspect", "reports", "card"}
MAY_IMPORT = {
    "checks": set(),
    "hosts": {"checks"},
    "files": {"checks", "hosts"},
    "keras_file": BASE,
    "boxes": {"checks"},
    "layers": {"checks", "boxes"},
    "blocks": {"checks", "layers"},
    "models": {"checks", "boxes", "layers", "blocks"},
    "backbones": BASE | {"keras_file", "boxes", "layers", "blocks", "models"},
    "losses": {"checks", "boxes", "layers"},
    "metrics": {"checks", "boxes", "layers"},
    "callbacks": BASE,
    "schedules": {"checks"},
    "optimizers": {"checks", "schedules"},
    "class_weights": {"checks", "metrics"},
    "augmentation": {"checks"},
    "data": BASE | {"boxes"},
    "noise": {"checks", "augmentation"},
    "filters": {"checks", "layers", "metrics"},
    "tiling": BASE | {"layers"},
    "plots": BASE | {"boxes", "metrics"},
    "inspect": {"checks", "layers"},
    "reports": BASE | {"boxes", "data", "filters", "inspect", "metrics", "plots"},
    "card": {"checks"},
    "retrieval": BASE | {"data", "metrics"},
    "oneshot": BASE | {"keras_file", "layers", "metrics"},
    "stylizing": {"checks", "layers", "losses", "inspect", "callbacks", "data"},
    "training": TOOLS | {"keras_file"},
    "tuning": TOOLS | {"training"},
}
ONLY_IN = {
    "tensorflow": (
        "kerascnn/data/",
        "kerascnn/augmentation/",
        "kerascnn/layers/batch_normalization.py",
        "kerascnn/layers/fusion.py",
        "kerascnn/inspect/gradients.py",
        "kerascnn/training/mirrored.py",
        "kerascnn/training/runtimes.py",
        "kerascnn/training/sharded.py",
    ),
    "tf2onnx": ("kerascnn/training/runtimes.py",),
    "onnxruntime": ("kerascnn/training/runtimes.py",),
    "ai_edge_litert": ("kerascnn/training/runtimes.py",),
    "jax": ("kerascnn/hosts.py", "kerascnn/inspect/gradients.py", "kerascnn/training/sharded.py"),
    "tensorflow_datasets": ("kerascnn/data/",),
    "matplotlib": ("kerascnn/plots/",),
    "keras_tuner": ("kerascnn/tuning/",),
    "pycocotools": ("kerascnn/metrics/",),
    "cv2": ("kerascnn/augmentation/", "kerascnn/filters.py"),
    "sklearn": (
        "kerascnn/data/builtin.py",
        "kerascnn/metrics/clustering.py",
        "kerascnn/metrics/probes.py",
        "kerascnn/reports/autoencoding_figures.py",
        "kerascnn/reports/embedding.py",
        "kerascnn/tuning/importance.py",
    ),
    "fsspec": ("kerascnn/data/storage.py",),
    "usearch": ("kerascnn/retrieval/",),
    "faiss": ("kerascnn/retrieval/",),
}
FILES = sorted(
    file.relative_to(ROOT).as_posix() for package in ("kerascnn", "recipes") for file in (ROOT / package).rglob("*.py")
)


def imported(source, path):
    """The dotted names that a file imports, `from a import b` as "a.b", relative ones made absolute."""
    package = Path(path).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def faults(source, path):
    """One line for each import of the file that the rules forbid."""
    package, part = Path(path).with_suffix("").parts[:2]
    for name in imported(source, path):
        top, inner = [*name.split("."), ""][:2]
        if top in ONLY_IN and not path.startswith(ONLY_IN[top]):
            yield f"{path}: {top} belongs to {', '.join(ONLY_IN[top])}"
        elif package == "kerascnn" and top == "recipes":
            yield f"{path}: nothing imports recipes"
        elif package == "kerascnn" and top == "kerascnn" and part not in ("__init__", inner):
            if inner not in MAY_IMPORT[part]:
                yield f"{path}: {part} must not import kerascnn.{inner}"
        elif package == top == "recipes" and not inner.startswith("_") and part not in ("__main__", "tune"):
            yield f"{path}: a recipe imports no other ({name})"


@pytest.mark.parametrize("path", FILES)
def test_imports_keep_to_the_layers(path):
    assert not list(faults((ROOT / path).read_text("utf-8"), path))


def test_every_part_has_its_line():
    parts = {Path(path).with_suffix("").parts[1] for path in FILES if path.startswith("kerascnn/")} - {"__init__"}
    assert parts <= set(MAY_IMPORT)


def test_the_rules_have_no_cycle():
    order = []
    while len(order) < len(MAY_IMPORT):
        free = [part for part in MAY_IMPORT if part not in order and MAY_IMPORT[part] <= set(order)]
        assert free, f"these import each other: {sorted(set(MAY_IMPORT) - set(order))}"
        order += free


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("kerascnn/layers/pooling.py", "from kerascnn.blocks import conv"),
        ("kerascnn/layers/pooling.py", "from ..blocks.conv import conv"),
        ("kerascnn/data/loading.py", "from kerascnn import models"),
        ("kerascnn/training/run.py", "def f():\n    import kerascnn.models.registry"),
        ("kerascnn/blocks/conv.py", "from kerascnn import load"),
        ("kerascnn/card.py", "from recipes.classify import classify"),
        ("kerascnn/models/vgg.py", "def f():\n    import tensorflow as tf"),
        ("kerascnn/data/loading.py", "from sklearn.datasets import load_digits"),
        ("recipes/predict.py", "from recipes.classify import classify"),
        ("recipes/predict.py", "import matplotlib.pyplot"),
        ("recipes/export.py", "import onnxruntime"),
    ],
)
def test_the_walk_finds_a_forbidden_import(path, line):
    assert len(list(faults(line, path))) == 1
