"""Finds the rules: every `Rule` that a module of a family's folder defines."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from tflite_audit.rules import __name__ as package
from tflite_audit.rules import __path__ as folders
from tflite_audit.rules.rule import Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, by code.

    Raises:
        ValueError: two rules have one code or one name.
    """
    found = sorted(_discover(), key=lambda rule: rule.code)
    taken: dict[str, Rule] = {}
    for rule in found:
        for word in (rule.code, rule.name):
            if word in taken:
                raise ValueError(f"{_home(rule)} and {_home(taken[word])} are both rule {word}: rename one")
            taken[word] = rule
    return tuple(found)


def find(code_or_name: str) -> Rule | None:
    """The rule of that code (in either case) or name; None if there is none."""
    wanted = code_or_name.lower()
    return next((rule for rule in rules() if wanted in (rule.code.lower(), rule.name)), None)


def _discover() -> Iterator[Rule]:
    for family in pkgutil.iter_modules(folders, f"{package}."):
        if not family.ispkg:
            continue
        for module in pkgutil.iter_modules(import_module(family.name).__path__, f"{family.name}."):
            yield from (value for value in vars(import_module(module.name)).values() if _is_of(value, module.name))


def _is_of(value: object, module: str) -> bool:
    """A rule is found where it is defined, not where it is imported."""
    return isinstance(value, Rule) and value.check.__module__ == module


def _home(rule: Rule) -> str:
    return f"{rule.check.__module__}.{rule.check.__name__}"
