"""Measures the support matrix: every operator that TensorFlow can produce, with every recipe, in both runtimes.

    python -m tflite_audit.analyzer.support.measure            # everything, some minutes
    python -m tflite_audit.analyzer.support.measure TILE SIN   # these, into the data of before

Writes `matrix.json` beside this file. Conversions, calls and kernels that kill their process are results too.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from queue import SimpleQueue
from typing import Self, TypeVar

from tflite_audit.analyzer.conversion import calibration, source
from tflite_audit.analyzer.conversion.convert import Converting, SourceWorker
from tflite_audit.analyzer.conversion.recipe import BUILT_IN, built_in
from tflite_audit.analyzer.conversion.source import SourceError
from tflite_audit.analyzer.conversion.types import Conversion, Outcome, Recipe
from tflite_audit.analyzer.evaluation.interpreters import Runtime
from tflite_audit.analyzer.evaluation.trial import BOTH, trial_worker, try_model
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, FirstSample, Trial
from tflite_audit.analyzer.isolation import Limits
from tflite_audit.analyzer.model import schema
from tflite_audit.analyzer.model.flatbuffer import read
from tflite_audit.analyzer.support import forms, matrix, samples, unproducible
from tflite_audit.analyzer.support.kernels.probing import Kernels, ProbeError
from tflite_audit.analyzer.support.samples import Sample
from tflite_audit.analyzer.support.types import Converted, Form, OperatorSupport, Probed, Support
from tflite_audit.analyzer.support.versions.measure import applied

T = TypeVar("T")
SCRATCH = "tflite-audit-support-"
LIMITS = Limits(seconds=120)
AT_ONCE = 2  # processes that convert


def _variant(name: str, of: str, **attributes: object) -> Recipe:
    recipe = built_in(of)
    assert recipe is not None
    return replace(recipe, name=name, attributes=attributes)


RECIPES: tuple[Recipe, ...] = (
    *(recipe for recipe in BUILT_IN if recipe.name != "uint8"),  # int8 with other borders
    _variant("int8-per-tensor", "int8", _experimental_disable_per_channel=True),
    _variant("int16x8-int32-bias", "int16x8", _experimental_full_integer_quantization_bias_type="int32"),
)
"""Every sample is converted with all of them."""


class Bench:
    """Processes that convert and call one sample after another. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._converter = SourceWorker()
        self._runtimes = {runtime: trial_worker() for runtime in BOTH}
        self._kernels = Kernels(limits=LIMITS)
        self.versions: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._converter.close()
        for worker in self._runtimes.values():
            worker.close()
        self._kernels.close()

    def operator(self, of: Sequence[Sample]) -> OperatorSupport:
        """Everything about one operator.

        Args:
            of: its samples, the usual one first.
        """
        conversions: dict[str, Converted] = {}
        sources: dict[str, None] = {}
        kernels: dict[str, dict[str, Probed]] = {}
        for sample in of:
            usual = not sample.variant
            for recipe, (made, converted) in self.converted(sample).items():
                conversions[recipe if usual else f"{recipe}, {sample.variant}"] = converted
                if recipe == "float32":
                    sources |= dict.fromkeys(_sources(made) if sample.sources is None else sample.sources)
                    kernels |= self._probed(sample, made) if usual else {}
        return OperatorSupport(of[0].operator, tuple(sources), conversions, kernels, of[0].notes)

    def converted(self, sample: Sample, recipes: Sequence[Recipe] = RECIPES) -> dict[str, tuple[Conversion, Converted]]:
        """What becomes of a sample, by the recipe's name."""
        converting = self._loaded(sample)
        first = converting.first_samples(converting.folder)
        found: dict[str, tuple[Conversion, Converted]] = {}
        for recipe in recipes:
            made = converting.convert(fitting(recipe, sample))
            found[recipe.name] = made, self._judged(sample.operator, made, first)
        return found

    def becomes(self, sample: Sample) -> frozenset[str]:
        """The builtins in a sample's float32 conversion."""
        made = self._loaded(sample).convert(fitting(RECIPES[0], sample))
        return frozenset(forms.operators(read(made.model))) if made.model else frozenset()

    def _loaded(self, sample: Sample) -> Converting:
        """With its calibration set. Not to be closed: others go on with its process, and its folder goes in the end."""
        spec = f"{samples.MODULE}:{sample.name}"
        converting = Converting(
            source.parse(f"{spec}.build"),
            calibration.parse(f"{spec}.calibration"),
            self._folder / sample.name,
            LIMITS,
            worker=self._converter,
        )
        self.versions |= converting.describe().versions
        if converting.calibrate() is None:
            log = (converting.folder / "calibration.log").read_text("utf-8", "replace")
            raise SourceError(f"{spec}: its calibration set is no good: {log}")
        return converting

    def _probed(self, sample: Sample, made: Conversion) -> dict[str, dict[str, Probed]]:
        if made.model is None or len(read(made.model).subgraphs) > 1:  # a kernel alone has no other graph to call
            return {}
        try:
            found = self._kernels.probe(Path(made.model), sample.operator, next(sample.calibration()))
        except ProbeError:  # of the float32 model's own, which the conversion says
            return {}
        return {dtype: {name: _legible(probed) for name, probed in each.items()} for dtype, each in found.items()}

    def _judged(self, operator: str, made: Conversion, first: Sequence[FirstSample]) -> Converted:
        if made.model is None:
            refused = made.outcome in (Outcome.FAILED, Outcome.REFUSED)
            message = _one_line(made.reason)
            return Converted(Form.REFUSED if refused else Form.CRASHED, message)
        model = read(made.model)
        trials = {str(runtime): self._called(Path(made.model), runtime, first) for runtime in self._runtimes}
        failed = {name: trial for name, trial in trials.items() if not trial.answered}
        form = forms.of(model, operator)
        if failed:
            died = any(trial.outcome is not EvaluationOutcome.FAILED for trial in failed.values())
            form = Form.CRASHED if died else Form.NO_KERNEL
        return Converted(form, _said(failed), forms.operators(model))

    def _called(self, model: Path, runtime: Runtime, first: Sequence[FirstSample]) -> Trial:
        return try_model(model, samples=first, runtime=runtime, worker=self._runtimes[runtime], limits=LIMITS)


