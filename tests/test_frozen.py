"""Data do not change under those who hold them: dataclasses are frozen, but for a few by name."""

import dataclasses
import inspect
from importlib import import_module
from pkgutil import walk_packages

import pytest

import qtheory

#: They remember comparisons and orders that they found.
CHANGING = {"Cell", "Evaluation", "UniformCell"}


def classes():
    for found in walk_packages(qtheory.__path__, "qtheory."):
        if found.name.endswith("__main__") or ".proofs" in found.name:
            continue
        module = import_module(found.name)
        for _, each in inspect.getmembers(module, inspect.isclass):
            if each.__module__ == module.__name__ and dataclasses.is_dataclass(each):
                yield each


def changing(found):
    return {each.__qualname__ for each in found if not each.__dataclass_params__.frozen}


def test_dataclasses_are_frozen():
    found = list(classes())
    assert len(found) > 80
    assert changing(found) == CHANGING


def test_one_that_is_not_is_seen():
    @dataclasses.dataclass
    class Loose:
        value: int

    assert changing([Loose]) == {"test_one_that_is_not_is_seen.<locals>.Loose"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        qtheory.PowerLaw(2).exponent = 3
