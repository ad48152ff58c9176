"""Conversions, each in a child process that may crash, hang or run out of memory.

    with Converting(sources.parse("model.keras"), calibration.parse("images.npz"), Path("out")) as converting:
        print(converting.describe().kind)
        conversions = [converting.convert(recipe) for recipe in recipes]

One process serves them all, since TensorFlow takes seconds to import; it is replaced when it dies.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from tflite_audit.analyzer.conversion import contradictions, excerpt, first_samples, passes
from tflite_audit.analyzer.conversion.calibration import Calibration, CalibrationSummary
from tflite_audit.analyzer.conversion.requests import (
    BEGAN,
    CHILD,
    STAGE,
    CalibrateRequest,
    ConvertReply,
    ConvertRequest,
    LoadRequest,
    PredictReply,
    PredictRequest,
    Refusal,
    StageEvent,
)
from tflite_audit.analyzer.conversion.source import Source, SourceError
from tflite_audit.analyzer.conversion.types import (
    UNCHANGED,
    CalibrationProblem,
    Conversion,
    Outcome,
    Pass,
    Progress,
    Recipe,
    RecipeProblem,
    Reference,
    SourceChange,
    SourceDescription,
    SourceGraph,
    Stage,
)
from tflite_audit.analyzer.evaluation.types import FirstSample
from tflite_audit.analyzer.isolation import (
    Died,
    End,
    Event,
    Limits,
    OutOfMemory,
    Raised,
    Replied,
    TimedOut,
    Worker,
    usual_limits,
)

MODEL = "model.tflite"
LOG = "conversion.log"
IR = "ir.mlir"
GRAPH = "graph.json"
"""What a recipe's folder holds. The IR is kept of conversions that did not come to their end; the source's graph is
read and not kept."""


T = TypeVar("T")


class SourceWorker(Worker):
    """A child process that holds a source.

    Attributes:
        holds: the one whose source was loaded last.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(CHILD, environment)
        self.holds: Converting | None = None


