"""The audit on one page: facts are gathered, rules judge them, and a report says what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import assemble, measure, observe
from . import config as configuration
from .analyzer.conversion import calibration as calibrations
from .analyzer.conversion import recipe as recipes_
from .analyzer.conversion import source as sources
from .analyzer.conversion.calibration import CalibrationError
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.recipe import RecipeError
from .analyzer.conversion.source import Source, SourceError, SourceKind
from .analyzer.conversion.types import Conversion, Outcome, Recipe
from .analyzer.evaluation import dataset as datasets
from .analyzer.evaluation import ports
from .analyzer.evaluation.metrics import parse_metric
from .analyzer.evaluation.trial import LITERT
from .analyzer.evaluation.types import DataError, Trials
from .analyzer.isolation import usual_limits
from .analyzer.model.flatbuffer import InvalidModel, read
from .analyzer.support import matrix
from .assemble import Subject
from .config import ConfigError, with_custom_ops
from .measure import Work
from .observe import Watching
from .progress import Progress, silent
from .remedies import BUDGET, Case, tried
from .repeats import repeated
from .reports.document import RemedyRecord, Report, encode
from .rules import registry
from .rules.conversion import runtimes
from .rules.custom_ops.declared import Declarations
from .rules.engine import Facts, judge
from .rules.int16x8 import forecast
from .writing import write


class AuditError(ValueError):
    """The arguments cannot be used; the message is one line that says what, where, and what to do."""


EXPECTED = (
    AuditError,
    ConfigError,
    InvalidModel,
    SourceError,
    RecipeError,
    CalibrationError,
    DataError,
    OSError,
    LookupError,
)
"""What a wrong input raises: its message is meant for the user as it is."""


def check(*models: str | Path, config: str | Path | None = None, progress: Progress = silent) -> Report:
    """Judge `.tflite` files by the rules; nothing is written.

    Args:
        config: path of the configuration file; None takes `tflite-audit.toml` of the current folder, if there is one.

    Raises:
        AuditError: a file is no readable model.
        ConfigError: the configuration cannot be used.
    """
    report, refused = check_each([Path(model) for model in models], progress, configuration.load(config))
    if refused:
        raise AuditError("; ".join(refused))
    return report


def check_each(
    paths: Sequence[Path], progress: Progress = silent, declarations: Declarations | None = None
) -> tuple[Report, list[str]]:
    """Judge each file that is a model; of each that is none, say in one line what is wrong."""
    subjects: list[Subject] = []
    refused: list[str] = []
    for path in dict.fromkeys(paths):
        progress(f"checking {path}")
        try:
            facts = Facts(model=read(path), support=matrix.load(), declarations=declarations)
            subjects.append(judged(str(path), str(path), facts))
        except InvalidModel as error:
            refused.append(str(error))
    return assemble.report("check", subjects), refused


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
    repeat: int = 1,
    remedies: bool = True,
    remedy_budget: float = BUDGET,
    config: str | Path | None = None,
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
        repeat: how often each conversion is made, to compare what comes of it; the first model is kept.
        remedies: try what may cure a conversion that fails.
        remedy_budget: seconds for all of these trials together.
        config: path of the configuration file; None takes `tflite-audit.toml` of the current folder, if there is one.
        output: folder of `report.html`, `report.json` and a folder for each recipe.

    Raises:
        AuditError, SourceError, RecipeError, CalibrationError, DataError, ConfigError: an argument cannot be used;
            nothing that was in the folder before is lost.
    """
    folder = Path(output)
    limits = usual_limits(timeout)
    asked = sources.parse(str(source), signature, tuple(tags), trust)
    samples = None if calibration is None else str(calibration)
    declarations = configuration.load(config)
    chosen = [with_custom_ops(recipe, declarations) for recipe in _chosen([str(recipe) for recipe in recipes])]
    scoring = parse_metric(metric)
    spec = datasets.describe_spec(str(data)) if data else None
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as scratch:
        work = Work(folder, Path(scratch), limits, progress, spec, scoring, limit, signature, declarations)
        if asked.kind is SourceKind.TFLITE:
            report = _run_file(asked, work)
        else:
            budget = remedy_budget if remedies else None
            report = _run(asked, chosen, samples, work, repeat, named=bool(recipes), budget=budget)
    write(folder / "report.json", encode(report))
    from .reports.html import render

    write(folder / "report.html", render(report).encode())
    return report


def _chosen(names: Sequence[str]) -> list[Recipe]:
    chosen = [recipes_.load(name) for name in dict.fromkeys(names)] if names else list(recipes_.BUILT_IN)
    if len({recipe.name for recipe in chosen}) < len(chosen):
        raise AuditError(f"two recipes have one name ({', '.join(r.name for r in chosen)}): give them different ones")
    return chosen


