"""Noise from text, as the command line has it."""

import ast
import inspect
from collections.abc import Callable
from numbers import Real

from kerascnn import checks
from kerascnn.noise.kinds import KINDS, Noise


def named(noise: str | Noise | Callable | None) -> Noise | Callable | None:
    """The noise that `noise` means: text such as "gaussian(25)" or "poisson(30) + gaussian(5)", or a callable.

    The names are "gaussian", "poisson", "salt_and_pepper" and "masked", with the arguments of `Gaussian`, `Poisson`,
    `SaltAndPepper` and `Masked`; two numbers are a pair, so that "gaussian(0, 50)" is any from 0 to 50. A callable
    takes `(images, indices, epoch, seed)` and is returned as it is; None and "none" are None.
    Raises: ValueError for anything else, an unknown name and a wrong argument.

    >>> from kerascnn.noise import Gaussian, Poisson
    >>> named("poisson(30) + gaussian(0, 5, clip=True)") == Poisson(30) + Gaussian((0, 5), clip=True)
    True
    """
    if noise is None or noise == "none" or (callable(noise) and not isinstance(noise, type)):
        return None if noise == "none" else noise
    try:
        return _parsed(ast.parse(noise.strip(), mode="eval").body, noise)
    except (SyntaxError, AttributeError):
        rule = "be a text such as 'gaussian(25)', or take images, indices, epoch and seed"
        raise ValueError(checks.message("noise", rule, noise)) from None


def _parsed(node: ast.expr, text: str) -> Noise:
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _parsed(left, text) + _parsed(right, text)
        case ast.Name(id=name):
            return KINDS[checks.one_of("noise", name, KINDS)]()
        case ast.Call(func=ast.Name(id=name), args=values, keywords=pairs):
            return _made(KINDS[checks.one_of("noise", name, KINDS)], values, pairs, text)
    raise SyntaxError(text)


def _made(kind: type[Noise], values: list[ast.expr], pairs: list[ast.keyword], text: str) -> Noise:
    try:
        literals = tuple(ast.literal_eval(value) for value in values)
        options = {str(pair.arg): ast.literal_eval(pair.value) for pair in pairs}
    except ValueError:
        raise ValueError(checks.message("noise", "have only numbers and texts as arguments", text)) from None
    if len(literals) == 2 and all(isinstance(value, Real) for value in literals):
        literals = (literals,)
    try:
        bound = inspect.signature(kind).bind(*literals, **options)
    except TypeError:
        names = ", ".join(inspect.signature(kind).parameters)
        raise ValueError(checks.message("noise", f"have arguments among {names}", text)) from None
    return kind(*bound.args, **bound.kwargs)
