"""One function for each job: data in, Result out; `from recipes import classify`.

A recipe is imported when it is first asked for, so that `python -m recipes --help` answers at once.
"""

import importlib
import sys
from types import ModuleType


class _Recipes(ModuleType):
    """A package whose attribute `classify` is the function, also after the module of that name was imported."""

    def __getattr__(self, name):
        try:
            return getattr(importlib.import_module(f"{__name__}.{name}"), name)
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"there is no recipe {name!r}") from None

    def __setattr__(self, name, value):
        super().__setattr__(name, getattr(value, name, value) if isinstance(value, ModuleType) else value)


sys.modules[__name__].__class__ = _Recipes