def _run(
    asked: Source,
    chosen: Sequence[Recipe],
    calibration: str | None,
    work: Work,
    repeat: int,
    *,
    named: bool,
    budget: float | None,
) -> Report:
    """Convert with every recipe, then check and evaluate what came of it."""
    calibrating = calibrations.parse(calibration) if calibration else None

    with Converting(
        asked, calibrating, work.folder, work.limits, work.follow, asked=named, environment=work.environment
    ) as converting:
        work.progress(f"loading {asked.spec}")
        description = converting.describe()
        interface = measure.interface(description, work)
        dataset = measure.gathered(work, interface)
        answers = measure.answers(converting, dataset, interface, work)
        conversions: list[Conversion] = []
        for recipe in chosen:
            work.progress(f"{recipe.name}: converting")
            if foretold := _forecast(recipe, conversions):
                work.progress(f"{recipe.name}: {foretold}")
            conversions.append(converting.convert(recipe))
        summary = converting.calibrate() if any(recipe.calibrated for recipe in chosen) else None
        samples = converting.first_samples(work.scratch / "first")
        repeats = repeated(converting, conversions, repeat, work.progress)

        made = {c.recipe.name: Path(c.model) for c in conversions if c.model}
        trials = measure.tried(made, dataset, work, samples)
        conversions = [with_trial(c, trials.get(c.recipe.name)) for c in conversions]
        running = {name: path for name, path in made.items() if trials[name].litert.answered}
        reference, evaluations = measure.evaluated(running, dataset, answers, work)
        variants = observe.variants(evaluations.values(), chosen)
        subjects: list[Subject] = []
        with Watching(dataset, converting.samples, work) as watching:
            ranges = watching.ranges(conversions, converting)
            for conversion in conversions:
                name = conversion.recipe.name
                work.progress(f"{name}: checking")
                facts = Facts(
                    read(conversion.model) if conversion.model else None,
                    conversion,
                    trials.get(name),
                    evaluations.get(name),
                    reference,
                    repeats.get(name),
                    matrix.load(),
                    ranges,
                    variants=variants,
                    declarations=work.declarations,
                )
                subjects.append(judged_conversion(conversion, watching.completed(facts)))
        cures = _remedies(converting, subjects, work, budget)
        return assemble.report(
            "run",
            subjects,
            folder=work.folder,
            started_from=assemble.source(description, interface),
            measured_on=assemble.data(work, dataset, calibration, summary),
            reference=reference,
            remedies=cures,
        )


def _forecast(recipe: Recipe, before: Sequence[Conversion]) -> str:
    """What of the source model will have no 16x8 form, from its operators as an earlier conversion saw them."""
    graph = next((conversion.graph for conversion in before if conversion.graph), None)
    return forecast.line(forecast.predicted(graph, matrix.load(), recipe)) if graph else ""


def _remedies(
    converting: Converting, subjects: Sequence[Subject], work: Work, budget: float | None
) -> dict[str, list[RemedyRecord]]:
    """What cures the conversions that failed, tried within a budget of seconds; nothing for None."""
    if budget is None:
        return {}
    cases = [Case(subject, converting.source, converting.calibration) for subject in subjects]
    return tried(cases, work, budget=budget, original=converting)


def _run_file(asked: Source, work: Work) -> Report:
    """A `.tflite` is checked and evaluated as it is."""
    path = Path(asked.path)
    model = read(path)
    interface = ports.interface(model, work.signature) if work.data else None
    dataset = measure.gathered(work, interface) if interface else None
    trials = measure.tried({path.name: path}, dataset, work, runtimes=LITERT)[path.name]
    _, evaluations = measure.evaluated({path.name: path} if trials.answered else {}, dataset, None, work)
    facts = Facts(
        model=model,
        trials=trials,
        evaluation=evaluations.get(path.name),
        support=matrix.load(),
        declarations=work.declarations,
    )
    with Watching(dataset, None, work) as watching:
        subject = judged(path.name, str(path), watching.completed(facts))
    return assemble.report("run", [subject], folder=work.folder, measured_on=assemble.data(work, dataset))


def with_trial(conversion: Conversion, trials: Trials | None) -> Conversion:
    """A model that a runtime cannot call is not one to ship, although it converted.

    Noted is which runtime was not asked, and a TensorFlow that the support matrix was not measured with.
    """
    untried = [f"not called in another runtime: {why}" for why in trials.not_tried] if trials else []
    other = matrix.load().note(conversion.versions)
    noted = replace(conversion, notes=(*conversion.notes, *untried, *([other] if other else [])))
    if trials is None or trials.answered:
        return noted
    return replace(noted, outcome=Outcome.CANNOT_RUN, reason=runtimes.reason(trials))


def judged_conversion(conversion: Conversion, facts: Facts) -> Subject:
    """The row of a conversion, whose model stands in the folder of its name."""
    name = conversion.recipe.name
    return judged(name, f"{name}/{Path(conversion.model).name}" if conversion.model else "", facts)


def judged(name: str, path: str, facts: Facts) -> Subject:
    """A row of the report: what every rule says of the facts."""
    return Subject(name, path, facts, judge(registry.rules(), facts))
