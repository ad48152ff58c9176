"""`tflite-audit streamify`: a recurrent model as a model of one step, converted, and compared with the whole one."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from . import assemble, measure, observe, ways
from . import config as configuration
from .analyzer.conversion import calibration as calibrations
from .analyzer.conversion import recipe as recipes_
from .analyzer.conversion import source as sources
from .analyzer.conversion.calibration import Calibration
from .analyzer.conversion.source import Source, SourceKind
from .analyzer.conversion.streaming.comparing import Comparison
from .analyzer.conversion.streaming.requests import FIRST, Prepared
from .analyzer.conversion.streaming.scales import state_scales
from .analyzer.conversion.streaming.streaming import Streaming
from .analyzer.conversion.streaming.types import StepState
from .analyzer.conversion.types import Conversion, Outcome, Precision, Recipe
from .analyzer.evaluation.metrics import parse_metric
from .analyzer.isolation import usual_limits
from .analyzer.model.flatbuffer import read
from .analyzer.support import matrix
from .assemble import Subject
from .audit import AuditError, judged_conversion, with_trial
from .config import with_custom_ops
from .measure import Work
from .progress import Progress, silent
from .remedies import FAR, FAR_QUANTIZED
from .reports import document as doc
from .reports import failures
from .reports.document import Report, WayRecord, encode
from .reports.streaming import ONE_STEP
from .rules import verdict
from .rules.engine import Facts
from .rules.verdict import Candidate
from .stream_script import SCRIPT, script
from .writing import write

FLOAT = ("float32",)
CALIBRATED = ("float32", "dynamic", "int8", "int16x8")
"""Recipes where none is named, without a calibration set and with one."""


def streamify(
    source: str | Path,
    *,
    recipes: Sequence[str | Path] = (),
    calibration: str | Path | None = None,
    trust: bool = False,
    timeout: float = 900,
    side_by_side: bool = True,
    budget: float = 300,
    config: str | Path | None = None,
    output: str | Path = "tflite-audit-streaming",
    progress: Progress = silent,
) -> Report:
    """Make the model of one step of a recurrent Keras model, convert it, and run it beside the source.

    Args:
        source: a `.keras` or `.h5` file, `package.module:name` or `path/file.py:name`.
        recipes: names of built-in recipes or paths of TOML files; `FLOAT` or `CALIBRATED` when empty.
        calibration: set of whole sequences, as `run` takes it; made-up ones are compared without.
        trust: load a Keras file that holds Python code.
        timeout: seconds that each conversion, and each comparison, may take.
        side_by_side: convert the source in other ways as well, and compare these.
        budget: seconds for that.
        config: as for `run`.
        output: folder of `report.html`, `report.json`, `step_model.keras`, `stream.py` and a folder for each recipe.

    Raises:
        AuditError, SourceError, RecipeError, CalibrationError, ConfigError: an argument cannot be used, or the model
            cannot be run one step at a time; in one line that names the layer.
    """
    folder = Path(output)
    asked = sources.parse(str(source), trust=trust)
    if asked.kind is SourceKind.SAVED_MODEL:
        raise AuditError(f"{asked.spec}: a SavedModel has no layers to take the state out of; give the Keras model")
    if asked.kind is SourceKind.TFLITE:
        raise AuditError(f"{asked.spec}: is converted already, and its state cannot be taken out; give the Keras model")
    samples = calibrations.parse(str(calibration)) if calibration is not None else None
    declarations = configuration.load(config)
    named = [str(recipe) for recipe in recipes] or list(CALIBRATED if samples else FLOAT)
    chosen = [with_custom_ops(recipes_.load(name), declarations) for name in dict.fromkeys(named)]
    if len({recipe.name for recipe in chosen}) < len(chosen):
        raise AuditError("two recipes have one name: give them different ones")
    for recipe in chosen:
        if recipe.calibrated and samples is None:
            raise AuditError(f"recipe {recipe.name} needs a calibration set: give --calibration FILE or MODULE:NAME")
    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as scratch:
        limits = usual_limits(timeout)
        work = Work(folder, Path(scratch), limits, progress, None, parse_metric("top-1"), None, None, declarations)
        report = _streamed(asked, samples, chosen, work, budget if side_by_side else None)
    write(folder / "report.json", encode(report))
    from .reports.html import render

    write(folder / "report.html", render(report).encode())
    return report


def _streamed(
    asked: Source, samples: Calibration | None, chosen: Sequence[Recipe], work: Work, budget: float | None
) -> Report:
    with Streaming(asked, samples, work.folder, work.limits, work.follow, environment=work.environment) as streaming:
        work.progress(f"loading {asked.spec}")
        description = streaming.describe()
        work.progress("running it step by step")
        prepared = streaming.prepare(work.folder)
        (work.folder / SCRIPT).write_text(script(prepared.plan, f"{chosen[0].name}/model.tflite"))
        conversions: list[Conversion] = []
        for recipe in chosen:
            work.progress(f"{recipe.name}: converting")
            conversions.append(streaming.convert(recipe))
        if prepared.samples:
            streaming.calibrate()
        subjects, comparisons = _judged(streaming, conversions, work)
    rows = [_own_way(subject, comparisons, prepared) for subject in subjects]
    if budget is not None:
        plain = [recipe for recipe in chosen if recipe.precision is not Precision.DYNAMIC] or list(chosen)
        rows = [*ways.tried(asked, samples, prepared, plain, work, budget), *rows]
    else:
        rows = []
    source = replace(description, kind=description.kind.removesuffix(", one step"), notes=prepared.notes)
    report = assemble.report(
        "streamify",
        subjects,
        folder=work.folder,
        started_from=assemble.source(source, None),
        measured_on=doc.Data(
            calibration=samples.spec if samples else None,
            calibration_samples=prepared.samples,
        ),
    )
    found = _record(prepared, subjects, comparisons, rows)
    return _decided(msgspec.structs.replace(report, streaming=found), subjects, comparisons)


def _judged(
    streaming: Streaming, conversions: Sequence[Conversion], work: Work
) -> tuple[list[Subject], dict[str, Comparison]]:
    """Every recipe's model, called, judged by the rules, and compared."""
    made = {c.recipe.name: Path(c.model) for c in conversions if c.model}
    trials = measure.tried(made, None, work, streaming.first_samples(work.scratch / "first"))
    subjects: list[Subject] = []
    comparisons: dict[str, Comparison] = {}
    with observe.Watching(None, streaming.samples, work) as watching:
        judging = [with_trial(c, trials.get(c.recipe.name)) for c in conversions]
        ranges = watching.ranges(judging, streaming)
        for conversion in judging:
            name = conversion.recipe.name
            work.progress(f"{name}: comparing")
            if conversion.outcome is Outcome.CONVERTED and conversion.model:
                comparisons[name] = streaming.compare(Path(conversion.model))
            facts = Facts(
                read(conversion.model) if conversion.model else None,
                conversion,
                trials.get(name),
                support=matrix.load(),
                ranges=ranges,
                declarations=work.declarations,
            )
            subjects.append(judged_conversion(conversion, watching.completed(facts)))
    return subjects, comparisons


