"""A conversion script of the user's, run unchanged and recorded.

    with record.run(["python", "convert.py"], Path("out")) as recording:
        for one in recording.conversions:
            print(one.conversion.outcome, one.sources)

Python finds a `sitecustomize` of ours in front of the user's, by PYTHONPATH; it has every `convert()` recorded in the
process that calls it (script.py), which tells a journal on disk what happens. The journals are read here when the
command has ended, however it ended.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from tflite_audit.analyzer.conversion import contradictions, spool
from tflite_audit.analyzer.conversion.calibration import Calibration, spooled
from tflite_audit.analyzer.conversion.convert import (
    GRAPH,
    IR,
    LOG,
    MODEL,
    Timeline,
    graph_of,
    passes_of,
    problem_of,
    publish,
    with_reply,
)
from tflite_audit.analyzer.conversion.linking import link
from tflite_audit.analyzer.conversion.requests import STAGE
from tflite_audit.analyzer.conversion.scripts import journal
from tflite_audit.analyzer.conversion.scripts.journal import (
    Began,
    Ended,
    Kept,
    Line,
    Missed,
    Sampled,
    Signatures,
    StageChanged,
    Suspected,
)
from tflite_audit.analyzer.conversion.scripts.script import KEPT_SUFFIX, SAMPLES, STACK
from tflite_audit.analyzer.conversion.source import Source
from tflite_audit.analyzer.conversion.types import Conversion, Frame, Outcome, Recipe
from tflite_audit.analyzer.isolation import RECORDING, CommandEnd, Died, Event, run_command

KEPT = "source"
"""Folder of the model, beside the log of a conversion that failed."""

BOOTSTRAP = Path(__file__).parent / "bootstrap"

_SIGNALS = {
    "Segmentation fault": signal.SIGSEGV,
    "Aborted": signal.SIGABRT,
    "Bus error": signal.SIGBUS,
    "Floating point exception": signal.SIGFPE,
    "Illegal instruction": signal.SIGILL,
}
"""What faulthandler writes of the signals that it traces (Modules/faulthandler.c)."""

CALIBRATION = "the script's representative_dataset"

Entry = TypeVar("Entry", bound=journal.Entry)


@dataclass(frozen=True, slots=True)
class RecordedConversion:
    """One call of `convert()` in the script.

    Attributes:
        sources: the model that was converted, as it was kept; the one that serves best first. Empty where it could not
            be kept.
        calibration: the samples that the converter was given; None where it was given none.
        samples: how many of them were kept.
        repeatable: the recipe can be given to the converter of TensorFlow 2 too.
    """

    conversion: Conversion
    sources: tuple[Source, ...]
    calibration: Calibration | None
    samples: int
    repeatable: bool


@dataclass(frozen=True)
class Recording:
    """A script, run. A context manager: what was kept for remedies is removed at its end.

    Attributes:
        end: how the command ended.
        conversions: in the order they began, whichever process they ran in.
        python: a Python ran that could be recorded.
        notes: lines for the user about conversions that were not recorded.
    """

    command: tuple[str, ...]
    end: CommandEnd
    conversions: tuple[RecordedConversion, ...]
    python: bool
    notes: tuple[str, ...]
    work: Path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.work, ignore_errors=True)


def run(command: Sequence[str], folder: Path, seconds: float | None = None) -> Recording:
    """Run a command, and record every conversion in it.

    Args:
        folder: must exist; gets a folder for each conversion, with its model, its log and its IR.
        seconds: the command is killed after so many; None for no limit.

    Raises:
        OSError: the command cannot be started, or the folder cannot be written.
    """
    folder = folder.absolute()
    work = Path(tempfile.mkdtemp(prefix=".tflite-audit-", dir=folder))
    paths = (str(BOOTSTRAP), os.environ.get("PYTHONPATH"))
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), RECORDING: str(work)}
    try:
        end = run_command(command, environment, seconds)
        found, notes = _read(work)
        recorded: list[RecordedConversion] = []
        for number, told in enumerate(found, 1):
            if told.last(Ended) is None:
                _finish_log(told)
            recorded.append(_published(told, _conversion(told, number, end, seconds), folder))
        return Recording(tuple(command), end, tuple(recorded), (work / "python").exists(), tuple(notes), work)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@dataclass(frozen=True, slots=True)
class _Told:
    """What a journal tells of one conversion."""

    process: int
    began: Began
    entries: tuple[Line, ...]
    until: float

    def all(self, kind: type[Entry]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    def last(self, kind: type[Entry]) -> Entry | None:
        return next(reversed(self.all(kind)), None)

    @property
    def folder(self) -> Path:
        return Path(self.began.folder)


def _read(work: Path) -> tuple[list[_Told], list[str]]:
    """The conversions of all processes, in the order they began, and lines about those that were missed."""
    found: list[_Told] = []
    notes: list[str] = []
    for path in work.glob(f"*{journal.SUFFIX}"):
        by_number: dict[int, list[Line]] = {}
        for entry in journal.read(path):
            by_number.setdefault(entry.conversion, []).append(entry)
            if isinstance(entry, Missed):
                notes.append(f"a conversion was not recorded: {entry.reason}")
        for entries in by_number.values():
            began = next((entry for entry in entries if isinstance(entry, Began)), None)
            ended = next((entry for entry in entries if isinstance(entry, Ended)), None)
            if ended and ended.reply.failure is None and not ended.converted:
                notes.append("a conversion was not recorded: convert() returned something else than a model")
            elif began is not None:
                found.append(_Told(journal.process_of(path), began, tuple(entries), entries[-1].at))
    return sorted(found, key=lambda one: one.began.at), notes


def _conversion(told: _Told, number: int, end: CommandEnd, limit: float | None) -> Conversion:
    """As far as the journal tells."""
    began, ended = told.began, told.last(Ended)
    until = ended.at if ended else (end.at if told.process == end.process or end.timed_out else told.until)
    timeline = Timeline("", None)
    for entry in told.all(StageChanged):
        stage = {"name": entry.name, "ended": entry.ended, "well": entry.well}
        timeline.on_event(Event(STAGE, stage, entry.at - began.at))
    signatures, sampled, suspected = told.last(Signatures), told.last(Sampled), told.all(Suspected)
    recipe = dataclasses.replace(began.recipe, name=_name(began.recipe, number), title=_title(began))
    where = f" at {began.called.file}:{began.called.line}" if began.called else ""
    graph = graph_of(told.folder / GRAPH)
    aware = contradictions.is_quantization_aware(graph)
    made = Conversion(
        recipe,
        Outcome.CONVERTED,
        stages=timeline.stages(until - began.at),
        passes=passes_of(told.folder / IR),
        seconds=until - began.at,
        peak_memory=_peak(told, ended),
        versions=began.versions,
        calibration=CALIBRATION if recipe.calibrated else None,
        notes=(f"{recipe.name} is the call of convert(){where}", *began.notes),
        source_kind=began.kind,
        signatures=signatures.signatures if signatures else (),
        sample_shapes=sampled.shapes if sampled else {},
        graph=graph,
        recurrent=began.recurrent,
        recipe_problems=(*contradictions.problems(recipe, recipe.calibrated, aware), *began.problems),
        calibration_problem=suspected[0].problem if suspected else None,
    )
    made = with_reply(made, ended.reply) if ended else _died(made, told, end, limit)
    made = _without_call(made, began.stack)
    problem = made.calibration_problem
    if problem is not None and made.outcome is Outcome.CONVERTED:  # so it was not fatal
        return dataclasses.replace(made, calibration_problem=dataclasses.replace(problem, fatal=False))
    return made


def _without_call(made: Conversion, stack: tuple[Frame, ...]) -> Conversion:
    """Without the lines that called `convert()`: a model that is traced anew in there did not come from them."""
    calling = [(frame.file, frame.line) for frame in stack]

    def left(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        lines = [(frame.file, frame.line) for frame in frames]
        while outer := next((n for n in range(len(calling), 0, -1) if lines[-n:] == calling[:n]), 0):
            del lines[-outer:]  # once for each function that was inlined
        return frames[: len(lines)]

    if made.failure:
        errors = tuple(dataclasses.replace(e, frames=left(e.frames)) for e in made.failure.errors)
        made = dataclasses.replace(made, failure=dataclasses.replace(made.failure, errors=errors))
    if made.graph:
        operators = tuple(dataclasses.replace(o, frames=left(o.frames)) for o in made.graph.operators)
        made = dataclasses.replace(made, graph=dataclasses.replace(made.graph, operators=operators))
    return made


def _died(made: Conversion, told: _Told, end: CommandEnd, limit: float | None) -> Conversion:
    """A conversion whose process did not outlive it."""
    log = (told.folder / LOG).read_text(errors="replace") if (told.folder / LOG).exists() else ""
    if end.timed_out:
        where = f" in {made.stage}" if made.stage else ""
        reason = f"the script was stopped after {limit:g} s, with the converter still at work{where}"
        return dataclasses.replace(made, outcome=Outcome.TIMED_OUT, reason=reason)
    killed = next((number.value for words, number in _SIGNALS.items() if f"Fatal Python error: {words}" in log), None)
    status = None
    if told.process == end.process:
        killed, status = end.signal or killed, end.status
    if killed is None and status is None:
        where = f" in {made.stage}" if made.stage else ""
        reason = f"the process ended{where}, before convert() returned"
        return dataclasses.replace(made, outcome=Outcome.CRASHED, reason=reason)
    died = Died(signal=killed, status=None if killed else status, seconds=made.seconds, peak_memory=made.peak_memory)
    problem = problem_of(died, "the converter" if killed else "the script", log, made.stage)
    return dataclasses.replace(made, outcome=problem.outcome, reason=problem.reason, signal=problem.signal)


def _finish_log(told: _Told) -> None:
    """Show what the compiler printed, which its process did not live to do, and put where Python was behind it."""
    log = told.folder / LOG
    stack = told.folder / STACK
    printed = log.read_bytes() if log.exists() else b""
    sys.stderr.flush()
    with suppress(OSError):
        os.write(2, printed)
    if stack.exists():
        lines = stack.read_bytes().splitlines(keepends=True)
        log.write_bytes(printed + b"".join(line for line in lines if not line.startswith(b"Extension modules: ")))


def _published(told: _Told, made: Conversion, folder: Path) -> RecordedConversion:
    """Move what is to stay to where it belongs."""
    place = folder / made.recipe.name
    place.mkdir(parents=True, exist_ok=True)
    for name in (MODEL, LOG, IR):  # of an earlier run
        (place / name).unlink(missing_ok=True)
    shutil.rmtree(place / KEPT, ignore_errors=True)
    sources = [entry.source for entry in told.all(Kept) if Path(entry.source.path).exists()]
    samples = Path(f"{told.folder}{KEPT_SUFFIX}") / SAMPLES
    calibration, count = None, 0
    if (samples / spool.INDEX).exists():
        count = len((samples / spool.INDEX).read_bytes().splitlines())
        calibration = dataclasses.replace(spooled(samples), spec=CALIBRATION)
    if made.outcome is not Outcome.CONVERTED:
        sources = [_kept(source, place / KEPT) for source in sources]
        if sources:
            first, *others = made.notes
            first += f"; the model it was given is kept in {sources[0].spec}"
            made = dataclasses.replace(made, notes=(first, *others))
    # Settings of the old converter mean nothing to the new one, which has others for the same.
    repeatable = told.began.version == 2 or not made.recipe.attributes
    return RecordedConversion(publish(made, told.folder, place), tuple(sources), calibration, count, repeatable)


def _kept(source: Source, place: Path) -> Source:
    """A source that stays with the report, for the user to go on with; one of the user's own is not copied."""
    if source.spec != source.path:
        return source
    found, to = Path(source.path), place / Path(source.path).name
    place.mkdir(exist_ok=True)
    if found.is_dir():
        shutil.copytree(found, to, copy_function=link)
    else:
        link(str(found), str(to))
    return dataclasses.replace(source, spec=str(to), path=str(to))


def _name(recipe: Recipe, number: int) -> str:
    return f"convert-{number}-{recipe.precision}"


def _title(began: Began) -> str:
    where = f"{Path(began.called.file).name}:{began.called.line}, " if began.called else ""
    return f"{where}{began.kind}"


def _peak(told: _Told, ended: Ended | None) -> int | None:
    """The largest size that was measured; the kernel's own figure may be of before the conversion."""
    measured = [entry.memory for entry in told.all(StageChanged) if entry.memory]
    return max([*measured, *([ended.memory] if ended and ended.memory else [])], default=None)