class Converting:
    """Converts one source with several recipes. A context manager; nothing is started before the first question.

    Args:
        source: what `source.parse` made.
        calibration: what `calibration.parse` made; None where there is no calibration set.
        folder: gets a folder for each recipe, with `model.tflite` and `conversion.log`, and `source.log` and
            `calibration.log` where loading them printed anything. Files appear whole or not at all.
        limits: on loading, on taking in the calibration set, and on each conversion; by default a quarter of an hour,
            and most of the memory that is free.
        on_event: called as stages begin and end.
        change: what is changed in the source once it is loaded.
        repair: the calibration set is mended where it can be.
        weights: `kept_weights` of another one of this source, which are given to this one's model.
        worker: shared with others of this source, one of which is loaded at a time; a process of its own by default.
        asked: the recipes are those that the user named: one that lacks its calibration set is then an error.
        environment: variables for a process of its own (`custom_kernels.environment`).
    """

    def __init__(
        self,
        source: Source,
        calibration: Calibration | None,
        folder: Path,
        limits: Limits | None = None,
        on_event: Callable[[Progress], None] | None = None,
        *,
        change: SourceChange = UNCHANGED,
        repair: bool = False,
        weights: Path | None = None,
        worker: SourceWorker | None = None,
        asked: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self.calibration = calibration
        self.folder = folder.absolute()
        self.limits = limits or usual_limits()
        self.change = change
        self.repair = repair
        self._weights = weights
        self.asked = asked
        self._on_event = on_event
        self._worker = worker or SourceWorker(environment)
        self._graph: SourceGraph | None = None
        self._loaded_in: int | None = None  # which of the worker's processes holds the source
        self._description: SourceDescription | None = None
        self._source_problem: Problem | None = None
        self._summary: CalibrationSummary | None = None
        self._calibration_problem: Problem | None = None
        self._work: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, and remove the working files."""
        self._worker.close()
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None

    def describe(self) -> SourceDescription:
        """What the source is.

        Raises:
            SourceError: it cannot be loaded, in one line.
        """
        problem = self._load()
        if problem is not None:
            raise SourceError(problem.reason)
        assert self._description is not None
        return self._description

    def calibrate(self) -> CalibrationSummary | None:
        """Take the calibration set in, as the first recipe that needs it will; None where there is no good one."""
        return self._summary if self.calibration and self._calibrate() is None else None

    @property
    def kept_weights(self) -> Path:
        """Folder of the values of the source's variables: a function that builds a model may build another each time.

        Until `close`, and only once it was loaded.
        """
        return self._weights or self._working_folder() / "weights"

    @property
    def samples(self) -> Path | None:
        """Folder of the calibration samples (see `calibration.samples`), until `close`; None before they were taken."""
        return self._samples if self._summary is not None else None

    def first_samples(self, folder: Path) -> list[FirstSample]:
        """Write the first calibration sample of each signature to `folder`; none where no set was taken in."""
        if self._summary is None or self._description is None:
            return []
        return first_samples.keep(self._samples, folder, len(self._description.signatures))

    def restart(self) -> None:
        """End the process: what is asked next is answered by another one, with the same weights."""
        self._worker.close()

    def convert(self, recipe: Recipe, *, keep: bool = True) -> Conversion:
        """Convert with one recipe. However that ends, it is a Conversion.

        Args:
            keep: False puts what comes of it into a working folder, which is removed on `close`.

        Raises:
            OSError: the output folder cannot be written.
        """
        folder = (self.folder if keep else self._working_folder() / "again") / recipe.name
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL, LOG, IR):  # of an earlier run
            (folder / name).unlink(missing_ok=True)
        problem = self._problem_before(recipe)
        if problem is not None:
            return self._not_begun(recipe, problem)
        work = self._working_folder() / recipe.name
        work.mkdir(exist_ok=True)
        request = ConvertRequest(
            recipe=recipe,
            model=str(work / MODEL),
            ir=str(work / IR),
            samples=str(self._samples) if recipe.calibrated else None,
            graph=str(work / GRAPH) if self._graph is None else None,
        )
        timeline = Timeline(recipe.name, self._on_event)
        end = self._request("convert", request, work / LOG, timeline)
        self._graph = self._graph or graph_of(work / GRAPH)
        made = self._judge(recipe, end, timeline, work)
        return publish(made, work, folder)

    def reference(self, inputs: Path, outputs: Path, signature: str | None = None) -> Reference:
        """Have the source model itself answer data.

        Args:
            inputs: `.npz` of arrays by input name; the first axis counts samples.
            outputs: `.npz` to write: arrays by output name.
            signature: its key; the only one, or the serving one, for None.
        """
        problem = self._load()
        if problem is not None:
            return Reference(None, problem.reason)
        request = PredictRequest(signature, str(inputs.absolute()), str(outputs.absolute()))
        timeline = Timeline("source", self._on_event)
        end = self._request("predict", request, self._working_folder() / "source.log", timeline)
        _copy_if_any(self._working_folder() / "source.log", self.folder / "source.log")
        reply = _reply(end, PredictReply)
        if isinstance(reply, PredictReply):
            versions = self._description.versions if self._description else {}
            runtime = f"tensorflow {versions.get('tensorflow', '')}".strip()
            return Reference(str(outputs), "", reply.signature, reply.samples, reply.seconds, reply.batch, runtime)
        if isinstance(reply, Refusal):
            return Reference(None, reply.reason)
        return Reference(None, problem_of(end, "the source model", self._tail("source.log")).reason)

    # What conversions need before they begin; done once, and again after the process was replaced.

    def _load(self) -> Problem | None:
        if self._source_problem is not None:
            return self._source_problem
        if self._worker.running and self._worker.holds is self and self._loaded_in == self._worker.starts:
            return None
        log = self._working_folder() / "source.log"
        again = self._loaded_in is not None or self._weights is not None
        changed = str(self._working_folder() / "changed")
        self._worker.holds = self
        request = LoadRequest(self.source, str(self.kept_weights), again, self.change, changed)
        end = self._request("load", request, log, Timeline("source", self._on_event))
        description = _reply(end, SourceDescription)
        if isinstance(description, SourceDescription):
            self._loaded_in = self._worker.starts
            self._description = description
        else:
            what = f"{self.source.spec}: loading it"
            problem = problem_of(end, what, self._tail("source.log"))
            if isinstance(description, Refusal):
                problem = dataclasses.replace(problem, reason=description.reason)
            self._source_problem = problem
        _copy_if_any(log, self.folder / "source.log")
        return self._source_problem

    def _problem_before(self, recipe: Recipe) -> Problem | None:
        if recipe.calibrated and self.calibration is None:
            message = "it needs a calibration set: give --calibration FILE.npz or MODULE:FUNCTION"
            missing = CalibrationProblem("missing", message, given="no calibration set", fatal=self.asked)
            return Problem(Outcome.REFUSED, message, calibration=missing)
        refused = next((problem for problem in self._contradictions(recipe) if problem.fatal), None)
        if refused is not None:
            return Problem(Outcome.REFUSED, refused.message)
        return self._load() or (self._calibrate() if recipe.calibrated else None)

    def _contradictions(self, recipe: Recipe) -> tuple[RecipeProblem, ...]:
        aware = contradictions.is_quantization_aware(self._graph)
        return contradictions.problems(recipe, recipe.calibrated, aware)

    def _calibrate(self) -> Problem | None:
        if self._summary is not None or self._calibration_problem is not None:
            return self._calibration_problem
        problem = self._load()
        if problem is not None:
            return problem
        assert self.calibration is not None
        log = self._working_folder() / "calibration.log"
        end = self._request(
            "calibrate",
            CalibrateRequest(self.calibration, str(self._samples), self.repair),
            log,
            Timeline("calibration", self._on_event),
        )
        summary = _reply(end, CalibrationSummary)
        if isinstance(summary, CalibrationSummary):
            self._summary = summary
        elif isinstance(summary, Refusal):
            self._calibration_problem = Problem(Outcome.REFUSED, summary.reason, calibration=summary.problem)
        else:
            what = f"{self.calibration.spec}: reading the calibration set"
            self._calibration_problem = problem_of(end, what, self._tail("calibration.log"))
        _copy_if_any(log, self.folder / "calibration.log")
        # A function that never ends, or kills the process, leaves no source behind: the next recipe loads it again.
        return self._calibration_problem

    # Ends

    def _judge(self, recipe: Recipe, end: End, timeline: Timeline, work: Path) -> Conversion:
        stages = timeline.stages(end.seconds)
        made = dataclasses.replace(
            self._known(recipe),
            stages=stages,
            passes=passes_of(work / IR),
            seconds=max(0.0, end.seconds - timeline.began),
            peak_memory=end.peak_memory,
            notes=self._notes(recipe),
        )
        if isinstance(end, Replied):
            return with_reply(made, msgspec.convert(end.value, ConvertReply))
        problem = problem_of(end, "the converter", _read_tail(work / LOG), made.stage)
        return dataclasses.replace(made, outcome=problem.outcome, reason=problem.reason, signal=problem.signal)

    def _not_begun(self, recipe: Recipe, problem: Problem) -> Conversion:
        known = self._known(recipe)
        return dataclasses.replace(
            known,
            outcome=problem.outcome,
            reason=problem.reason,
            signal=problem.signal,
            calibration_problem=problem.calibration or known.calibration_problem,
        )

    def _known(self, recipe: Recipe) -> Conversion:
        """What is known of any conversion of this source, before and after it."""
        description, summary = self._description, self._summary
        return Conversion(
            recipe,
            Outcome.CONVERTED,
            versions=description.versions if description else {},
            calibration=self.calibration.spec if self.calibration else None,
            source_kind=description.kind if description else "",
            signatures=description.signatures if description else (),
            sample_shapes=summary.shapes if summary else {},
            graph=self._graph,
            recurrent=description.recurrent if description else None,
            calibration_problem=summary.problem if summary and recipe.calibrated else None,
            recipe_problems=self._contradictions(recipe),
        )

    def _notes(self, recipe: Recipe) -> tuple[str, ...]:
        notes = self._description.notes if self._description else ()
        return (*notes, *self._summary.notes) if recipe.calibrated and self._summary else notes

    # Plumbing

    @property
    def _samples(self) -> Path:
        return self._working_folder() / "samples"

    def _working_folder(self) -> Path:
        if self._work is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Beside the results: moving a finished file there is then one step (os.replace), never half of one.
            self._work = Path(tempfile.mkdtemp(prefix=".tflite-audit-", dir=self.folder))
        return self._work

    def _request(self, handler: str, value: Any, log: Path, timeline: Timeline) -> End:
        return self._worker.request(handler, value, log=log, limits=self.limits, on_event=timeline.on_event)

    def _tail(self, log: str) -> str:
        return _read_tail(self._working_folder() / log)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something ended that should not have."""

    outcome: Outcome
    reason: str
    signal: int | None = None
    calibration: CalibrationProblem | None = None


class Timeline:
    """Stages, from their events as they arrive: what a process that died was doing is known all the same."""

    def __init__(self, subject: str, on_event: Callable[[Progress], None] | None) -> None:
        self.began = 0.0
        self._subject = subject
        self._on_event = on_event
        self._events: list[tuple[float, StageEvent]] = []

    def on_event(self, event: Event) -> None:
        """Take an event in."""
        if event.name == BEGAN:
            self.began = event.seconds
        elif event.name == STAGE:
            stage = msgspec.convert(event.value, StageEvent)
            self._events.append((event.seconds, stage))
            if self._on_event:
                self._on_event(Progress(self._subject, stage.name, stage.ended))

    def stages(self, until: float) -> tuple[Stage, ...]:
        """Every stage, in the order they began; those still open last to `until`, by the same clock as the events."""
        found: list[Stage] = []
        running: list[tuple[int, float]] = []
        for seconds, event in self._events:
            if not event.ended:
                running.append((len(found), seconds))
                found.append(Stage(event.name, max(0.0, seconds - self.began), max(0.0, until - seconds), ended=False))
            elif running:
                index, start = running.pop()
                found[index] = dataclasses.replace(found[index], seconds=seconds - start, ended=event.well)
        return tuple(found)


def with_reply(made: Conversion, reply: ConvertReply) -> Conversion:
    """A conversion that did not end its process: what the process says of it."""
    made = dataclasses.replace(made, seconds=reply.seconds, versions=reply.versions, notes=(*made.notes, *reply.notes))
    if reply.failure is None:
        return made
    if reply.stage is not None:
        made = dataclasses.replace(made, stages=_cut(made.stages, reply.stage))
    outcome = Outcome.FAILED
    if reply.out_of_memory:
        outcome = Outcome.OUT_OF_MEMORY
    elif reply.refused:
        outcome = Outcome.REFUSED
    return dataclasses.replace(made, outcome=outcome, reason=reply.reason, failure=reply.failure)


def _cut(stages: tuple[Stage, ...], failed: str) -> tuple[Stage, ...]:
    """The stages up to the last of one name, which did not end well; what the converter tried after it is left out."""
    found = [index for index, stage in enumerate(stages) if stage.name == failed]
    if not found:
        return stages
    return (*stages[: found[-1]], dataclasses.replace(stages[found[-1]], ended=False))


def _reply(end: End, kind: type[T]) -> T | Refusal | None:
    """The answer; a refusal; or None for an end without any."""
    if not isinstance(end, Replied):
        return None
    if isinstance(end.value, Mapping) and set(end.value) == {"reason", "problem"}:
        return msgspec.convert(end.value, Refusal)
    return msgspec.convert(end.value, kind)


def graph_of(path: Path) -> SourceGraph | None:
    """What the child wrote; None where it came to no graph, or died writing it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SourceGraph)
    except (OSError, msgspec.MsgspecError):
        return None


def problem_of(end: End, what: str, log: str, stage: str | None = None) -> Problem:
    """An end other than a reply, in words."""
    where = f" in {stage}" if stage else ""
    match end:
        case TimedOut(limit=limit):
            return Problem(Outcome.TIMED_OUT, f"{what} took longer than {limit:g} s{where} and was stopped")
        case OutOfMemory(limit=limit):
            return Problem(Outcome.OUT_OF_MEMORY, f"{what} took more than {_size(limit)} of memory{where}")
        case Died(signal=signal):
            if "std::bad_alloc" in log or "MemoryError" in log:
                return Problem(Outcome.OUT_OF_MEMORY, f"{what} ran out of memory{where}: it {end.cause}", signal)
            hint = "; often the kernel's doing, when memory runs out" if signal == 9 else ""
            return Problem(Outcome.CRASHED, f"{what} {end.cause}{where}{hint}", signal)
        case Raised(kind="MemoryError"):
            return Problem(Outcome.OUT_OF_MEMORY, f"{what} ran out of memory{where}")
        case Raised(kind=kind, message=message):
            return Problem(Outcome.FAILED, f"{what}: {kind}: {message.splitlines()[0] if message else ''}")
        case Replied():
            return Problem(Outcome.FAILED, f"{what}: no answer")


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def passes_of(ir: Path) -> tuple[Pass, ...]:
    """Those that a file of printed IR tells of; none where there is no such file."""
    return passes.read(ir) if ir.exists() else ()


def _read_tail(log: Path, size: int = 4096) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode("utf-8", "replace")


def _copy_if_any(log: Path, to: Path) -> None:
    """A log that is still written to: what it holds so far."""
    if log.exists() and log.stat().st_size:
        part = log.with_name(f"{log.name}.part")
        shutil.copyfile(log, part)
        part.replace(to)
    else:
        to.unlink(missing_ok=True)


def publish(made: Conversion, work: Path, folder: Path) -> Conversion:
    """Move what a conversion left to where it belongs, whole files only, and remove the rest."""
    model = None
    if made.outcome is Outcome.CONVERTED:
        (work / MODEL).replace(folder / MODEL)
        model = str(folder / MODEL)
    ir = None
    shown = excerpt.of(made, work / IR)
    if (
        made.outcome is not Outcome.CONVERTED
        and (work / IR).exists()
        and passes.write_last(work / IR, work / f"last.{IR}")
    ):
        (work / f"last.{IR}").replace(folder / IR)
        ir = str(folder / IR)
    log = None
    if (work / LOG).exists():
        (work / LOG).replace(folder / LOG)
        log = str(folder / LOG)
    shutil.rmtree(work, ignore_errors=True)
    return dataclasses.replace(made, model=model, log=log, ir=ir, excerpt=shown)
