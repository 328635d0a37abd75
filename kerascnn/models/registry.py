"""Models by name: the table, and the one function that turns what a user passes as `model=` into a keras.Model."""

import ast
import functools
import inspect
from collections.abc import Callable
from typing import Any

import keras

from kerascnn import checks
from kerascnn.layers import nested
from kerascnn.models.alexnet import alexnet
from kerascnn.models.cifar_resnet import resnet20, resnet32, resnet44, resnet56, resnet110
from kerascnn.models.convnet import convnet
from kerascnn.models.fastnet import fastnet
from kerascnn.models.googlenet import googlenet
from kerascnn.models.inception_resnet import inception_resnet_v2
from kerascnn.models.lenet5 import lenet5
from kerascnn.models.mlp import mlp
from kerascnn.models.mnist_cnn import mnist_cnn
from kerascnn.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from kerascnn.models.vgg import vgg11, vgg13, vgg16, vgg19
from kerascnn.models.zfnet import zfnet

Builder = Callable[..., keras.Model]

MODELS: dict[str, Builder] = {
    "fastnet": fastnet,
    "convnet": convnet,
    "mlp": mlp,
    "lenet5": lenet5,
    "mnist_cnn": mnist_cnn,
    "alexnet": alexnet,
    "zfnet": zfnet,
    "vgg11": vgg11,
    "vgg13": vgg13,
    "vgg16": vgg16,
    "vgg19": vgg19,
    "googlenet": googlenet,
    "inception_resnet_v2": inception_resnet_v2,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "resnet152": resnet152,
    "resnet20": resnet20,
    "resnet32": resnet32,
    "resnet44": resnet44,
    "resnet56": resnet56,
    "resnet110": resnet110,
}


def build(model: str | Builder | keras.Model, image_shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns the keras.Model that `model` stands for.

    `model` is a name of `MODELS`, a name with literal arguments, a builder `f(image_shape, classes) -> keras.Model`,
    or a keras.Model, which is returned as it is. Raises ValueError for an unknown name or argument and for a model
    that does not take `image_shape` or give `classes` probabilities; TypeError for anything else.

    >>> build("lenet5(filters=(4, 8))", (28, 28, 1), 10).output_shape
    (None, 10)
    >>> build("lenet6", (28, 28, 1), 10)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: `model` must be one of 'alexnet', ... Received: model='lenet6'. Did you mean 'lenet5' or ...?
    """
    checks.positive_int("classes", classes)
    if isinstance(model, str):
        builder, arguments = parse(model)
        model = builder(image_shape, classes, **arguments)
    elif not isinstance(model, keras.Model) and callable(model):
        model = model(image_shape, classes)
    if not isinstance(model, keras.Model):
        rule = "be a name, a builder f(image_shape, classes) -> keras.Model, or a keras.Model"
        raise TypeError(checks.message("model", rule, model))
    _check_shapes(model, tuple(image_shape), classes)
    return model


def parse(text: str) -> tuple[Builder, dict[str, Any]]:
    """Splits a name with arguments into its builder and the arguments.

    >>> builder, arguments = parse("lenet5(kernel_size=3)")
    >>> builder.__name__, arguments
    ('lenet5', {'kernel_size': 3})
    """
    name, arguments = _name_and_arguments(text)
    if name not in MODELS:
        checks.one_of("model", text if name is None else name, MODELS)
    allowed = sorted(set(inspect.signature(MODELS[name]).parameters) - {"image_shape", "classes"})
    for argument in arguments:
        rule = f"have arguments among {', '.join(allowed)}"
        if argument not in allowed:
            raise ValueError(checks.message("model", rule, text, checks.nearest(argument, allowed)))
    return MODELS[name], arguments


def describe(model: str | Builder | keras.Model) -> str:
    """The text that stands for `model` in result.json; `build` takes it back if `model` was text.

    >>> describe("resnet20( kernel_size = 5 )")
    'resnet20(kernel_size=5)'
    """
    if isinstance(model, str):
        name, arguments = _name_and_arguments(model)
        return _call(name, arguments) if name else model
    if isinstance(model, keras.Model):
        return f"{type(model).__module__.split('.')[0]}.{type(model).__name__} {model.name}"
    if isinstance(model, functools.partial):
        parent = MODELS.get(model.keywords.get("name"))
        given = getattr(parent, "keywords", {}).items()
        changed = {key: value for key, value in model.keywords.items() if (key, value) not in given}
        return _call(model.keywords["name"] if parent else describe(model.func), changed)
    return getattr(model, "__name__", type(model).__name__)


def _name_and_arguments(text: str) -> tuple[str | None, dict[str, Any]]:
    """A name of None says that `text` is not of the form NAME or NAME(argument=literal, ...)."""
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


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        rule = "have only numbers, strings, tuples and the like as arguments"
        mend = f"Pass a builder instead of a string for {ast.unparse(node)}."
        raise ValueError(checks.message("model", rule, text, mend)) from None


def _call(name: str, arguments: dict[str, Any]) -> str:
    texts = [f"{key}={getattr(value, '__name__', repr(value))}" for key, value in arguments.items()]
    return f"{name}({', '.join(texts)})" if texts else name


def _check_shapes(model: keras.Model, image_shape: tuple[int, ...], classes: int) -> None:
    network = nested.for_use(model)
    if not hasattr(network, "outputs") or len(network.inputs) != 1 or len(network.outputs) != 1:
        mend = "Wrap it as keras.Model(inputs, outputs)."
        raise ValueError(checks.message("model", "have one input and one output, known before training", model, mend))
    takes, gives = network.inputs[0].shape[1:], network.outputs[0].shape[1:]
    fits = len(takes) == len(image_shape) and all(a in (None, b) for a, b in zip(takes, image_shape, strict=True))
    if not fits:
        rule, mend = f"take images of shape {image_shape}", f"It takes {takes}: resize the images or build it anew."
        raise ValueError(checks.message("model", rule, model.name, mend))
    if gives != (classes,):
        rule, mend = f"give {classes} probabilities an image", f"It gives {gives}: replace its last layer."
        raise ValueError(checks.message("model", rule, model.name, mend))
