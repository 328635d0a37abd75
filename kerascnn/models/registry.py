"""What a user passes as `model=` becomes a keras.Model: by a name of the tables, a builder, or as it is."""

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import keras

from kerascnn import checks
from kerascnn.layers import nested
from kerascnn.layers.halving import halves
from kerascnn.models.tables import AUTOENCODERS, MAP_MODELS, MODELS, OTHER_JOB, Builder
from kerascnn.models.texts import name_and_arguments, written


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
    network = _built(model, image_shape, classes, MODELS, {})
    gives = _checked_output(network, tuple(image_shape))
    if gives != (classes,):
        rule, mend = f"give {classes} probabilities an image", f"It gives {gives}: replace its last layer."
        raise ValueError(checks.message("model", rule, network.name, mend))
    return network


def build_map(
    model: str | Builder | keras.Model, image_shape: tuple[int | None, ...], classes: int, **fixed: Any
) -> keras.Model:
    """As `build`, for the names of `MAP_MODELS` and for models that give `classes` numbers a pixel.

    `fixed` are arguments that the caller decides for named models, such as `head="sigmoid"`; they win over defaults. A
    model without padding may give a smaller map than its image. Raises what `build` does, and ValueError for a text
    that has one of `fixed` with another value.

    >>> build_map("unet(filters=4, depth=2)", (32, 32, 1), 3, head="sigmoid").output_shape
    (None, None, None, 3)
    >>> build_map("resnet20", (32, 32, 1), 3)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    ValueError: `model` must be one of 'attention_unet', 'dncnn', 'fcn', 'residual_unet', 'unet'.
    Received: model='resnet20'. It gives one answer an image: that is for jobs such as classify and finetune.
    """
    network = _built(model, image_shape, classes, MAP_MODELS, fixed)
    gives = _checked_output(network, tuple(image_shape))
    pairs = zip(gives[:-1], image_shape[:-1], strict=False)
    fits = len(gives) == len(image_shape) and all(None in pair or pair[0] <= pair[1] for pair in pairs)
    if not fits or gives[-1] != classes:
        rule, mend = f"give {classes} numbers a pixel", f"It gives {gives}: replace its last layers."
        raise ValueError(checks.message("model", rule, network.name, mend))
    return network


def build_autoencoder(
    model: str | Builder | keras.Model, image_shape: tuple[int, ...], code_size: int, **fixed: Any
) -> keras.Model:
    """As `build_map`, for the names of `AUTOENCODERS`, builders `f(image_shape, code_size)` and models of images.

    Raises what `build_map` and `layers.halves` do, and ValueError for a code of another size.

    >>> build_autoencoder("conv_autoencoder(filters=(4, 8), up='resize')", (32, 32, 1), 16).get_layer("code").units
    16
    """
    network = _built(model, image_shape, code_size, AUTOENCODERS, fixed)
    gives = _checked_output(network, tuple(image_shape))
    if gives != tuple(image_shape):
        rule = f"give images of shape {tuple(image_shape)}, as it takes"
        raise ValueError(checks.message("model", rule, network.name, f"It gives {gives}."))
    size = halves(network)[0].output_shape[1:]
    if size != (code_size,):
        rule = f"have a code of {code_size} numbers"
        raise ValueError(checks.message("model", rule, network.name, f"It has {size}."))
    return network


def parse(text: str, table: Mapping[str, Builder] = MODELS) -> tuple[Builder, dict[str, Any]]:
    """Splits a name of `table`, such as `MAP_MODELS`, with its arguments into its builder and the arguments.

    >>> builder, arguments = parse("lenet5(kernel_size=3)")
    >>> builder.__name__, arguments
    ('lenet5', {'kernel_size': 3})
    """
    name, arguments = name_and_arguments(text)
    if name not in table:
        checks.one_of("model", text if name is None else name, table, OTHER_JOB.get(name, ""))
    allowed = sorted(list(inspect.signature(table[name]).parameters)[2:])  # without image_shape and classes
    for argument in arguments:
        rule = f"have arguments among {', '.join(allowed)}"
        if argument not in allowed:
            raise ValueError(checks.message("model", rule, text, checks.nearest(argument, allowed)))
    return table[name], arguments


def describe(model: str | Builder | keras.Model) -> str:
    """The text that stands for `model` in result.json; `build` or `build_map` takes it back if `model` was text.

    >>> describe("resnet20( kernel_size = 5 )")
    'resnet20(kernel_size=5)'
    """
    if isinstance(model, str):
        name, arguments = name_and_arguments(model)
        return written(name, arguments) if name else model
    if isinstance(model, keras.Model):
        return f"{type(model).__module__.split('.')[0]}.{type(model).__name__} {model.name}"
    if isinstance(model, functools.partial):
        parent = (MODELS | MAP_MODELS | AUTOENCODERS).get(model.keywords.get("name"))
        given = getattr(parent, "keywords", {}).items()
        changed = {key: value for key, value in model.keywords.items() if (key, value) not in given}
        return written(model.keywords["name"] if parent else describe(model.func), changed)
    return getattr(model, "__name__", type(model).__name__)


def _built(model, image_shape, classes, table, fixed) -> keras.Model:
    checks.positive_int("classes", classes)
    if isinstance(model, str):
        builder, arguments = parse(model, table)
        _check_fixed(model, arguments, fixed)
        model = builder(image_shape, classes, **(arguments | fixed))
    elif not isinstance(model, keras.Model) and callable(model):
        model = model(image_shape, classes)
    if not isinstance(model, keras.Model):
        rule = "be a name, a builder f(image_shape, classes) -> keras.Model, or a keras.Model"
        raise TypeError(checks.message("model", rule, model))
    return model


def _check_fixed(text: str, arguments: dict[str, Any], fixed: dict[str, Any]) -> None:
    for key, value in fixed.items():
        if arguments.get(key, value) != value:
            rule, mend = f"have {key}={value!r}, which follows from the job and its data", f"Leave {key} out."
            raise ValueError(checks.message("model", rule, text, mend))


def _checked_output(model: keras.Model, image_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """The shape of the output without the batch, after a look at the input."""
    network = nested.for_use(model)
    if not hasattr(network, "outputs") or len(network.inputs) != 1 or len(network.outputs) != 1:
        mend = "Wrap it as keras.Model(inputs, outputs)."
        raise ValueError(checks.message("model", "have one input and one output, known before training", model, mend))
    takes = network.inputs[0].shape[1:]
    fits = len(takes) == len(image_shape) and all(a in (None, b) for a, b in zip(takes, image_shape, strict=True))
    if not fits:
        rule, mend = f"take images of shape {image_shape}", f"It takes {takes}: resize the images or build it anew."
        raise ValueError(checks.message("model", rule, model.name, mend))
    return network.outputs[0].shape[1:]
