"""Converts every model of the grid with every recipe, and calls what comes of it: the facts, before any judgement."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from tests.recurrent.sources import INPUT, SEED, Source
from tflite_audit.agreement import Agreement, Comparing
from tflite_audit.analyzer.conversion import calibration
from tflite_audit.analyzer.conversion import source as sources
from tflite_audit.analyzer.conversion.convert import Converting, SourceWorker
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.types import Conversion, Recipe
from tflite_audit.analyzer.evaluation.requests import CHILD, PartTimesReply, PartTimesRequest, Samples
from tflite_audit.analyzer.evaluation.trial import BOTH, trial_worker, try_model
from tflite_audit.analyzer.evaluation.types import FirstSample, Trials
from tflite_audit.analyzer.isolation import Limits, Replied, Worker, usual_limits

MODELS = Path(__file__).parent / "sources.py"
SAMPLES = 16
LIMITS = Limits(300)
_TIMING = 0.1  # seconds


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What one conversion did.

    Attributes:
        unbuilt: Keras's own sentence, where it refuses to build the model.
        trials: None where there is no model.
        seconds: the median call in LiteRT, processor time; None where it was not measured.
    """

    conversion: Conversion
    unbuilt: str = ""
    trials: Trials | None = None
    agreement: Agreement | None = None
    seconds: float | None = None


class Gathering:
    """Gathers facts into a folder, one subfolder a model of the grid; what is there already is read.

    The processes that convert and call are kept from one model to the next, as long as they live.

    Args:
        folder: gets `NAME/facts.json` and `NAME/RECIPE/model.tflite` for each model.
    """

    def __init__(self, folder: Path, recipes: Iterable[Recipe]) -> None:
        self._folder = folder.absolute()
        self._recipes = tuple(recipes)
        self._open = ExitStack()
        self._sources = self._open.enter_context(SourceWorker())
        self._timing = self._open.enter_context(Worker(CHILD))
        self._runtimes = {runtime: self._open.enter_context(trial_worker()) for runtime in BOTH}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __call__(self, source: Source) -> dict[str, Gathered]:
        """Recipe → what became of the model with it."""
        folder = self._folder / source.name
        facts = folder / "facts.json"
        if not facts.exists():
            folder.mkdir(parents=True, exist_ok=True)
            gathered = dict(self._gathered(source, folder))
            (folder / "facts.part").write_bytes(msgspec.json.encode(gathered))
            (folder / "facts.part").replace(facts)
        return msgspec.json.decode(facts.read_bytes(), type=dict[str, Gathered])

    def _gathered(self, source: Source, folder: Path) -> Iterator[tuple[str, Gathered]]:
        samples = folder / "samples.npz"
        np.savez(samples, **{INPUT: inputs(source)})
        converting = Converting(
            sources.parse(f"{MODELS}:{source.name}"),
            calibration.parse(str(samples)),
            folder,
            dataclasses.replace(usual_limits(), seconds=LIMITS.seconds),
            worker=self._sources,
        )
        try:
            signatures, unbuilt = converting.describe().signatures, ""
        except SourceError as error:
            signatures, unbuilt = (), str(error).removeprefix(f"{converting.source.spec}: ")
        # All conversions come before the first answer of the source: that changes the state of a stateful model.
        made = [converting.convert(recipe) for recipe in self._recipes]
        first = converting.first_samples(folder)
        comparing = Comparing(converting, folder, LIMITS)
        try:
            for conversion in made:
                compare = partial(comparing, signatures=signatures, samples=converting.samples)
                yield conversion.recipe.name, self._called(conversion, unbuilt, first, compare, samples)
        finally:
            comparing.close()

    def _called(
        self,
        conversion: Conversion,
        unbuilt: str,
        first: list[FirstSample],
        compare: Callable[[Path], Agreement],
        samples: Path,
    ) -> Gathered:
        if conversion.model is None:
            return Gathered(conversion=conversion, unbuilt=unbuilt)
        model = Path(conversion.model)
        trials = Trials(
            tuple(
                try_model(model, samples=first, runtime=runtime, limits=LIMITS, worker=worker)
                for runtime, worker in self._runtimes.items()
            )
        )
        runs = trials.litert.answered
        return Gathered(
            conversion=conversion,
            trials=trials,
            agreement=compare(model) if runs else None,
            seconds=self._seconds(model, samples) if runs else None,
        )

    def _seconds(self, model: Path, samples: Path) -> float | None:
        request = PartTimesRequest(
            model=str(model), signature=None, samples=Samples(inputs=str(samples)), parts=[], seconds=_TIMING
        )
        log = model.with_name("timing.log")
        end = self._timing.request("part_times", request, log=log, limits=LIMITS)
        return msgspec.convert(end.value, PartTimesReply, strict=False).model if isinstance(end, Replied) else None


def inputs(source: Source) -> Any:
    """Samples, counted by the first axis; those of a masked model end in up to three steps of zeros."""
    values = np.random.default_rng(SEED).normal(0, 0.5, (SAMPLES, *source.shape)).astype(np.float32)
    if source.layer == "masked":
        for i, sample in enumerate(values):
            sample[len(sample) - i % 4 :] = 0
    return values
