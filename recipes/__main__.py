"""The command line, generated from the recipes' signatures: `python -m recipes RECIPE --option value`."""

import argparse
import ast
import difflib
import importlib
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from recipes import _shell

NAMES = (
    "classify",
    "finetune",
    "segment",
    "denoise",
    "detect",
    "localize",
    "embed",
    "autoencode",
    "stylize",
    "tune",
    "predict",
    "inspect",
    "export",
    "index",
    "search",
)
RECIPES = {name: f"recipes.{name}" for name in NAMES}  # the module of each


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the recipe that the arguments (the shell's, unless given) name; returns the exit status.

    0: done; 2: an argument or a file is wrong, the memory is not enough, or the loss became NaN; 130: stopped with
    Ctrl-C. Any other fault shows its traceback.
    """
    name, *options = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    prog = _prog()
    if name in ("-h", "--help"):
        print(overview(prog))
        return 0
    if name not in RECIPES:
        close = " or ".join(map(repr, difflib.get_close_matches(name, RECIPES)))
        mend = f"Did you mean {close}?" if close else f"Run `{prog} --help`."
        return _fail(f"`recipe` must be one of {', '.join(map(repr, RECIPES))}. Received: recipe={name!r}. {mend}")
    try:
        return _run(name, options, prog)
    except KeyboardInterrupt:
        _say("\nStopped. The same command starts again; a training goes on where its state was last written:")
        _say(f"  {prog} {shlex.join([name, *options])}")
        return 130


def overview(prog: str) -> str:
    """The recipes with their first lines, read from the files so that nothing heavy is imported."""
    width = max(map(len, RECIPES)) + 2
    documents = {name: _shell.documentation(_docstring(name)) for name in RECIPES}
    lines = [f"  {name:{width}}{each.short_description}" for name, each in documents.items()]
    examples = [f"  {example}" for each in documents.values() for example in _shell.examples(each)]
    usage = f"usage: {prog} RECIPE [--option value ...]"
    more = f"`{prog} RECIPE --help` shows a recipe's options, with types, defaults and meanings."
    return "\n".join([usage, "", "recipes:", *lines, "", "examples:", *examples, "", more])


def _run(name: str, arguments: Sequence[str], prog: str) -> int:
    with _shell.quiet_start():
        recipe = _imported(name)
        inner = _imported(_inner(arguments)) if name == "tune" else None
    options = _shell.parse(recipe, arguments, prog=f"{prog} {name}", inner=inner)
    if "save_to" in options and options["save_to"] is None:
        options["save_to"] = _shell.default_save_to(recipe, options)
    try:
        result = recipe(**options)
    except (ValueError, ArithmeticError, ImportError, OSError, MemoryError) as error:
        if isinstance(error, OSError) or _raised_here(error):
            return _fail(error)
        raise
    if hasattr(result, "leaderboard"):
        print(_standing(result))
        result = result.best
    if hasattr(result, "metrics"):
        print(_report(result, prog))
    return 0


def _imported(name: str) -> Callable:
    return getattr(importlib.import_module(RECIPES[name]), name)


def _inner(arguments: Sequence[str]) -> str:
    """The recipe that the options of `tune` name, if they name one that there is."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--recipe", default="classify")
    named = parser.parse_known_args(arguments)[0].recipe
    return named if named in RECIPES else "classify"


def _standing(result) -> str:
    """The best trials of a sweep, and where the rest is."""
    from kerascnn.tuning import settings

    lines = []
    for trial in result.trials[:3]:
        shown = {name: value for name, value in trial.arguments.items() if name not in ("seed", "verbose", "pictures")}
        lines.append(f"trial {trial.number:<4} {trial.score:.4f}  {settings(shown)}")
    counted = ", ".join(f"{name} {share:.0%}" for name, share in list(result.importance.items())[:4])
    told = ["", f"The best by {result.objective} on the validation split:", *lines]
    told += [f"What counted: {counted}"] if counted else []
    pictures = ", ".join(sorted(file.name for file in Path(result.path).glob("*.png")))
    return "\n".join([*told, f"leaderboard      {Path(result.path, 'leaderboard.md')} ({pictures})"])


def _report(result, prog: str) -> str:
    """What a person wants to know after a run: how good, where it lies, how to use it."""
    judged_on = result.extras.get("record", {}).get("judged_on")
    lines = [f"On the {judged_on} split:"] if judged_on else []
    lines += [f"{name:16} {value:.4f}" for name, value in result.metrics.items()]
    if result.path is None:
        return "\n".join(["", *lines])
    pictures = ", ".join(sorted(file.name for file in Path(result.path).glob("*.png")))
    lines = ["", *lines, "", f"{'model':16} {Path(result.path, 'model.keras')}"]
    lines += [f"{'pictures':16} {pictures} (same folder)"] if pictures else []
    folder, record = shlex.quote(str(result.path)), result.extras.get("record", {})
    if record.get("data", {}).get("targets") == "picture":
        return "\n".join([*lines, "", "In Python:", f"  image = kerascnn.load({str(result.path)!r}).extras['image']"])
    if record.get("embedding"):
        lines += ["", "Search:", f"  {prog} index --model {folder} --images PHOTOS --to photos.npz"]
        lines += [f"  {prog} search --index photos.npz IMAGE"]
    else:
        lines += ["", "Predict:", f"  {prog} predict --model {folder} IMAGE..."]
    lines += ["Or in Python:", f"  result = kerascnn.load({str(result.path)!r})", "  result.model.predict(images)"]
    return "\n".join(lines)


def _docstring(name: str) -> str:
    file = Path(__file__).with_name(f"{RECIPES[name].rpartition('.')[2]}.py")
    functions = [node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    return next(ast.get_docstring(node) or "" for node in functions if node.name == name)


def _raised_here(error: BaseException) -> bool:
    """Whether our own code raised it, about an argument or a NaN: its message is enough without a traceback."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in ("kerascnn", "recipes")


def _prog() -> str:
    called = Path(sys.argv[0]).name
    return "kerascnn" if called.startswith("kerascnn") else "python -m recipes"


def _fail(problem: object) -> int:
    _say(f"error: {problem}")
    return 2


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
