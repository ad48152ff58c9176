"""Measures the versions of the operators with the TensorFlow and the LiteRT that are installed.

    python -m tflite_audit.analyzer.support.versions.measure

Writes them into `matrix.json`, some seconds; `make support`, which measures everything, does it too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tflite_audit.analyzer.evaluation.interpreters import Runtime
from tflite_audit.analyzer.evaluation.requests import why
from tflite_audit.analyzer.isolation import Limits, Replied, Worker
from tflite_audit.analyzer.model import schema
from tflite_audit.analyzer.support import matrix
from tflite_audit.analyzer.support.types import Support

CHILD = "tflite_audit.analyzer.support.versions.child"
RUNTIMES = (Runtime.TENSORFLOW, Runtime.LITERT)
LIMITS = Limits(seconds=120)


@dataclass(frozen=True, slots=True)
class Versions:
    """See `OperatorSupport`, whose fields these are."""

    since: Mapping[int, str]
    accepted: Mapping[str, tuple[int, int] | None]


def measured() -> dict[str, Versions]:
    """The versions of every builtin operator of the schema, by name.

    Raises:
        RuntimeError: a package is missing, or a child process died.
    """
    numbers = {number: name for number, name in schema.names("BuiltinOperator").items() if number != schema.CUSTOM}
    since: dict[int, dict[int, str]] = {number: {} for number in numbers}
    for number, version, runtime in _asked("since", list(numbers)):
        since[number][version] = runtime
    accepted = {str(runtime): ranges(_asked("accepted", [runtime, list(numbers)])) for runtime in RUNTIMES}
    return {
        name: Versions(since[number], {runtime: found.get(number) for runtime, found in accepted.items()})
        for number, name in numbers.items()
    }


def applied(support: Support) -> Support:
    """The matrix, with the versions as they are measured now."""
    found = measured()
    operators = {
        name: replace(operator, since=found[name].since, accepted=found[name].accepted) if name in found else operator
        for name, operator in support.operators.items()
    }
    return replace(support, operators=operators)


def _asked(handler: str, value: Any) -> Any:
    worker = Worker(CHILD)
    try:
        end = worker.request(handler, value, limits=LIMITS)
    finally:
        worker.close()
    if not isinstance(end, Replied):
        raise RuntimeError(f"{handler}: {why(end)}")
    return end.value


def ranges(found: Iterable[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Runtimes register a range (MutableOpResolver::AddBuiltin, core/mutable_op_resolver.h).

    Raises:
        ValueError: there is a gap.
    """
    versions: dict[int, list[int]] = {}
    for number, version in found:
        versions.setdefault(number, []).append(version)
    for number, each in versions.items():
        if len(each) != max(each) - min(each) + 1:
            raise ValueError(f"{schema.operator_name(number)} is registered with a gap: {each}")
    return {number: (min(each), max(each)) for number, each in versions.items()}


def main() -> None:
    """Measure, and write the matrix."""
    try:
        whole = applied(matrix.load())
    except (RuntimeError, ValueError) as error:
        raise SystemExit(str(error)) from None
    matrix.PATH.write_text(matrix.written(whole), "utf-8")
    print(f"{matrix.PATH.name}: versions of {len(whole.operators)} operators", file=sys.stderr)


if __name__ == "__main__":
    main()