def _far(subject: Subject, found: Comparison | None) -> str:
    """Why a model's answers are not the source's; empty where they are."""
    conversion = subject.facts.conversion
    if found is None or conversion is None or conversion.outcome is not Outcome.CONVERTED:
        return ""
    if found.worst is None:
        return f"it could not be run step by step: {found.reason}"
    limit = FAR.get(conversion.recipe.precision, FAR_QUANTIZED)
    worst = max(found.answers, key=lambda drift: drift.usual)
    if worst.usual <= limit:
        return ""
    off = f"{worst.usual:.0%}" if math.isfinite(worst.usual) else "all"
    return f"step by step, one in ten values of {worst.name} is {off} of its range off, or more"


def _own_way(subject: Subject, comparisons: Mapping[str, Comparison], prepared: Prepared) -> WayRecord:
    facts, conversion = subject.facts, subject.facts.conversion
    assert conversion is not None
    found = comparisons.get(subject.name)
    own = max((drift.own for drift in found.answers), default=None) if found else None
    far = _far(subject, found)
    return WayRecord(
        way=ONE_STEP,
        recipe=subject.name,
        outcome=conversion.outcome,
        works=conversion.outcome is Outcome.CONVERTED and not far,
        reason=far or conversion.reason,
        forms=ways.forms(facts) if facts.model else "",
        operators=sum(1 for _ in facts.model.operators) if facts.model else None,
        float_operators=ways.float_operators(facts) if facts.model else None,
        bytes=facts.model.size if facts.model else None,
        call_seconds=found.seconds if found else None,
        calls=prepared.length,
        relative_difference=own if own is not None and math.isfinite(own) else None,
        compared_on="generated inputs" if prepared.made_up else "calibration data",
    )


