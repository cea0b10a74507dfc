"""The examples in docstrings are executed."""

import doctest
import importlib
import pkgutil

import pytest

import pawl
import pawlc


def modules() -> list[str]:
    """Every module of both packages."""
    packages = ((pawl, "pawl."), (pawlc, "pawlc."))
    found = [m.name for p, prefix in packages for m in pkgutil.walk_packages(p.__path__, prefix)]
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
