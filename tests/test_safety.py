"""What reads files of others must not run them: the calls that would are in no module, or in one that guards them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ONLY_IN = {  # calls and imports that are safe in one place alone; docs/safety.md says why
    "load_model": ("kerascnn/keras_file.py",),
    "pickle": ("kerascnn/backbones/torch_file.py", "kerascnn/tuning/crew.py"),
}
NEVER = ("eval", "exec", "extract", "extractall", "unpack_archive", "enable_unsafe_deserialization", "mktemp")
NEVER += ("dill", "joblib", "cloudpickle", "shelve", "marshal")
FILES = sorted(
    file.relative_to(ROOT).as_posix()
    for package in ("kerascnn", "recipes", "benchmarks")
    for file in (ROOT / package).rglob("*.py")
)


def faults(source, path):
    """A line for each call and import that the rules forbid."""
    for node in ast.walk(ast.parse(source)):
        for name in _names(node):
            if name in NEVER or path not in ONLY_IN.get(name, (path,)):
                yield f"{path}:{node.lineno}: {name}"
        if isinstance(node, ast.Call):
            options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            if options.get("safe_mode") == "False":
                yield f"{path}:{node.lineno}: {options}"
            if ast.unparse(node.func) in ("yaml.load", "yaml.full_load", "yaml.unsafe_load", "torch.load"):
                yield f"{path}:{node.lineno}: {ast.unparse(node.func)}"
            if ast.unparse(node.func).endswith("np.load") and options.get("allow_pickle") != "False":
                yield f"{path}:{node.lineno}: np.load without allow_pickle=False"


def _names(node):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        yield node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    elif isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", FILES)
def test_nothing_in_a_file_is_run(path):
    assert not list(faults((ROOT / path).read_text("utf-8"), path))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "keras.models.load_model(path)",
        "eval(text)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "archive.extractall(folder)",
        "read(path, safe_mode=False)",
    ],
)
def test_the_walk_finds_what_would(line):
    assert len(list(faults(line, "kerascnn/any.py"))) == 1
