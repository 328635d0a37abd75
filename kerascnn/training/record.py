"""The record of a run: everything that `result.json` and the model card say."""

import inspect
import math
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import keras

from kerascnn.data import Data
from kerascnn.reports import Report
from kerascnn.training.describe import SILENT, describe
from kerascnn.training.environment import git_commit, versions
from kerascnn.training.run import Fitted


def record(
    recipe: Callable,
    arguments: Mapping[str, Any],
    *,
    data: Data | Mapping[str, Any],
    model: str,
    fitted: Fitted,
    report: Report,
    **decisions: Any,
) -> dict[str, Any]:
    """What was done, with what, and how good it is, as JSON can hold it.

    Args:
        recipe: the function.
        arguments: of the call.
        data: what it was trained on; or of a job without data what stands for them, with a "name" and "targets".
        model: text that stands for the network.
        fitted: what `run` returned.
        report: its numbers become `metrics`, its tables stay under their own names.
        decisions: what the recipe chose by itself, such as `precision`. A network that gives vectors has `embedding`,
            with its "dimensions" and the "distance" that it was trained for.
    """
    figures = {name: value for name, value in report.figures.items() if isinstance(value, int | float)}
    return {
        "recipe": recipe.__name__,
        "arguments": describe(arguments),
        "command": command(recipe, arguments),
        "seed": arguments["seed"],
        "data": _data(data) if isinstance(data, Data) else dict(data),
        "model": {"name": model, "parameters": count_weights(fitted.model)},
        **decisions,
        "judged_on": report.judged_on,
        "metrics": figures,
        **{name: value for name, value in report.figures.items() if name not in figures},
        "best_epoch": fitted.best_epoch,
        "ended": fitted.ended,
        "history": dict(fitted.history),
        "seconds": round(sum(fitted.seconds), 2),
        "images_per_second": round(fitted.images_per_second, 1),
        "input_wait": round(fitted.input_wait, 4),
        "versions": versions(),
        "git_commit": git_commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def command(recipe: Callable, arguments: Mapping[str, Any]) -> str | None:
    """The shell command of a call: what is not as the recipe has it anyway; None where a shell cannot pass an argument.

    >>> def classify(data="digits", epochs=30, callbacks=(), save_to=None): ...
    >>> command(classify, {"data": "photos", "epochs": 3, "callbacks": (), "save_to": "here"})
    'python -m recipes classify --data photos --epochs 3'
    """
    words = ["python", "-m", "recipes", recipe.__name__]
    for name, parameter in inspect.signature(recipe).parameters.items():
        value = arguments[name]
        if name in SILENT or value is parameter.default:
            continue
        parts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(part, str | int | float | None) or hasattr(part, "__fspath__") for part in parts):
            return None
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif value != parameter.default:
            words += [f"--{option}", *map(str, parts)]
    return shlex.join(words)


def count_weights(model: keras.Model) -> int:
    """Numbers that training learns; statistics and frozen weights are not among them."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _data(data: Data) -> dict[str, Any]:
    return {
        "name": data.name,
        "targets": data.targets,
        **({"multi_label": data.multi_label} if data.targets == "masks" else {}),
        **({"objects": _objects(data)} if data.targets in ("boxes", "box") else {}),
        "image_shape": list(data.image_shape),
        "class_names": list(data.class_names),
        "sizes": {"train": data.train_size, "validation": data.validation_size, "test": data.test_size},
        "report": dict(data.report),
    }


def _objects(data: Data) -> dict[str, int]:
    """The number of training objects of each class."""
    return dict(zip(data.class_names, map(int, data.object_counts), strict=True))
