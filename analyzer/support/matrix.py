"""Reads and writes the measured matrix that is shipped with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

from tflite_audit.analyzer.support.types import Support

PATH = Path(__file__).with_name("matrix.json")


@cache
def load() -> Support:
    """The matrix."""
    return msgspec.json.decode(PATH.read_bytes(), type=Support)


def written(support: Support) -> str:
    """The matrix as a file: a block for each operator by name, a line for each result, and none for what is empty."""
    operators = {name: _bare(support.operators[name]) for name in sorted(support.operators)}
    content = {"versions": dict(sorted(support.versions.items())), "operators": operators}
    return "\n".join(_lines(content, _DEPTH)) + "\n"


_DEPTH = 4  # operators, their names, what was measured, the result


def _bare(value: Any) -> Any:
    """Without what is empty, and is so by default."""
    found = cast("dict[str, Any]", msgspec.to_builtins(value))
    found["conversions"] = {name: _filled(result) for name, result in found["conversions"].items()}
    found["kernels"] = {
        dtype: {runtime: _filled(result) for runtime, result in probed.items()}
        for dtype, probed in found["kernels"].items()
    }
    for name in ("notes", "since", "accepted"):
        if not found[name]:
            del found[name]
    return found


def _filled(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if value not in ("", None)}


def _lines(value: Any, depth: int, before: str = "", indent: str = "", after: str = "") -> Iterator[str]:
    if depth == 0 or not isinstance(value, dict) or (depth == 1 and not _nested(cast("dict[str, Any]", value))):
        yield f"{indent}{before}{json.dumps(value, ensure_ascii=False)}{after}"
        return
    entries = cast("dict[str, Any]", value)
    yield f"{indent}{before}{{"
    for number, (key, inner) in enumerate(entries.items(), 1):
        yield from _lines(inner, depth - 1, f"{json.dumps(key)}: ", f"{indent} ", "," if number < len(entries) else "")
    yield f"{indent}}}{after}"


def _nested(entries: Mapping[str, Any]) -> bool:
    return any(isinstance(inner, dict) for inner in entries.values())
