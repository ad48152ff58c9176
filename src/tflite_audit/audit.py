"""The audit on one page: facts are gathered, rules judge them, and a report says what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from msgspec import convert

from . import assemble
from .analyzer.conversion import calibration as calibrations
from .analyzer.conversion import recipe as recipes_
from .analyzer.conversion import source as sources
from .analyzer.conversion.calibration import CalibrationError, CalibrationSummary
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.recipe import RecipeError
from .analyzer.conversion.source import Source, SourceError, SourceKind
from .analyzer.conversion.types import Conversion, Recipe, Reference, SourceDescription
from .analyzer.conversion.types import Progress as Step
from .analyzer.evaluation import dataset as datasets
from .analyzer.evaluation import ports
from .analyzer.evaluation.dataset import Dataset, DataSpec
from .analyzer.evaluation.metrics import Metric, parse_metric
from .analyzer.evaluation.runner import SOURCE, Evaluating
from .analyzer.evaluation.types import DataError, Evaluation, EvaluationOutcome, Interface, Port
from .analyzer.isolation import Limits
from .analyzer.model.flatbuffer import InvalidModel, read
from .progress import Progress, silent
from .reports import document as doc
from .reports.document import Report, encode
from .rules import registry, verdict
from .rules.engine import Facts, RuleOutcome, judge
from .rules.verdict import Candidate
from .writing import write


class AuditError(ValueError):
    """The arguments cannot be used; the message is one line that says what, where, and what to do."""


EXPECTED = (AuditError, InvalidModel, SourceError, RecipeError, CalibrationError, DataError, OSError, LookupError)
"""What a wrong input raises: its message is meant for the user as it is."""

MEMORY_SHARE = 0.9
"""Of the machine's memory, what a child process may use before it is ended."""


@dataclass(frozen=True)
class Subject:
    """One row of the report: a recipe or a file, what is known about it, and what the rules say.

    Attributes:
        path: of the model, for the report's reader; empty where there is none.
    """

    name: str
    path: str
    facts: Facts
    outcomes: tuple[RuleOutcome, ...]


def check(*models: str | Path, progress: Progress = silent) -> Report:
    """Judge `.tflite` files by the rules; nothing is written.

    Raises:
        AuditError: a file is no readable model.
    """
    report, refused = check_each([Path(model) for model in models], progress)
    if refused:
        raise AuditError("; ".join(refused))
    return report


def check_each(paths: Sequence[Path], progress: Progress = silent) -> tuple[Report, list[str]]:
    """Judge each file that is a model; of each that is none, say in one line what is wrong."""
    subjects: list[Subject] = []
    refused: list[str] = []
    for path in dict.fromkeys(paths):
        progress(f"checking {path}")
        try:
            subjects.append(_judged(str(path), str(path), Facts(model=read(path))))
        except InvalidModel as error:
            refused.append(str(error))
    return _report("check", subjects), refused


def run(
    source: str | Path,
    *,
    recipes: Sequence[str | Path] = (),
    calibration: str | Path | None = None,
    data: str | Path | None = None,
    metric: str = "top-1",
    limit: int | None = None,
    signature: str | None = None,
    tags: Sequence[str] = (),
    trust: bool = False,
    timeout: float = 900,
    output: str | Path = "tflite-audit-report",
    progress: Progress = silent,
) -> Report:
    """Convert a model with every recipe, check the results, evaluate them, and write the report.

    Args:
        source: see `tflite-audit run --help`; `docs/usage.md` has the forms of this and the next arguments.
        recipes: names of built-in recipes or paths of TOML files; all built-in ones when empty.
        limit: evaluate the first so many samples.
        signature: the one to convert and evaluate.
        tags: of the SavedModel.
        trust: load a Keras file that holds Python code.
        timeout: seconds that each conversion and each evaluation may take.
        output: folder of `report.html`, `report.json` and a folder for each recipe.

    Raises:
        AuditError, SourceError, RecipeError, CalibrationError, DataError: an argument cannot be used; nothing that was
            in the folder before is lost.
    """
    folder = Path(output)
    limits = Limits(seconds=timeout, memory=int(psutil.virtual_memory().total * MEMORY_SHARE))
    asked = sources.parse(str(source), signature, tuple(tags), trust)
    samples = None if calibration is None else str(calibration)
    chosen = _chosen([str(recipe) for recipe in recipes], samples)
    scoring = parse_metric(metric)
    spec = datasets.describe_spec(str(data)) if data else None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as scratch:
        work = Work(folder, Path(scratch), limits, progress, spec, scoring, limit, signature)
        report = _run_file(asked, work) if asked.kind is SourceKind.TFLITE else _run(asked, chosen, samples, work)
    write(folder / "report.json", encode(report))
    from .reports.html import render

    write(folder / "report.html", render(report).encode())
    return report


