"""Spaces written as text, for the command line."""

import ast
from typing import Any

from kerascnn import checks
from kerascnn.tuning import spaces

NAMES = ("Between", "Choices", "ConvNetSpace", "LeNetSpace", "ResNetSpace", "UNetSpace", "VGGSpace", "ZFNetSpace")


def parse_space(text: str) -> Any:
    """The space that a text stands for: names of ready spaces with literal arguments, added up.

    Raises: ValueError for anything else.

    >>> parse_space("LeNetSpace() + Choices(learning_rate=Between(0.001, 0.01, log=True))")(hp)  # doctest: +SKIP
    {'model': 'lenet5(...)', 'learning_rate': 0.001}
    """
    try:
        found = _value(ast.parse(text.strip(), mode="eval").body)
        if not callable(found):
            raise _Unknown(text)
    except (SyntaxError, _Unknown) as error:
        rule = f"be made of {', '.join(NAMES)}, literal values and '+'"
        mend = checks.nearest(str(error), NAMES) if isinstance(error, _Unknown) else ""
        raise ValueError(checks.message("space", rule, text, mend)) from None
    return found


class _Unknown(Exception):
    """A part of the text that is not understood."""


def _value(node: ast.expr) -> Any:
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in NAMES:
            if all(pair.arg for pair in keywords):
                return getattr(spaces, name)(*map(_value, args), **{pair.arg: _value(pair.value) for pair in keywords})
        case ast.Name(id=name) if name in NAMES:
            return getattr(spaces, name)()
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(map(_value, parts))
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _Unknown(ast.unparse(node)) from None
