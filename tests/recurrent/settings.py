"""Sets of models of the grid in few words: `tf_keras, batch 1, not stateful`."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from tests.recurrent.sources import BATCHES, PACKAGES, RUNS, STATES, Source

_AXES = (PACKAGES, BATCHES, RUNS, STATES)
WORDS = {
    "keras3": "Keras 3",
    "tf_keras": "tf_keras",
    "free": "free batch",
    "batch1": "batch 1",
    "rolled": "not unrolled",
    "unrolled": "unrolled",
    "stateless": "not stateful",
    "stateful": "stateful",
}

Pattern = tuple[str | None, ...]
"""A value of each axis; None for any."""


def described(chosen: Collection[Source], possible: Collection[Source]) -> str:
    """Those of one layer's models that were chosen, told apart from the other ones that can be built.

    Args:
        possible: what Keras builds; the others may be told of or not.
    """
    return "; or ".join(_words(pattern) for pattern in _covering(chosen, possible))


def _covering(chosen: Collection[Source], possible: Collection[Source]) -> Iterator[Pattern]:
    """Patterns that match all of the chosen and no other possible one, the widest first."""
    wanted = {_settings(source) for source in chosen}
    barred = {_settings(source) for source in possible} - wanted
    patterns = [
        pattern
        for pattern in itertools.product(*((None, *axis) for axis in _AXES))
        if not any(_matches(pattern, settings) for settings in barred)
    ]
    while wanted:
        best = max(patterns, key=lambda p: (sum(_matches(p, s) for s in wanted), p.count(None)))
        yield best
        wanted = {settings for settings in wanted if not _matches(best, settings)}


def _matches(pattern: Pattern, settings: Pattern) -> bool:
    return all(wanted in (None, value) for wanted, value in zip(pattern, settings, strict=True))


def _settings(source: Source) -> Pattern:
    return source.package, source.batch, source.run, source.state


def _words(pattern: Pattern) -> str:
    return ", ".join(WORDS[value] for value in pattern if value) or "always"