@dataclass(frozen=True)
class Work:
    """What every step of a run needs."""

    folder: Path
    scratch: Path
    limits: Limits
    progress: Progress
    data: DataSpec | None
    metric: Metric
    limit: int | None
    signature: str | None


def _chosen(names: Sequence[str], calibration: str | None) -> list[Recipe]:
    chosen = [recipes_.load(name) for name in dict.fromkeys(names)] if names else list(recipes_.BUILT_IN)
    if len({recipe.name for recipe in chosen}) < len(chosen):
        raise AuditError(f"two recipes have one name ({', '.join(r.name for r in chosen)}): give them different ones")
    for recipe in chosen:
        if names and recipe.calibrated and calibration is None:
            raise AuditError(f"recipe {recipe.name} needs a calibration set: give --calibration FILE or MODULE:NAME")
    return chosen


def _run(asked: Source, chosen: Sequence[Recipe], calibration: str | None, work: Work) -> Report:
    """Convert with every recipe, then check and evaluate what came of it."""
    calibrating = calibrations.parse(calibration) if calibration else None

    def follow(step: Step) -> None:
        if not step.ended:
            work.progress(f"{step.subject}: {step.stage.lower().replace('_', ' ')}")

    with Converting(asked, calibrating, work.folder, work.limits, follow) as converting:
        work.progress(f"loading {asked.spec}")
        description = converting.describe()
        interface = _interface(description, work.signature)
        dataset = _gathered(work, interface)
        answers = _answers(converting, dataset, interface, work)
        conversions: list[Conversion] = []
        for recipe in chosen:
            work.progress(f"{recipe.name}: converting")
            conversions.append(converting.convert(recipe))
        summary = converting.calibrate() if any(recipe.calibrated for recipe in chosen) else None

    made = {c.recipe.name: Path(c.model) for c in conversions if c.model}
    reference, evaluations = _evaluated(made, dataset, answers, work)
    subjects: list[Subject] = []
    for conversion in conversions:
        name = conversion.recipe.name
        work.progress(f"{name}: checking")
        model = read(conversion.model) if conversion.model else None
        path = f"{name}/{Path(conversion.model).name}" if conversion.model else ""
        subjects.append(_judged(name, path, Facts(model, conversion, evaluations.get(name), reference)))
    return _report(
        "run",
        subjects,
        work=work,
        source=_source(description, interface),
        data=_data(work, dataset, calibration, summary),
        reference=reference,
        conversions=conversions,
    )


def _run_file(asked: Source, work: Work) -> Report:
    """A `.tflite` is checked and evaluated as it is."""
    path = Path(asked.path)
    model = read(path)
    interface = ports.interface(model, work.signature) if work.data else None
    dataset = _gathered(work, interface) if interface else None
    _, evaluations = _evaluated({path.name: path}, dataset, None, work)
    subject = _judged(path.name, str(path), Facts(model=model, evaluation=evaluations.get(path.name)))
    return _report("run", [subject], work=work, data=_data(work, dataset, None, None))


def _interface(description: SourceDescription, signature: str | None) -> Interface | None:
    """The signature to evaluate; None where the source names its inputs only by position."""
    if not description.signatures:
        return None
    key = ports.choose_signature(description.name, [s.key for s in description.signatures], signature)
    chosen = next(s for s in description.signatures if s.key == key)
    return Interface(
        key,
        tuple(Port(t.name, t.dtype, t.shape or ()) for t in chosen.inputs),
        tuple(Port(t.name, t.dtype, t.shape or ()) for t in chosen.outputs),
    )


