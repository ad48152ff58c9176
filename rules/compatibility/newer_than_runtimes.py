"""M009."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tflite_audit.analyzer.support.needs import Needs, Use
from tflite_audit.analyzer.support.releases import AS_OF, RELEASES, Release
from tflite_audit.analyzer.support.types import RUNTIMES, Support
from tflite_audit.rules import places
from tflite_audit.rules.compatibility import runtimes
from tflite_audit.rules.rule import Finding, NotApplicable, Remedy, Severity, Table, rule

Lacking = Mapping[Release, tuple[Use, ...]]


@rule("M009", "newer-than-runtimes", Severity.INFO)
def newer_than_runtimes(found: Needs, support: Support) -> Iterator[Finding]:
    """A runtime that people ship does not have an operator in the version that the file asks for.

    ## What it does
    Looks up every builtin operator code of the file, with its version, in the interpreters of TensorFlow and LiteRT as
    measured, and in the newest releases of other runtimes by the TensorFlow Lite that they are built from. An error
    where neither TensorFlow nor LiteRT has it, a warning where one of them has not, and for information where only
    others have not. TensorFlow Lite Micro looks at no versions and is left out here.

    ## Why is this bad
    The interpreter does not load the file: `Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older
    version of this builtin might be supported`. It looks for all codes that the file lists, also those that no operator
    uses.

    ## Example
        FULLY_CONNECTED version 14 (TensorFlow 2.21), and an iOS application with TensorFlowLiteSwift 2.17.0

    ## Fix
    Ship a runtime that has it, or convert with the TensorFlow of the version that you ship, which writes no newer
    operators.
    """
    if not any(op.accepted for op in support.operators.values()):
        raise NotApplicable("the support matrix has no versions of operators")
    known = [release for release in RELEASES if not release.micro]
    lacking = {release: _in_schema(lacks) for release in known if (lacks := found.lacking(release))}
    lacking = {release: lacks for release, lacks in lacking.items() if lacks}
    if not lacking:
        return
    uses = tuple(dict.fromkeys(use for lacks in lacking.values() for use in lacks))
    measured = [release for release in lacking if release.measured]
    severity = (Severity.INFO, Severity.WARNING, Severity.ERROR)[min(_most(lacking, uses), 2)]
    yield Finding(
        message=_message(lacking, uses, support),
        severity=severity,
        evidence=(_table(lacking, support), *runtimes.unused(found)),
        remedy=_remedy(uses, support, loads=len(measured) < len(RUNTIMES)),
        key=tuple(str(use) for use in uses),
    )


def _in_schema(uses: tuple[Use, ...]) -> tuple[Use, ...]:
    """M005 tells of operators that the schema known here has no name for."""
    return tuple(use for use in uses if use.support is not None)


def _most(lacking: Lacking, uses: tuple[Use, ...]) -> int:
    """Of the measured runtimes, how many lack the same operator."""
    return max(sum(use in lacks for release, lacks in lacking.items() if release.measured) for use in uses)


def _message(lacking: Lacking, uses: tuple[Use, ...], support: Support) -> str:
    names = places.enumerated([runtimes.titled(release, support) for release in lacking])
    verb = "does" if len(lacking) == 1 else "do"
    idle = all(use.count == 0 for use in uses)
    which = ", which the file lists and does not use, and the interpreter looks for all the same" if idle else ""
    every = "" if all(set(lacks) == set(uses) for lacks in lacking.values()) else "all of "
    return f"{names} {verb} not have {every}{runtimes.named(uses)}{which}."


def _table(lacking: Lacking, support: Support) -> Table:
    return Table(
        title=f"Runtimes, in their newest releases (as of {AS_OF}), and what they lack",
        columns=("runtime", "operator", "version", "times", "since TensorFlow Lite"),
        rows=tuple(
            (runtimes.titled(release, support), use.name, use.version, use.count, use.since)
            for release, lacks in lacking.items()
            for use in lacks
        ),
    )


def _remedy(uses: tuple[Use, ...], support: Support, *, loads: bool) -> Remedy:
    """What has them all, where something does."""
    whole = [support.titled(runtime) for runtime in RUNTIMES if all(use.support and _has(use, runtime) for use in uses)]
    if not loads or not whole:
        return Remedy("Convert again with TensorFlow's own converter, whose operators its interpreter has.")
    return Remedy(
        f"Ship {' or '.join(whole)}, or convert with the TensorFlow of the version that you ship.",
        "pip install tensorflow==2.17.0  # for runtimes that are built from TensorFlow Lite 2.17",
    )


def _has(use: Use, runtime: str) -> bool:
    return use.support is not None and use.support.accepts(use.version).get(runtime, False)
