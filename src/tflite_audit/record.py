"""A conversion script of the user's, run as it is, and the report of every conversion in it."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from . import assemble, measure
from . import config as configuration
from .analyzer.conversion import first_samples
from .analyzer.conversion.scripts import record as recordings
from .analyzer.conversion.scripts.record import CALIBRATION, RecordedConversion, Recording
from .analyzer.conversion.types import Outcome, SignatureSpec
from .analyzer.evaluation.metrics import parse_metric
from .analyzer.isolation import signal_name, usual_limits
from .analyzer.model.flatbuffer import read
from .analyzer.support import matrix
from .assemble import Subject
from .audit import AuditError, judged_conversion, with_trial
from .measure import Work
from .observe import Watching
from .progress import Progress, silent
from .remedies import BUDGET, Case, tried
from .reports import document as doc
from .rules.custom_ops.declared import Declarations
from .rules.engine import Facts
from .writing import write


@dataclass(frozen=True)
class Recorded:
    """What `record` found.

    Attributes:
        report: None where the script converted nothing; then nothing was written.
        status: the script's own exit status, by the convention of shells 128 and the signal's number for one that a
            signal ended.
        notes: lines for the user: how the script ended, and what was not recorded.
    """

    report: doc.Report | None
    status: int
    notes: tuple[str, ...]


def record(
    command: Sequence[str],
    *,
    output: str | Path = "tflite-audit-report",
    timeout: float | None = None,
    remedies: bool = True,
    remedy_budget: float = BUDGET,
    config: str | Path | None = None,
    progress: Callable[[], AbstractContextManager[Progress]] = lambda: nullcontext(silent),
) -> Recorded:
    """Run a command, record every `TFLiteConverter.convert()` in it, and write the report.

    Args:
        command: such as `["python", "convert.py"]`; it runs in the current folder, at the user's terminal.
        output: folder of `report.html`, `report.json` and a folder for each conversion.
        timeout: seconds after which the command is killed; None for no limit.
        remedies: try what may cure a conversion that fails.
        remedy_budget: seconds for all of these trials together.
        config: path of the configuration file; None takes `tflite-audit.toml` of the current folder, if there is one.
        progress: shows what is done after the command has ended, which has the terminal to itself.

    Raises:
        AuditError: there is no such command.
        OSError: the folder cannot be written.
    """
    declarations = configuration.load(config)
    folder = Path(output).absolute()
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _run(command, folder, timeout) as recording:
            notes = list(_notes(recording, timeout))
            report = None
            if recording.conversions:
                with progress() as told:
                    report = _report(recording, notes, folder, told, remedy_budget if remedies else None, declarations)
    finally:
        if not was_there and not any(folder.iterdir()):
            folder.rmdir()
    if report is not None:
        write(folder / "report.json", doc.encode(report))
        from .reports.html import render

        write(folder / "report.html", render(report).encode())
    return Recorded(report, _status(recording), tuple(notes))


def _run(command: Sequence[str], folder: Path, timeout: float | None) -> Recording:
    try:
        return recordings.run(command, folder, timeout)
    except (FileNotFoundError, PermissionError) as error:
        if error.filename != command[0]:
            raise
        raise AuditError(
            f"{command[0]}: cannot be run ({error.strerror}); give a command, such as python convert.py"
        ) from None


def _report(
    recording: Recording,
    notes: list[str],
    folder: Path,
    progress: Progress,
    budget: float | None,
    declarations: Declarations | None,
) -> doc.Report:
    with tempfile.TemporaryDirectory(prefix="tflite-audit-") as scratch:
        metric = parse_metric("top-1")
        work = Work(folder, Path(scratch), usual_limits(), progress, None, metric, None, None, declarations)
        subjects = _subjects(recording.conversions, work)
        cures = _remedies(recording.conversions, subjects, work, budget)
    samples = max((one.samples for one in recording.conversions), default=0)
    return assemble.report(
        "record",
        subjects,
        folder=folder,
        started_from=doc.Source(name=shlex.join(recording.command), kind="script", notes=notes),
        measured_on=doc.Data(calibration=CALIBRATION if samples else None, calibration_samples=samples),
        remedies=cures,
    )


def _subjects(recorded: Sequence[RecordedConversion], work: Work) -> list[Subject]:
    """Each conversion, tried, watched and judged; those of one interface, mostly of one model, share their samples."""
    groups: dict[tuple[SignatureSpec, ...], list[RecordedConversion]] = {}
    for one in recorded:
        groups.setdefault(one.conversion.signatures, []).append(one)
    subjects: dict[str, Subject] = {}
    for number, (signatures, group) in enumerate(groups.items()):
        calibration = next((Path(one.calibration.path) for one in group if one.calibration), None)
        first = work.scratch / f"first-{number}"
        samples = first_samples.keep(calibration, first, len(signatures)) if calibration else ()
        made = {one.conversion.recipe.name: Path(one.conversion.model) for one in group if one.conversion.model}
        trials = measure.tried(made, None, work, samples) if made else {}
        conversions = [with_trial(one.conversion, trials.get(one.conversion.recipe.name)) for one in group]
        with Watching(None, calibration, work) as watching:
            ranges = watching.ranges(conversions)
            for conversion in conversions:
                name, path = conversion.recipe.name, conversion.model
                work.progress(f"{name}: checking")
                model = read(path) if path else None
                facts = Facts(
                    model,
                    conversion,
                    trials.get(name),
                    support=matrix.load(),
                    ranges=ranges,
                    declarations=work.declarations,
                )
                subjects[name] = judged_conversion(conversion, watching.completed(facts))
    return [subjects[one.conversion.recipe.name] for one in recorded]


def _remedies(
    recorded: Sequence[RecordedConversion], subjects: Sequence[Subject], work: Work, budget: float | None
) -> dict[str, list[doc.RemedyRecord]]:
    """What cures the conversions that failed, tried on the models as the script gave them to the converter."""
    conversions = [subject.facts.conversion for subject in subjects]
    if budget is None or all(c is None or c.outcome is Outcome.CONVERTED for c in conversions):
        return {}
    cases = [
        Case(subject, one.sources[0], one.calibration)
        for one, subject in zip(recorded, subjects, strict=True)
        if one.sources and one.repeatable
    ]
    return tried(cases, work, budget=budget)


def _status(recording: Recording) -> int:
    end = recording.end
    return 128 + end.signal if end.signal else end.status or 0


def _notes(recording: Recording, timeout: float | None) -> Iterator[str]:
    """How the script ended, where that was not well, and what is missing."""
    end = recording.end
    ended = ""
    if end.timed_out:
        ended = f"was stopped after {timeout:g} s"
    elif end.signal:
        ended = f"died of signal {end.signal} ({signal_name(end.signal)})"
    elif end.status:
        ended = f"ended with status {end.status}"
    yield from recording.notes
    if recording.conversions:
        if ended:
            yield f"the script {ended}"
    elif not recording.python:
        also = f"; it {ended}" if ended else ""
        yield f"nothing to report: no Python ran that can be recorded (python -I, -E and -S cannot){also}"
    elif ended:
        yield f"nothing to report: the script {ended} before it called TFLiteConverter.convert()"
    else:
        yield "nothing to report: the script never called TFLiteConverter.convert()"