def _gathered(work: Work, interface: Interface | None) -> Dataset | None:
    if work.data is None or interface is None:
        return None
    work.progress(f"reading {work.data.text}")
    return datasets.gather(work.data, interface, work.scratch, limit=work.limit, limits=work.limits)


def _answers(converting: Converting, dataset: Dataset | None, interface: Interface | None, work: Work) -> Reference:
    """What the source model itself answers to the data."""
    if dataset is None or interface is None:
        return Reference(None, "no data were given")
    work.progress("evaluating the source model")
    return converting.reference(dataset.path, work.scratch / "reference.npz", interface.signature)


def _evaluated(
    models: Mapping[str, Path], dataset: Dataset | None, answers: Reference | None, work: Work
) -> tuple[Evaluation | None, dict[str, Evaluation]]:
    """The source model's evaluation and each model's, by the same code; nothing without data."""
    if dataset is None:
        return None, {}
    outputs = Path(answers.outputs) if answers and answers.outputs else None
    with Evaluating(dataset, work.metric, work.scratch, reference_outputs=outputs, limits=work.limits) as evaluating:
        reference = _reference(evaluating, answers, outputs) if answers else None
        evaluations: dict[str, Evaluation] = {}
        for name, path in models.items():
            work.progress(f"{name}: evaluating")
            evaluations[name] = evaluating.evaluate(path, subject=name, signature=work.signature)
    return reference, evaluations


def _reference(evaluating: Evaluating, answers: Reference, outputs: Path | None) -> Evaluation:
    if outputs is None:
        return Evaluation(SOURCE, EvaluationOutcome.FAILED, answers.reason)
    scored = evaluating.score(outputs)
    return replace(
        scored, signature=answers.signature, seconds=answers.seconds, batch=answers.batch, runtime=answers.runtime
    )


def _judged(name: str, path: str, facts: Facts) -> Subject:
    return Subject(name, path, facts, judge(registry.rules(), facts))


def _source(description: SourceDescription, interface: Interface | None) -> doc.Source:
    return doc.Source(
        name=description.name,
        kind=description.kind,
        parameters=description.parameters,
        signature=interface.signature if interface else None,
        inputs=[doc.Port(p.name, p.dtype, list(p.shape)) for p in interface.inputs] if interface else [],
        outputs=[doc.Port(p.name, p.dtype, list(p.shape)) for p in interface.outputs] if interface else [],
        notes=list(description.notes),
    )


def _data(work: Work, dataset: Dataset | None, calibration: str | None, summary: CalibrationSummary | None) -> doc.Data:
    return doc.Data(
        evaluation=dataset.spec if dataset else None,
        samples=dataset.samples if dataset else 0,
        metric=work.metric.name if dataset else None,
        calibration=calibration,
        calibration_samples=summary.samples if summary else 0,
        notes=[*(dataset.notes if dataset else ()), *(summary.notes if summary else ())],
    )


def _report(
    command: str,
    subjects: Sequence[Subject],
    *,
    work: Work | None = None,
    source: doc.Source | None = None,
    data: doc.Data | None = None,
    reference: Evaluation | None = None,
    conversions: Sequence[Conversion] = (),
) -> Report:
    decided = verdict.decide([Candidate.of(s.name, s.facts, s.outcomes) for s in subjects], reference)
    versions = {package: number for c in conversions for package, number in c.versions.items()}
    return Report(
        tool=assemble.tool(),
        created=assemble.now(),
        command=command,
        environment=assemble.environment(versions),
        verdict=convert(decided, doc.Verdict, from_attributes=True),
        source=source,
        data=data or doc.Data(),
        reference=assemble.evaluation(reference),
        conversions=[assemble.conversion(c, work.folder) for c in conversions] if work else [],
        models=[assemble.model(s.name, s.path, s.facts) for s in subjects if s.facts.model],
        findings=[finding for s in subjects for finding in assemble.findings(s.name, s.outcomes)],
        outcomes=[outcome for s in subjects for outcome in assemble.outcomes(s.name, s.outcomes)],
        rules=assemble.rules(registry.rules()),
    )