def fitting(recipe: Recipe, sample: Sample) -> Recipe:
    """The recipe, with what the sample needs."""
    return replace(recipe, optimizations=(*recipe.optimizations, *sample.optimizations))


def _sources(made: Conversion) -> Iterator[str]:
    return (operator.op for operator in made.graph.operators) if made.graph else iter(())


def _said(failed: Mapping[str, Trial]) -> str:
    """`tensorflow: ...`, runtimes that say the same together."""
    said: dict[str, list[str]] = {}
    for name, trial in failed.items():
        said.setdefault(_one_line(trial.reason), []).append(name)
    return "; ".join(f"{' and '.join(names)}: {reason}" for reason, names in said.items())


@dataclass(frozen=True)
class Measured:
    """What one run of the program found.

    Attributes:
        becomes: TensorFlow's operator → the builtins it becomes; of `samples.SOURCES`.
    """

    versions: Mapping[str, str]
    operators: Mapping[str, OperatorSupport]
    becomes: Mapping[str, frozenset[str]]


def measure(names: Collection[str], on_done: Callable[[str], None] = lambda _: None) -> Measured:
    """Measure these operators, and what `samples.SOURCES` become.

    Args:
        on_done: called with a line for each operator that is done.
    """
    chosen = [sample for sample in samples.SAMPLES if sample.operator in names]
    groups = [list(group) for _, group in groupby(chosen, key=lambda sample: sample.operator)]
    benches: SimpleQueue[Bench] = SimpleQueue()
    versions: dict[str, str] = {"ai-edge-litert": importlib.metadata.version("ai-edge-litert")}

    def with_bench(work: Callable[[Bench], T]) -> T:
        bench = benches.get()
        try:
            return work(bench)
        finally:
            versions.update(bench.versions)
            benches.put(bench)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=SCRATCH)))
        for _ in range(AT_ONCE):
            benches.put(stack.enter_context(Bench(folder)))
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        stack.callback(pool.shutdown, cancel_futures=True)  # an error ends it at once
        operators = {group[0].operator: pool.submit(with_bench, lambda b, g=group: b.operator(g)) for group in groups}
        becomes = {
            sample.operator: pool.submit(with_bench, lambda b, s=sample: b.becomes(s)) for sample in samples.SOURCES
        }
        for number, done in enumerate(as_completed(operators.values()), 1):
            on_done(f"{number}/{len(operators)} {done.result().name}")
        return Measured(
            versions,
            {name: future.result() for name, future in operators.items()},
            {name: future.result() for name, future in becomes.items()},
        )


def merged(before: Support | None, made: Measured) -> Support:
    """The matrix of before with what was measured now, and every other builtin of the schema with the reason.

    Raises:
        ValueError: they were not measured with the same versions.
    """
    if before and (other := {n: v for n, v in before.versions.items() if made.versions.get(n, v) != v}):
        raise ValueError(f"the other operators were measured with {other}: measure all of them")
    operators = {**(before.operators if before else {}), **not_measured(), **made.operators}
    for source_name, becomes in made.becomes.items():
        for name in becomes & operators.keys():
            known = operators[name].sources
            operators[name] = replace(operators[name], sources=(*known, *({source_name} - set(known))))
    return Support({**(before.versions if before else {}), **made.versions}, operators)


def not_measured() -> dict[str, OperatorSupport]:
    """Those of the schema that no sample is for, with the reason."""
    known = {sample.operator for sample in samples.SAMPLES}
    return {
        name: OperatorSupport(name, (), {}, {}, (unproducible.reason(name),))
        for name in schema.names("BuiltinOperator").values()
        if name not in known
    }


def main(names: Sequence[str]) -> None:
    """Measure, and write the matrix."""
    known = {sample.operator for sample in samples.SAMPLES}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no sample for {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    start = time.monotonic()
    made = measure(set(names) or known, lambda line: print(line, file=sys.stderr, flush=True))
    try:
        whole = merged(matrix.load() if names and matrix.PATH.exists() else None, made)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    matrix.PATH.write_text(matrix.written(applied(whole)), "utf-8")
    print(f"{matrix.PATH.name}: {len(made.operators)} operators in {time.monotonic() - start:.0f} s", file=sys.stderr)


def _legible(probed: Probed) -> Probed:
    return replace(probed, message=_one_line(probed.message))


def _one_line(message: str) -> str:
    """Without what differs from run to run."""
    message = re.sub(rf"\S*/{SCRATCH}\S*", "the model", " ".join(message.split()))
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", message)


if __name__ == "__main__":
    main(sys.argv[1:])
