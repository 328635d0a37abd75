"""Pipelines as plain dicts and as YAML."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

from kerascnn import checks


def table() -> dict[str, type]:
    """Every transform by its name."""
    from kerascnn import augmentation
    from kerascnn.augmentation.transform import Transform

    every = {name: value for name, value in vars(augmentation).items() if inspect.isclass(value)}
    return {name: cls for name, cls in every.items() if issubclass(cls, Transform) and cls is not Transform}


def to_dict(transform) -> dict[str, Any]:
    """The name of a transform and its arguments, those left at their default not among them."""
    plain: dict[str, Any] = {"name": type(transform).__name__}
    usual = inspect.signature(type(transform)).parameters
    for entry in dataclasses.fields(transform):
        value = getattr(transform, entry.name)
        if entry.name == "transforms":
            plain["transforms"] = [to_dict(each) for each in value]
        elif value != usual[entry.name].default:
            plain[entry.name] = _plain(value)
    return plain


def from_dict(plain: dict[str, Any]):
    """The transform that `to_dict` wrote; raises ValueError for a name or an argument that is not there."""
    known = table()
    arguments = {key: _tuples(value) for key, value in plain.items() if key not in ("name", "transforms")}
    cls = known[checks.one_of("name", plain.get("name"), known)]
    for argument in arguments:
        checks.one_of(f"argument of {cls.__name__}", argument, inspect.signature(cls).parameters)
    return cls(*(from_dict(each) for each in plain.get("transforms", ())), **arguments)


def to_yaml(transform) -> str:
    """`to_dict` as YAML text."""
    import yaml

    return yaml.safe_dump(to_dict(transform), sort_keys=False)


def from_yaml(text: str | Path):
    """The transform in YAML text or in a .yaml file; raises ValueError where that is no mapping."""
    import yaml

    if isinstance(text, Path) or text.strip().endswith((".yaml", ".yml")):
        text = Path(text).read_text("utf-8")
    plain = yaml.safe_load(text)
    if not isinstance(plain, dict):
        raise ValueError(checks.message("text", "be a mapping with a list of `transforms`", plain))
    return from_dict({"name": "Pipeline", **plain})


def _plain(value):
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _tuples(value):
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(each) for key, each in value.items()} if isinstance(value, dict) else value