def _decided(report: Report, subjects: Sequence[Subject], comparisons: Mapping[str, Comparison]) -> Report:
    """The verdict, in which a model whose answers are not the source's is not one to ship."""
    candidates: list[Candidate] = []
    for subject in subjects:
        candidate = Candidate.of(subject.name, subject.facts, subject.outcomes)
        far = _far(subject, comparisons.get(subject.name))
        candidates.append(replace(candidate, errors=(far, *candidate.errors)) if far else candidate)
    decided = msgspec.convert(verdict.decide(candidates, None), doc.Verdict, from_attributes=True)
    report = msgspec.structs.replace(report, verdict=decided)
    return msgspec.structs.replace(report, verdict=failures.verdict(report))


# The document


def _record(
    prepared: Prepared,
    subjects: Sequence[Subject],
    comparisons: Mapping[str, Comparison],
    rows: Sequence[WayRecord],
) -> doc.Streaming:
    plan = prepared.plan
    return doc.Streaming(
        layers=list(plan.layers),
        inputs=[doc.StepPortRecord(p.name, p.dtype, list(p.shape), p.per) for p in plan.inputs],
        outputs=[doc.StepPortRecord(p.name, p.dtype, list(p.shape), p.per) for p in plan.outputs],
        states=[
            doc.StepStateRecord(s.input, s.output, s.layer, s.dtype, list(s.shape), _first(s)) for s in plan.states
        ],
        steps=plan.steps,
        sequences=len(prepared.compared),
        length=prepared.length,
        longest=max(prepared.compared),
        made_up=prepared.made_up,
        calibration_sequences=prepared.sequences if prepared.samples else 0,
        calibration_samples=prepared.samples,
        exact=[msgspec.convert(exact, doc.ExactnessRecord, from_attributes=True) for exact in prepared.exact],
        recipes=[_stepped(subject, comparisons.get(subject.name), prepared) for subject in subjects],
        ways=list(rows),
    )


def _first(state: StepState) -> str:
    return state.given or ("zeros" if state.zero else FIRST)


def _stepped(subject: Subject, found: Comparison | None, prepared: Prepared) -> doc.SteppedRecord:
    model = subject.facts.model
    scales = state_scales(model, prepared.plan.states) if model else ()
    if found is None:
        conversion = subject.facts.conversion
        return doc.SteppedRecord(subject.name, reason=conversion.reason if conversion else "")
    wrong = [drift.name for drift in found.outputs if not math.isfinite(drift.largest + (drift.beyond or 0.0))]
    if wrong:
        return doc.SteppedRecord(subject.name, reason=f"{', '.join(wrong)}: not finite, where the source model is")
    return doc.SteppedRecord(
        recipe=subject.name,
        reason=found.reason,
        call_seconds=found.seconds,
        runtime=found.runtime,
        drifts=[msgspec.convert(drift, doc.DriftRecord, from_attributes=True) for drift in found.outputs],
        scales=[msgspec.convert(scale, doc.StateScaleRecord, from_attributes=True) for scale in scales],
    )
