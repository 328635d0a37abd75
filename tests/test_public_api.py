"""The public names with their parameters, as tests/public_api.txt lists them: a change of API is always a decision.

After a change that is meant, write the list anew and read the difference: `python tests/test_public_api.py`.
"""

import difflib
import functools
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path

GOLDEN = Path(__file__).with_name("public_api.txt")
PLAIN = (str, int, float, bool, type(None), tuple)


def public_modules():
    """`kerascnn`, its packages and its single modules, but not the modules inside a package: their package exports."""
    import kerascnn

    yield kerascnn
    for each in pkgutil.iter_modules(kerascnn.__path__, "kerascnn."):
        yield importlib.import_module(each.name)
    yield importlib.import_module("recipes.classify")
    yield importlib.import_module("recipes.finetune")
    yield importlib.import_module("recipes.tune")
    yield importlib.import_module("recipes.predict")
    yield importlib.import_module("recipes.export")


def exported(module):
    """What a module offers: a package all that it exports, a single module what it defines."""
    for name in sorted(dir(module)):
        value = getattr(module, name)
        origin = getattr(getattr(value, "func", value), "__module__", None) or ""  # a functools.partial has `func`
        ours = origin == module.__name__ or (hasattr(module, "__path__") and origin.startswith("kerascnn"))
        if not name.startswith("_") and callable(value) and ours:
            yield f"{module.__name__}.{name}", value


def parameters(function, skip_self=False):
    """The signature without annotations; a default that is no plain value is written as `...`."""
    kept = []
    for parameter in list(inspect.signature(function).parameters.values())[skip_self:]:
        if parameter.default is not parameter.empty and not isinstance(parameter.default, PLAIN):
            parameter = parameter.replace(default=...)
        kept.append(parameter.replace(annotation=parameter.empty))
    return str(inspect.Signature(kept)).replace("Ellipsis", "...")


def written(member):
    """How a member of a class is written behind its name: a method with its parameters, a property bare, data not."""
    if isinstance(member, property | functools.cached_property):
        yield ""
    elif inspect.isfunction(member):
        yield parameters(member, skip_self=True)
    elif isinstance(member, classmethod):
        yield parameters(member.__func__, skip_self=True)
    elif isinstance(member, staticmethod):
        yield parameters(member.__func__)


def lines():
    """One line for each public function, class and public method or property that a class of ours defines."""
    for module in public_modules():
        for name, value in exported(module):
            yield name + parameters(value)
            for member, method in sorted(vars(value).items()) if inspect.isclass(value) else ():
                if not member.startswith("_"):
                    yield from (f"{name}.{member}{form}" for form in written(method))


def test_the_public_names_and_their_parameters_are_the_listed_ones():
    now, listed = list(lines()), GOLDEN.read_text("utf-8").splitlines()
    change = "\n".join(difflib.unified_diff(listed, now, "tests/public_api.txt", "the code", lineterm="", n=0))
    assert not change, f"The public API has changed. If that is meant: python tests/test_public_api.py\n{change}"


def test_the_list_sees_functions_classes_methods_and_properties():
    now = set(lines())
    assert "kerascnn.checks.positive_int(name, value, mend='', *, least=1)" in now
    assert "kerascnn.Result.save(folder, *, overwrite=False)" in now
    assert "kerascnn.Data.classes" in now and "kerascnn.Data.class_counts" in now  # a property and a cached one
    assert any(line.startswith("kerascnn.models.resnet20(image_shape, classes, *, ") for line in now)  # a partial
    assert not [line for line in now if "tests" in line or " at 0x" in line]


if __name__ == "__main__":
    sys.path.insert(0, str(GOLDEN.parents[1]))
    GOLDEN.write_text("\n".join(lines()) + "\n", "utf-8")
