"""From a recipe's signature to its command line: types a shell can write, help from the docstring, quiet start."""

import inspect
import os
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

SCALARS = (bool, int, float, str, NoneType)
RUNS = Path("saved_models", "runs")
FILES = ("content", "style", "data")  # options that name files
NAMED = ("detect", "localize", "embed", "autoencode", "stylize")  # whose runs would else be called as others' are
NOISE = re.compile(rb"WARNING: All log messages before absl|[IWE]\d{4} ")  # TensorFlow 2.21 has no setting for these


def parse(recipe: Callable, arguments: Sequence[str], *, prog: str, inner: Callable | None = None) -> dict[str, Any]:
    """The options of a command line for `recipe`, by name; prints the help, or what is wrong, and exits.

    `inner` is the recipe that takes what `recipe` hands on: its options can be given too, and are there if they were.
    """
    import tyro

    def command(**options):
        return options

    own = shell_signature(recipe)
    handed_on = _handed_on(own, inner) if inner else {}
    command.__signature__ = own.replace(parameters=[*own.parameters.values(), *handed_on.values()])
    command.__annotations__ = {name: each.annotation for name, each in command.__signature__.parameters.items()}
    document = documentation(recipe.__doc__)
    text = "\n\n".join([document.description or "", *[f"Example: {each}" for each in examples(document)]])
    options = tyro.cli(command, prog=prog, description=_wrapped(text), args=list(arguments))
    left_out = [name for name, parameter in handed_on.items() if options[name] == parameter.default]
    return {name: value for name, value in options.items() if name not in left_out}


def shell_signature(recipe: Callable) -> inspect.Signature:
    """The recipe's signature with types that a shell can write, each with its line of the docstring.

    Callbacks, model objects, arrays and the like keep their defaults: such a parameter loses these types, and is left
    out when nothing else remains. A required list becomes positional.
    """
    meanings = {each.arg_name: " ".join(each.description.split()) for each in documentation(recipe.__doc__).params}
    hints = get_type_hints(recipe, include_extras=True)
    parameters = []
    for name, parameter in inspect.signature(recipe).parameters.items():
        kind = shell_type(hints.get(name))
        if kind is not None:
            annotation = _with_help(kind, name, meanings.get(name, ""), parameter.default is parameter.empty)
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=annotation))
    return inspect.Signature(parameters)


def _handed_on(own: inspect.Signature, inner: Callable) -> dict[str, inspect.Parameter]:
    """The parameters of `inner` that a recipe hands on: those that it has not itself, and that change what is done."""
    parameters = shell_signature(inner).parameters
    return {name: each for name, each in parameters.items() if name not in {*own.parameters, *_silent()}}


def shell_type(annotation: Any) -> Any:
    """The part of a type that can be written in a shell, or None.

    >>> shell_type(str | Path | Callable), shell_type(Sequence[Path]), shell_type(Callable | None)
    (<class 'str'>, list[str], None)
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shell_type(arguments[0])
    if origin in (Union, UnionType):
        return _shell_union(arguments)
    if origin in (tuple, list, Sequence):
        members = [each if each is Ellipsis else shell_type(each) for each in arguments]
        container = tuple if origin is tuple else list
        return container[tuple(members)] if members and None not in members else None
    if origin is Literal or annotation in SCALARS:
        return annotation
    return str if isinstance(annotation, type) and issubclass(annotation, os.PathLike) else None


def documentation(docstring: str | None) -> Any:
    """The parts of a docstring: description, arguments, examples."""
    import docstring_parser

    return docstring_parser.parse(docstring or "")


def examples(document: Any) -> list[str]:
    """The lines of a docstring's `Examples:` section.

    >>> examples(documentation("Trains.\\n\\nExamples:\\n    python -m recipes classify --epochs 3"))
    ['python -m recipes classify --epochs 3']
    """
    sections = [each.description or "" for each in document.examples]
    return [line.strip() for section in sections for line in section.splitlines() if line.strip()]


def default_save_to(recipe: Callable, options: dict[str, Any]) -> str:
    """Where a run goes when the shell says nothing: `saved_models/runs/<data>-<model>`, and what is not the default.

    >>> def classify(data="digits", *, model="resnet20", epochs=30): ...
    >>> default_save_to(classify, {"data": "photos/birds/", "model": "resnet20(kernel_size=5)", "epochs": 10})
    'saved_models/runs/birds-resnet20-kernel_size=5-epochs=10'
    """
    files = [options[key] for key in FILES if options.get(key) is not None]
    names = [Path(path).name for each in files for path in ([each] if isinstance(each, str) else each)]
    names += [options["model"]] if options.get("model") is not None else []
    defaults = {name: each.default for name, each in inspect.signature(recipe).parameters.items()}
    others = [name for name in options if name not in (*FILES, "model", *_silent())]
    names += [f"{name}={_word(options[name])}" for name in others if options[name] != defaults[name]]
    names[1:1] = [recipe.__name__] if recipe.__name__ in NAMED else []
    words = [re.sub(r"[^\w.=-]+", "-", name).strip("-") for name in names]
    return str(RUNS / "-".join(words)[:200])


@contextmanager
def quiet_start() -> Iterator[None]:
    """Holds back TensorFlow's start-up messages; all else that is written to stderr follows at the end.

    A `TF_CPP_MIN_LOG_LEVEL` of the caller's own keeps its meaning, and everything is shown.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not NOISE.match(line)))


def _word(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _silent() -> tuple[str, ...]:
    from kerascnn.training.describe import SILENT  # late: the help of a recipe must not wait for Keras

    return SILENT


def _shell_union(members: Sequence[Any]) -> Any:
    kept = dict.fromkeys(kind for kind in map(shell_type, members) if kind is not None)
    in_order = sorted(kept, key=lambda kind: kind is str)  # str last: it would take every word
    return reduce(or_, in_order) if set(kept) - {NoneType} else None


def _with_help(kind: Any, name: str, meaning: str, required: bool) -> Any:
    import tyro

    if required and get_origin(kind) is list:
        help_line = tyro.conf.arg(help=meaning, help_behavior_hint="(one or more)", metavar=f"{name.upper()}...")
        return tyro.conf.Positional[Annotated[kind, help_line]]
    hint = f"(default: {RUNS}/<data>-<model>-<other options>)" if name == "save_to" else None
    return Annotated[kind, tyro.conf.arg(help=meaning, help_behavior_hint=hint)]


def _wrapped(text: str) -> str:
    """Each paragraph folded to the terminal's width; the indent keeps tyro from joining the lines again."""
    width = min(shutil.get_terminal_size().columns, 100)
    return "\n\n".join(textwrap.fill(each, width, subsequent_indent=" ") for each in text.split("\n\n"))
