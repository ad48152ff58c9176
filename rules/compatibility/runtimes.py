"""Runtimes and versions of operators, in words."""

from __future__ import annotations

from collections.abc import Iterable

from tflite_audit.analyzer.support.needs import Needs, Use
from tflite_audit.analyzer.support.releases import AS_OF, RELEASES, Release
from tflite_audit.analyzer.support.types import Support
from tflite_audit.rules import places
from tflite_audit.rules.rule import Table


def titled(release: Release, support: Support) -> str:
    """`TensorFlowLiteSwift (iOS) 2.17.0`."""
    return f"{release.name} {version(release, support)}".rstrip()


def needed(needs: Needs) -> Table:
    """Evidence: each operator the file uses, and the first TensorFlow Lite that has it."""
    return Table(
        title="What the operators need",
        columns=("operator", "version", "times", "takes, in a later version", "since TensorFlow Lite"),
        rows=tuple(
            (
                use.name,
                use.version,
                use.count,
                f"{use.feature}: version {use.least}" if use.feature else None,
                use.since or "not known",
            )
            for use in needs.used
        ),
    )


def shipped(needs: Needs, support: Support) -> Table:
    """Evidence: which of the runtimes that people ship have the file's builtin operators."""
    return Table(
        title=f"Runtimes that people ship, by the builtin operators alone (as of {AS_OF})",
        columns=("runtime", "newest release", "TensorFlow Lite", "has them all", "lacks"),
        rows=tuple(
            (
                release.name,
                version(release, support),
                release.level or ("looks at no versions" if release.micro else None),
                "not known" if lacking is None else "no" if lacking else "yes",
                ", ".join(missing(release, lacking)) if lacking else None,
            )
            for release in RELEASES
            for lacking in [needs.lacking(release)]
        ),
    )


def unused(needs: Needs) -> tuple[Table, ...]:
    """Evidence: what the file lists and no operator uses; nothing where there is none."""
    if not needs.unused:
        return ()
    return (
        Table(
            title="Listed in the file and used by no operator: not counted",
            columns=("operator", "version", "since TensorFlow Lite"),
            rows=tuple((use.name, use.version, use.since or "not known") for use in needs.unused),
        ),
    )


def named(uses: Iterable[Use], limit: int = 3) -> str:
    """`CONV_2D version 5, PAD version 2 and 4 more`."""
    words = [str(use) for use in uses]
    shown = words if len(words) <= limit else [*words[: limit - 1], f"{len(words) - limit + 1} more"]
    return places.enumerated(shown)


def version(release: Release, support: Support) -> str:
    """Of its newest release; empty where nobody says."""
    return release.version or support.versions.get(release.measured, "")


def missing(release: Release, uses: Iterable[Use]) -> list[str]:
    """What a runtime lacks, in words; TensorFlow Lite Micro looks at no versions."""
    return list(dict.fromkeys(use.name if release.micro else str(use) for use in uses))
