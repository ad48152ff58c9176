"""Remedies that were tried: what the rules propose for a failed conversion, converted, called and compared.

The proposals of a failed conversion are tried in the order of what they cost; those of a trial that failed in its turn
are composed with what was changed already. Everything runs in child processes, and within one budget of time.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .agreement import CALIBRATION, GENERATED, Agreement, Comparing
from .analyzer.conversion.calibration import Calibration, CalibrationError
from .analyzer.conversion.convert import Converting
from .analyzer.conversion.source import Source, SourceError
from .analyzer.conversion.streaming.comparing import Comparison
from .analyzer.conversion.streaming.requests import Prepared
from .analyzer.conversion.streaming.streaming import Streaming, StreamWorker
from .analyzer.conversion.types import (
    UNCHANGED,
    Change,
    Conversion,
    Outcome,
    Precision,
    Rebuild,
    Recipe,
    SourceChange,
    SourceDescription,
)
from .analyzer.evaluation.trial import BOTH, Trying
from .analyzer.evaluation.types import Trials
from .analyzer.isolation import Limits
from .analyzer.model.flatbuffer import InvalidModel, read
from .analyzer.model.types import Model
from .assemble import Subject
from .config import with_custom_ops
from .measure import Work
from .reports.document import RemedyRecord
from .rules import precision, registry
from .rules.conversion import runtimes
from .rules.engine import Facts, RuleOutcome, explanation, judge
from .rules.rule import Proposal

BUDGET = 120.0  # seconds
ENOUGH = 4  # remedies that work, after which no more are tried for a conversion
DEEPEST = 3  # changes, one after another

_TOUCHING = {Rebuild.UNROLL, Rebuild.STEP}
"""What changes the source's layers themselves."""

YOURS = "it changes the model or the data, which only you can do"

FAR = {Precision.FLOAT32: 0.1, Precision.FLOAT16: 0.1}
FAR_QUANTIZED = 0.25
"""Share of an output's range beyond which answers are not the model's, where more than one in ten values are. Rounding
of floats explains thousandths; that of integers more, and most where the calibration is poor, for which no remedy is to
blame. Answers that have nothing to do with the model's are so far off about a third of the time."""


@dataclass(frozen=True)
class Case:
    """A conversion, with what it was made from.

    Attributes:
        subject: its row of the report, judged.
    """

    subject: Subject
    source: Source
    calibration: Calibration | None

    @property
    def conversion(self) -> Conversion:
        """The conversion."""
        assert self.subject.facts.conversion is not None
        return self.subject.facts.conversion


def tried(
    cases: Sequence[Case], work: Work, *, budget: float = BUDGET, original: Converting | None = None
) -> dict[str, list[RemedyRecord]]:
    """Try what the rules propose for each conversion that gave no model that runs.

    Args:
        cases: every conversion of a run; one that ended well answers for a remedy that comes to the same.
        work: working models are written to its folder, as `<recipe>/remedies/<title>/model.tflite`.
        budget: seconds for all of it.
        original: of the source of the cases, where it is loaded already.

    Returns:
        By recipe name, for each that failed: those that work first, the best first.
    """
    until = time.monotonic() + budget
    records: dict[str, list[RemedyRecord]] = {}
    groups: dict[tuple[Source, Calibration | None], list[Case]] = {}
    for case in cases:
        shutil.rmtree(_folder(work, case), ignore_errors=True)  # of an earlier run
        groups.setdefault((case.source, case.calibration), []).append(case)
    for number, ((source, calibration), group) in enumerate(groups.items()):
        scratch = work.scratch / f"remedies{number}"
        scratch.mkdir()
        is_it = original is not None and (original.source, original.calibration) == (source, calibration)
        own = (
            None
            if is_it
            else Converting(source, calibration, scratch / "source", work.limits, environment=work.environment)
        )
        try:
            with Bench((own or original), scratch, work, until) as bench:  # pyright: ignore[reportArgumentType]
                records |= _Search(bench, group, work, budget).records()
        finally:
            if own is not None:
                own.close()
            shutil.rmtree(scratch, ignore_errors=True)
    return records


