"""The text form of a network: NAME, or NAME(argument=literal, ...)."""

import ast
from collections.abc import Mapping
from typing import Any

from kerascnn import checks


def name_and_arguments(text: str) -> tuple[str | None, dict[str, Any]]:
    """A name of None says that `text` is not of that form; raises ValueError for an argument that is no literal.

    >>> name_and_arguments("lenet5(filters=(4, 8))")
    ('lenet5', {'filters': (4, 8)})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None, {}
    match node:
        case ast.Name(id=name):
            return name, {}
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if all(pair.arg for pair in keywords):
            return name, {pair.arg: _literal(pair.value, text) for pair in keywords}
    return None, {}


def written(name: str, arguments: Mapping[str, Any]) -> str:
    """The text, with functions among the arguments by their names.

    >>> written("lenet5", {"filters": (4, 8), "activation": max})
    'lenet5(filters=(4, 8), activation=max)'
    """
    texts = [f"{key}={getattr(value, '__name__', repr(value))}" for key, value in arguments.items()]
    return f"{name}({', '.join(texts)})" if texts else name


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        rule = "have only numbers, strings, tuples and the like as arguments"
        mend = f"Pass a builder instead of a string for {ast.unparse(node)}."
        raise ValueError(checks.message("model", rule, text, mend)) from None
