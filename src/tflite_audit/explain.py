"""What `tflite-audit rules` prints."""

from __future__ import annotations

import difflib

from .rules import registry
from .rules.rule import Rule


def listed() -> str:
    """A line for every rule."""
    rules = registry.rules()
    name, severity = max(len(r.name) for r in rules), max(len(r.severity) for r in rules)
    return "\n".join(f"{r.code}  {r.name:{name}}  {r.severity:{severity}}  {r.summary}" for r in rules)


def explained(code_or_name: str) -> str:
    """A rule's documentation under its name.

    Raises:
        LookupError: there is no such rule; the message says how to list them.
    """
    rule = registry.find(code_or_name)
    if rule is None:
        words = [word for r in registry.rules() for word in (r.code, r.name)]
        near = difflib.get_close_matches(code_or_name, words, n=1)
        hint = f"did you mean {near[0]}?" if near else "`tflite-audit rules` lists them"
        raise LookupError(f"there is no rule {code_or_name}; {hint}")
    return f"{_title(rule)}\n\n{rule.documentation}"


def _title(rule: Rule) -> str:
    return f"{rule.code} {rule.name} ({rule.severity}, {rule.confidence})"