@dataclass(frozen=True)
class Trial:
    """A changed conversion, made.

    Attributes:
        conversion: None where the change could not be made; `reason` says why.
        works: it gave a model that runs and answers as the source does.
        spent: it was cut off by the budget.
        model: what the file holds.
        outcomes: what the rules say of one that gave no model that runs.
    """

    conversion: Conversion | None = None
    reason: str = ""
    works: bool = False
    spent: bool = False
    trials: Trials | None = None
    model: Model | None = None
    agreement: Agreement = field(default_factory=Agreement)
    outcomes: tuple[RuleOutcome, ...] = ()


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A remedy that is to be tried."""

    case: Case
    path: tuple[Proposal, ...]
    change: Change


class _Search:
    """Tries remedies, the cheap ones first, for all the conversions of one source at a time."""

    def __init__(self, bench: Bench, cases: Sequence[Case], work: Work, budget: float) -> None:
        self._bench = bench
        self._cases = cases
        self._work = work
        self._budget = budget
        self._queue: list[_Waiting] = []
        self._seen: set[tuple[str, str]] = set()
        self._works: dict[str, list[set[str]]] = {}  # of each remedy that works, the titles of what was proposed
        self._found: dict[str, list[tuple[tuple[int, ...], RemedyRecord]]] = {}  # each with its place
        self._cured: set[str] = set()  # names of conversions that something works for, in the arithmetic they asked for

    def records(self) -> dict[str, list[RemedyRecord]]:
        for case in self._cases:
            self._bench.know(case)
        for case in self._cases:
            if case.conversion.outcome is not Outcome.CONVERTED:
                self._begin(case)
        while self._queue:
            self._next(self._queue.pop(self._queue.index(min(self._queue, key=self._order))))
        return {
            name: [record for _, record in sorted(found, key=lambda each: each[0])]
            for name, found in self._found.items()
        }

    def _begin(self, case: Case) -> None:
        name = case.conversion.recipe.name
        self._found[name], self._works[name] = [], []
        self._seen.add((name, _key(case.conversion.recipe, Change())))
        for proposal in _proposals(case.subject.outcomes):
            if proposal.change is None:
                self._note(case, (proposal,), YOURS)
            elif _lacks_samples(case):
                self._note(case, (proposal,), "no calibration set was given")
            else:
                self._wait(case, (proposal,), proposal.change)

    def _wait(self, case: Case, path: tuple[Proposal, ...], change: Change) -> None:
        key = (case.conversion.recipe.name, _key(change.recipe or case.conversion.recipe, change))
        if key in self._seen:
            return
        self._seen.add(key)
        self._queue.append(_Waiting(case, path, change))

    def _order(self, waiting: _Waiting) -> tuple[bool, int, int, str]:
        """The least is next: for a conversion that nothing works for yet, few changes, cheap ones, each change once."""
        cured = waiting.case.conversion.recipe.name in self._cured
        return cured, len(waiting.path), _rank(waiting.change), _source_key(waiting.change)

    def _next(self, waiting: _Waiting) -> None:
        case, path, name = waiting.case, waiting.path, waiting.case.conversion.recipe.name
        if any(titles <= {proposal.title for proposal in path} for titles in self._works[name]):
            return  # it adds to what works already
        if len(self._works[name]) >= ENOUGH and not _is_asked_for(waiting):
            if len(path) == 1:
                self._note(case, path, f"{ENOUGH} others work already")
            return
        if self._bench.left <= 0:
            self._note(case, path, self._spent)
            return
        self._work.progress(f"{name}: trying to {_lowered(_title(path))}")
        recipe = with_custom_ops(waiting.change.recipe or case.conversion.recipe, self._work.declarations)
        trial = self._bench.try_out(recipe, waiting.change)
        if trial.spent:
            self._note(case, path, self._spent)
        elif trial.conversion is None:
            self._note(case, path, trial.reason)
        else:
            record = self._record(case, path, trial)
            as_asked = recipe.precision is case.conversion.recipe.precision
            self._found[name].append((_place(record, as_asked), record))
            if trial.works:
                self._works[name].append({proposal.title for proposal in path})
                if as_asked:
                    self._cured.add(name)
            elif len(path) < DEEPEST:
                for proposal in _proposals(trial.outcomes):
                    if proposal.change is not None:
                        self._wait(case, (*path, proposal), waiting.change.then(proposal.change))

    @property
    def _spent(self) -> str:
        return f"the budget of {self._budget:g} s was used up"

    def _note(self, case: Case, path: tuple[Proposal, ...], reason: str) -> None:
        """One that was not tried."""
        record = RemedyRecord(_title(path), _how(path), _cost(path), reason=reason)
        self._found[case.conversion.recipe.name].append((_place(record, False), record))

    def _record(self, case: Case, path: tuple[Proposal, ...], trial: Trial) -> RemedyRecord:
        made, model, agreement = trial.conversion, trial.model, trial.agreement
        assert made is not None
        arithmetic = precision.of_model(model) if model else None
        return RemedyRecord(
            title=_title(path),
            how=_how(path),
            cost=_cost(path),
            tried=True,
            works=trial.works,
            outcome=made.outcome,
            reason=f"not compared: {agreement.reason}" if trial.works and not agreement.samples else trial.reason,
            seconds=made.seconds,
            model=self._kept(case, path, made) if trial.works else None,
            bytes=model.size if model else None,
            operators=sum(1 for _ in model.operators) if model else None,
            float_operators=sum(a.is_float for a in arithmetic.operators.values()) if arithmetic else None,
            samples=agreement.samples,
            difference=_finite(agreement.difference),
            relative_difference=_finite(agreement.relative),
            compared_on=agreement.compared_on,
            call_seconds=agreement.seconds,
            calls=agreement.calls,
        )

    def _kept(self, case: Case, path: tuple[Proposal, ...], made: Conversion) -> str:
        assert made.model is not None
        folder = _folder(self._work, case)
        slug = re.sub(r"[^a-z0-9]+", "-", _title(path).lower()).strip("-")
        if len(slug) > 60:
            slug = slug[:61].rpartition("-")[0]
        slug = slug or "remedy"
        names = itertools.chain([slug], (f"{slug}-{n}" for n in itertools.count(2)))
        target = next(folder / name for name in names if not (folder / name).exists())
        target.mkdir(parents=True)
        shutil.copyfile(made.model, target / "model.tflite")
        return (target / "model.tflite").relative_to(self._work.folder.absolute()).as_posix()


class Bench:
    """Converts one source with changes, each change in a process of its own, and compares what comes of it.

    Args:
        original: of the source as it is.
        until: by the monotonic clock.
    """

    def __init__(self, original: Converting, scratch: Path, work: Work, until: float) -> None:
        self._original = original
        self._scratch = scratch
        self._work = work
        self._until = until
        self._made: dict[str, Trial] = {}
        self._known: dict[str, Case] = {}
        self._converting: dict[tuple[SourceChange, bool], Converting] = {(UNCHANGED, original.repair): original}
        self._worker = StreamWorker(work.environment)
        self._numbers = itertools.count()
        self._comparing = Comparing(original, scratch, work.limits, work.environment)
        self._trying: Trying | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._original.limits = self._work.limits
        self._comparing.close()
        if self._trying is not None:
            self._trying.__exit__()
        for converting in self._converting.values():
            if converting is not self._original:
                converting.close()

    @property
    def left(self) -> float:
        """Seconds of the budget."""
        return self._until - time.monotonic()

    def know(self, case: Case) -> None:
        """A conversion that was made already."""
        if case.conversion.outcome is Outcome.CONVERTED:
            self._known[_key(case.conversion.recipe, Change())] = case

    def try_out(self, recipe: Recipe, change: Change) -> Trial:
        """Convert, call, compare; what was made before is told again."""
        key = _key(recipe, change)
        if key not in self._made:
            known = self._known.get(key)
            made = self._of_known(known) if known else self._make(recipe, change)
            if made.spent:
                return made
            self._made[key] = made
        return self._made[key]

    def _make(self, recipe: Recipe, change: Change) -> Trial:
        converting = self._of(change)
        converting.limits = self._limits
        try:
            if isinstance(converting, Streaming):
                converting.prepare()
            elif _names(converting.describe()) != _names(self._original.describe()):
                converting.restart()  # a name that the user's code counts up, such as of an input
                converting.describe()
        except (SourceError, CalibrationError) as error:
            return Trial(reason=str(error), spent=self.left <= 0)
        if recipe.calibrated and converting.calibration is None:
            return Trial(reason="no calibration set was given")
        number = f"trial{next(self._numbers)}"
        converting.limits = self._limits
        made = converting.convert(replace(recipe, name=number), keep=converting is not self._original)
        made = replace(made, recipe=recipe)
        if made.outcome is Outcome.TIMED_OUT and self.left <= 0:
            return Trial(spent=True)
        return self._judged(made, converting)

    def _of_known(self, case: Case) -> Trial:
        return self._judged(case.conversion, self._original, case.subject.facts.trials)

    def _judged(self, made: Conversion, converting: Converting, trials: Trials | None = None) -> Trial:
        if made.model is None:
            return self._failed(made, made.reason, None, None)
        try:
            model = read(made.model)
        except InvalidModel as error:
            return self._failed(made, str(error), None, None)
        trials = trials or self._called(Path(made.model))
        if not trials.answered:
            made = replace(made, outcome=Outcome.CANNOT_RUN, reason=runtimes.reason(trials))
            return self._failed(made, made.reason, trials, model)
        if not trials.runs:
            wrong = dict.fromkeys(name for trial in trials.each for name in (*trial.non_finite, *trial.empty))
            reason = f"it runs, and its output {', '.join(wrong)} holds no finite numbers"
            return self._failed(made, reason, trials, model)
        if self.left <= 0:
            return Trial(spent=True)
        agreement = self._compared(Path(made.model), converting)
        far = FAR.get(made.recipe.precision, FAR_QUANTIZED)
        if agreement.usual is not None and agreement.usual > far:
            off = f"{agreement.usual:.0%} of their range" if agreement.usual < 100 else "more than their range"
            reason = (
                f"it runs, and its answers are not the model's: one in ten is {off} off or more, and {far:.0%} is the "
                f"most that {made.recipe.precision} explains"
            )
            return Trial(made, reason, trials=trials, model=model, agreement=agreement)
        return Trial(made, trials=trials, model=model, agreement=agreement, works=True)

    def _failed(self, made: Conversion, reason: str, trials: Trials | None, model: Model | None) -> Trial:
        rules = [rule for rule in registry.rules() if rule.code.startswith("F")]
        outcomes = judge(rules, Facts(model=model, conversion=made, trials=trials))
        return Trial(made, reason, trials=trials, model=model, outcomes=outcomes)

    def _called(self, model: Path) -> Trials:
        if self._trying is None:
            samples = self._original.first_samples(self._scratch / "first")
            self._trying = Trying(
                BOTH,
                samples=samples,
                signature=self._work.signature,
                limits=self._limits,
                log=self._scratch / "trial.log",
                environment=self._work.environment,
            )
        return self._trying(model)

    def _compared(self, model: Path, converting: Converting) -> Agreement:
        self._original.limits = self._comparing.limits = self._limits
        if isinstance(converting, Streaming):
            return _of_steps(converting.compare(model), converting.prepare())
        if converting.calibration is not None and converting.samples is None:
            converting.calibrate()  # for its samples, which are better than made-up values
        signatures = converting.describe().signatures
        return self._comparing(model, signatures, converting.samples)

    def _of(self, change: Change) -> Converting:
        """Of the changed source. One process holds them all in turn, beside that of the source as it is."""
        key = (change.source, change.repair_calibration)
        folder = self._scratch / f"changed{len(self._converting)}"
        if key not in self._converting and Rebuild.STEP in change.source.rebuild:
            self._converting[key] = Streaming(
                self._original.source,
                self._original.calibration,
                folder,
                self._limits,
                change=change.source,
                weights=self._original.kept_weights,
                worker=self._worker,
            )
        if key not in self._converting:
            self._converting[key] = Converting(
                self._original.source,
                self._original.calibration,
                folder,
                self._limits,
                change=change.source,
                repair=change.repair_calibration,
                weights=self._original.kept_weights,
                worker=self._worker,
            )
        found, held = self._converting[key], self._worker.holds
        if held is not None and held is not found and _TOUCHING & set(held.change.rebuild):
            self._worker.close()  # the layers were changed themselves, and the user's module may hold on to them
        return found

    @property
    def _limits(self) -> Limits:
        seconds, left = self._work.limits.seconds, max(0.1, self.left)
        return replace(self._work.limits, seconds=left if seconds is None else min(seconds, left))


def _of_steps(found: Comparison, prepared: Prepared) -> Agreement:
    """The worst over the outputs and steps, where the source answered itself."""
    if not found.answers:
        return Agreement(reason=found.reason)
    return Agreement(
        samples=len(prepared.compared),
        difference=max(drift.own_difference for drift in found.answers),
        relative=max(drift.own for drift in found.answers),
        usual=max(drift.usual for drift in found.answers),
        compared_on=GENERATED if prepared.made_up else CALIBRATION,
        seconds=found.seconds,
        calls=prepared.length,
    )


def _is_asked_for(waiting: _Waiting) -> bool:
    """Unrolled, or one step a call, by itself: it is what people ask for, and right only sometimes."""
    return len(waiting.path) == 1 and bool(_TOUCHING & set(waiting.change.source.rebuild))


def _names(description: SourceDescription) -> list[str]:
    return [spec.name for signature in description.signatures for spec in (*signature.inputs, *signature.outputs)]


def _proposals(outcomes: Iterable[RuleOutcome]) -> list[Proposal]:
    """What the causes propose, the worst cause first; each change once."""
    found = [proposal for _, finding in explanation(outcomes).causes for proposal in finding.proposals]
    return list({(p.title, p.how): p for p in found}.values())


def _lacks_samples(case: Case) -> bool:
    """It was not begun for want of a calibration set, which was not asked for: nothing is wrong with it."""
    problem = case.conversion.calibration_problem
    return problem is not None and problem.kind == "missing" and not problem.fatal


def _rank(change: Change) -> int:
    """What it is likely to cost, in time and in the model: settings, data, shapes, layers, loops."""
    source, recipe = change.source, change.recipe
    flex = recipe is not None and ("SELECT_TF_OPS" in recipe.supported_ops or recipe.attributes.get("allow_custom_ops"))
    return (
        (recipe is not None)
        + 2 * change.repair_calibration
        + 3 * bool(source.shapes or source.batch)
        + 6 * (Rebuild.STEP in source.rebuild)
        + 5 * (Rebuild.TF_KERAS in source.rebuild)
        + 8 * (Rebuild.UNROLL in source.rebuild)
        + 20 * bool(flex)  # needs a runtime that few have
    )


def _key(recipe: Recipe, change: Change) -> str:
    """The same for what comes to the same, whatever it is called."""
    settings = [
        recipe.optimizations,
        sorted(recipe.supported_ops),
        recipe.supported_types,
        recipe.inference_input_type,
        recipe.inference_output_type,
        recipe.calibrated,
        sorted(recipe.attributes.items(), key=str),
    ]
    return json.dumps([settings, _source_key(change)], default=str)


def _source_key(change: Change) -> str:
    source = change.source
    parts = (sorted(source.shapes), source.batch, sorted(source.rebuild), change.repair_calibration)
    return json.dumps(parts, default=str)


def _place(record: RemedyRecord, as_asked: bool) -> tuple[int, ...]:
    """What works first: of the arithmetic that was asked for, of the least float operators, the nearest to the model,
    the smallest. Then what was tried.

    Differences count in twentieths of the range: less is a matter of the samples, and more a matter of the remedy.
    """
    if not record.works:
        return (1, not record.tried, record.reason == YOURS)
    share = record.relative_difference or 0.0
    far = share > min(FAR.values())
    return (0, far, not as_asked, record.float_operators or 0, int(20 * share), record.bytes or 0)


def _folder(work: Work, case: Case) -> Path:
    return work.folder.absolute() / case.conversion.recipe.name / "remedies"


def _finite(value: float | None) -> float | None:
    return value if value is not None and value < float("inf") else None


# Several proposals as one


def _title(path: tuple[Proposal, ...]) -> str:
    """`Fix the batch at 1, and unroll the loops`."""
    first, *others = (proposal.title for proposal in path)
    return ", and ".join([first, *map(_lowered, others)])


def _how(path: tuple[Proposal, ...]) -> str:
    return "\n\n".join(proposal.how for proposal in path)


def _cost(path: tuple[Proposal, ...]) -> str:
    return " ".join(dict.fromkeys(proposal.cost for proposal in path if proposal.cost))


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:]
