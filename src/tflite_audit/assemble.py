"""Facts and rule outcomes become the records of the report document."""

from __future__ import annotations

import hashlib
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from . import __version__
from .analyzer.conversion.calibration import CalibrationSummary
from .analyzer.conversion.types import Conversion, ErrorEntry, Outcome, Pass, Recipe, SourceDescription
from .analyzer.evaluation.dataset import Dataset
from .analyzer.evaluation.observed import PartTimes
from .analyzer.evaluation.types import Evaluation, Interface
from .analyzer.model.debug_info import Locations
from .analyzer.model.types import OPTIONAL, Model, Operator, Subgraph, Tensor
from .analyzer.support.releases import AS_OF, RELEASES
from .measure import Work
from .reports import document as doc
from .reports import failures
from .reports.float_parts import meant
from .rules import registry, verdict
from .rules.compatibility import runtimes
from .rules.engine import Facts, RuleOutcome, explanation
from .rules.precision import Kind
from .rules.quantization import cures
from .rules.quantization.causes import Blame, Cause
from .rules.quantization.islands import Island
from .rules.quantization.traits import traits
from .rules.rule import Finding, Location, Remedy, Rule, fingerprint
from .rules.verdict import Candidate

LOG_TAIL = 200_000  # bytes, which is nearly every log whole; the file stands beside the model
PACKAGES = ("numpy", "tflite", "networkx", "ai-edge-litert")


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


def environment(packages: dict[str, str]) -> doc.Environment:
    """This machine; `packages` are versions that only the child processes know."""
    return doc.Environment(
        python=platform.python_version(),
        platform=platform.platform(terse=True),
        processor=platform.machine(),
        cores=os.cpu_count() or 1,
        packages={
            **{name: found for name in PACKAGES if (found := _version(name))},
            **{name: number for name, number in packages.items() if name != "python"},
        },
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def tool() -> doc.Tool:
    """This program."""
    return doc.Tool("tflite-audit", __version__)


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def evaluation(measured: Evaluation | None) -> doc.EvaluationRecord | None:
    """The record has the fact's fields by the same names."""
    return None if measured is None else msgspec.convert(measured, doc.EvaluationRecord, from_attributes=True)


def model(name: str, path: str, facts: Facts) -> doc.ModelRecord:
    """A `.tflite` file. `path` is where the report's reader finds it."""
    found, precision, locations = facts.model, facts.precision, facts.locations
    assert found is not None and precision is not None and locations is not None
    assert facts.weights is not None and facts.made_by is not None
    return doc.ModelRecord(
        name=name,
        path=path,
        bytes=found.size,
        sha256=sha256(found.path),
        description=found.description,
        schema_version=found.version,
        min_runtime_version=found.min_runtime_version,
        signatures=[
            doc.SignatureRecord(
                s.key,
                [_port(key, found.subgraphs[s.subgraph].tensors[t]) for key, t in s.inputs.items()],
                [_port(key, found.subgraphs[s.subgraph].tensors[t]) for key, t in s.outputs.items()],
            )
            for s in found.signatures
        ],
        operator_counts=dict(Counter(op.name for _, op in found.operators).most_common()),
        precisions={arithmetic.value: count for arithmetic, count in precision.counts.items()},
        constants=_constant_bytes(found),
        operators=[_operator(graph, op, precision.of(graph, op).value, locations) for graph, op in found.operators],
        evaluation=evaluation(facts.evaluation),
        kind=precision.kind,
        traits=list(traits(found, precision, facts.weights, facts.made_by, facts.conversion)),
        float_parts=float_parts(facts),
        timing=_timing(facts.times),
        macs=facts.parts.macs if facts.parts else 0,
        subgraphs=[graph.name for graph in found.subgraphs],
        needs=_needs(facts),
    )


def _needs(facts: Facts) -> doc.NeedsRecord | None:
    found, support = facts.needs, facts.support
    if found is None or support is None or not found.used:
        return None
    return doc.NeedsRecord(
        found.runtime,
        [str(use) for use in found.unknown or found.deciding],
        [
            doc.RuntimeRecord(
                release.name,
                runtimes.version(release, support),
                None if lacking is None else runtimes.missing(release, lacking),
            )
            for release in RELEASES
            for lacking in [found.lacking(release)]
        ],
        AS_OF,
    )


def float_parts(facts: Facts) -> list[doc.FloatPartRecord]:
    """Every group of float operators, with what it costs as far as that was measured."""
    return [_float_part(island, facts) for island in (facts.parts.islands if facts.parts else ())]


def _float_part(island: Island, facts: Facts) -> doc.FloatPartRecord:
    found, locations, parts, times = facts.model, facts.locations, facts.parts, facts.times
    assert found is not None and locations is not None and parts is not None
    graph = found.subgraphs[island.subgraph]
    layers = (locations.of(graph.index, i).layer for i in island.operators)
    seconds = times.parts.get((graph.index, island.operators[0])) if times else None
    reasons = _reasons(island, graph)
    return doc.FloatPartRecord(
        subgraph=graph.index,
        position=island.position,
        operators=list(island.operators),
        names=dict(Counter(graph.operators[i].name for i in island.operators).most_common()),
        layers=list(dict.fromkeys(layer for layer in layers if layer)),
        causes=list(dict.fromkeys(blame.cause for _, blame in reasons if blame.cause)),
        because=list(dict.fromkeys(_shown(name, blame, reasons) for name, blame in reasons)),
        dequantize=len(island.entries),
        quantize=len(island.exits),
        moved=island.moved,
        macs=island.macs,
        macs_share=island.macs / parts.macs if parts.macs else None,
        seconds=seconds,
        time_share=seconds / times.model if seconds is not None and times and times.model else None,
        cure=_cure(reasons, facts),
    )


def _reasons(island: Island, graph: Subgraph) -> list[tuple[str, Blame]]:
    """Operator and why it is float, each once; those that only follow others are left out where there are others."""
    found = dict.fromkeys((graph.operators[i].name, island.blames[i]) for i in island.operators)
    return [reason for reason in found if reason[1].cause is not Cause.CARRIED] or list(found)


def _shown(name: str, blame: Blame, reasons: Sequence[tuple[str, Blame]]) -> str:
    """The fact that shows a cause; which operator has none, where others have one."""
    known = f"{blame.because.rstrip('.')}."
    if not known.startswith(name):
        known = known[:1].upper() + known[1:]
    if blame.cause is None and any(other.cause for _, other in reasons):
        return f"{name}: cause not established. {known}"
    return known


def _cure(reasons: Sequence[tuple[str, Blame]], facts: Facts) -> str:
    """What to change, without the code; nothing where the whole model is meant to be float."""
    precision = facts.precision
    if precision is None or meant(precision.kind, [blame.cause for _, blame in reasons if blame.cause]):
        return ""
    dtype = "int16" if precision.kind is Kind.INT16X8 else "int8"
    texts = (cures.cure(name, blame.cause, dtype, facts.support).text for name, blame in reasons)
    return " ".join(dict.fromkeys(text.removesuffix(cures.KEEP).strip() for text in texts))


def _timing(times: PartTimes | None) -> str:
    if times is None:
        return ""
    measured = f"Median of {times.runs:,} calls each, {times.runtime}"
    return f"{times.how.rstrip('.')}. {measured}." if times.how else f"{measured}."


def sha256(path: str) -> str:
    """Of a file, in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _port(name: str, tensor: Tensor) -> doc.Port:
    return doc.Port(name, tensor.dtype, list(tensor.declared_shape))


def _constant_bytes(found: Model) -> dict[str, int]:
    """A buffer shared by several tensors counts once."""
    dtypes = {t.buffer: t.dtype for graph in found.subgraphs for t in graph.tensors if t.constant}
    sizes: Counter[str] = Counter()
    for buffer, dtype in dtypes.items():
        sizes[dtype] += found.buffers.size(buffer)
    return dict(sizes.most_common())


def _operator(graph: Subgraph, op: Operator, precision: str, locations: Locations) -> doc.OperatorRecord:
    where = locations.of(graph.index, op.index)
    return doc.OperatorRecord(
        subgraph=graph.index,
        index=op.index,
        name=op.name,
        version=op.version,
        precision=precision,
        layer=where.layer,
        source=f"{where.frames[0].file}:{where.frames[0].line}" if where.frames else None,
        inputs=[_described(graph, t) for t in op.inputs],
        outputs=[_described(graph, t) for t in op.outputs],
    )


def _described(graph: Subgraph, index: int) -> str:
    """`int8[1,28,28,1]`; `-` for an optional input that was left out."""
    if index == OPTIONAL:
        return "-"
    tensor = graph.tensors[index]
    return f"{tensor.dtype}[{','.join('?' if size < 0 else str(size) for size in tensor.declared_shape)}]"


def conversion(
    made: Conversion, ended: Iterable[RuleOutcome], folder: Path, remedies: Sequence[doc.RemedyRecord] = ()
) -> doc.ConversionRecord:
    """One recipe's conversion; its paths become relative to `folder`.

    What is to blame is what the worst finding that states a cause says, or else what the converter named.
    """
    entries = made.failure.blamed if made.failure else ()
    found = next(iter(explanation(ended).causes), None) if made.outcome is not Outcome.CONVERTED else None
    culprits = (found[1].culprits or (found[1].location,)) if found else tuple(map(_culprit, entries))
    line = next((c for c in culprits if c.file and c.line), None)
    return doc.ConversionRecord(
        recipe=made.recipe.name,
        title=made.recipe.title,
        settings=settings(made.recipe),
        outcome=made.outcome,
        reason=made.reason,
        stage=made.stage,
        pass_=made.failed_pass or next((e.subcomponent for e in entries if e.subcomponent.endswith("Pass")), None),
        operators=list(dict.fromkeys(c.op for c in culprits if c.op)),
        layer=next((c.layer for c in culprits if c.layer), None),
        function=next((c.function for c in culprits if c.function), None),
        source=doc.SourceLine(line.file or "", line.line or 0) if line else None,
        cause=doc.Cause(found[0].code, found[0].name, found[1].cause or "") if found else None,
        remedies=list(remedies),
        excerpt=made.excerpt,
        ir=_relative(made.ir, folder),
        error=f"{made.failure.kind}: {made.failure.message}" if made.failure else None,
        signal=made.signal,
        seconds=made.seconds,
        peak_memory=made.peak_memory,
        stages=[msgspec.convert(s, doc.StageRecord, from_attributes=True) for s in made.stages],
        passes=[_pass(p) for p in made.passes],
        model=_relative(made.model, folder),
        log=_relative(made.log, folder),
        log_tail=_tail(made.log),
        versions=dict(made.versions),
        notes=list(made.notes),
    )


def _culprit(entry: ErrorEntry) -> Location:
    frame = entry.frames[0] if entry.frames else None
    return Location(
        op=entry.operator,
        layer=entry.layer,
        function=entry.function,
        file=frame.file if frame else None,
        line=frame.line if frame else None,
    )


def settings(recipe: Recipe) -> dict[str, Any]:
    """The converter attributes that the recipe sets, as it sets them."""
    known = ("optimizations", "supported_ops", "supported_types", "inference_input_type", "inference_output_type")
    chosen = {name: value for name in known if (value := getattr(recipe, name))}
    return {**chosen, **recipe.attributes, **({"representative_dataset": "calibration"} if recipe.calibrated else {})}


def _pass(ran: Pass) -> doc.PassRecord:
    before, after = Counter(ran.before), Counter(ran.after)
    dialects: Counter[str] = Counter()
    for name, count in after.items():
        dialects[name.partition(".")[0] if "." in name else "builtin"] += count
    return doc.PassRecord(
        name=ran.name,
        pipeline=ran.pipeline,
        failed=ran.failed,
        operators_before=before.total(),
        operators_after=after.total(),
        dialects=dict(dialects.most_common()),
        removed=dict((before - after).most_common()),
        added=dict((after - before).most_common()),
    )


def _relative(path: str | None, folder: Path) -> str | None:
    return None if path is None else Path(os.path.relpath(path, folder)).as_posix()


def _tail(log: str | None) -> str:
    """The log, or the whole lines at its end and how much there was before them."""
    if log is None or not Path(log).exists():
        return ""
    with Path(log).open("rb") as file:
        before = max(0, file.seek(0, os.SEEK_END) - LOG_TAIL)
        file.seek(before)
        if before:
            before += len(file.readline())
        text = file.read().decode(errors="replace").rstrip()
    return f"[{before:,} bytes before this]\n{text}" if before else text


def findings(subject: str, outcomes: Iterable[RuleOutcome]) -> list[doc.FindingRecord]:
    """Every finding of one subject, the worst first."""
    records = [
        doc.FindingRecord(
            rule=outcome.rule.code,
            name=outcome.rule.name,
            severity=finding.severity or outcome.rule.severity,
            confidence=outcome.rule.confidence,
            subject=subject,
            message=finding.message,
            cause=finding.cause,
            location=finding.location,
            evidence=list(finding.evidence),
            remedy=_remedy(finding),
            fingerprint=fingerprint(outcome.rule.code, Path(subject).name, finding),
        )
        for outcome in outcomes
        for finding in outcome.findings
    ]
    return sorted(records, key=lambda record: (record.severity.rank, record.rule))


def _remedy(finding: Finding) -> Remedy | None:
    """The finding's own, or the first of what is proposed: the conversion's record has them all."""
    first = next(iter(finding.proposals), None)
    return finding.remedy or (Remedy(first.title, first.how) if first else None)


def outcomes(subject: str, ended: Sequence[RuleOutcome]) -> list[doc.RuleOutcomeRecord]:
    """How each rule ended on one subject."""
    return [doc.RuleOutcomeRecord(o.rule.code, subject, o.status, o.reason, len(o.findings)) for o in ended]


def rules(asked: Iterable[Rule]) -> list[doc.RuleRecord]:
    """The rules as they are now, so that the report explains itself later."""
    return [doc.RuleRecord(r.code, r.name, r.severity, r.summary, r.documentation) for r in asked]


def source(description: SourceDescription, interface: Interface | None) -> doc.Source:
    """The model before conversion, with the signature that is evaluated."""
    return doc.Source(
        name=description.name,
        kind=description.kind,
        parameters=description.parameters,
        signature=interface.signature if interface else None,
        inputs=[doc.Port(p.name, p.dtype, list(p.shape)) for p in interface.inputs] if interface else [],
        outputs=[doc.Port(p.name, p.dtype, list(p.shape)) for p in interface.outputs] if interface else [],
        notes=list(description.notes),
    )


def data(
    work: Work, dataset: Dataset | None, calibration: str | None = None, summary: CalibrationSummary | None = None
) -> doc.Data:
    """What the models were calibrated and evaluated with; nothing where nothing was given."""
    notes = [*(dataset.notes if dataset else ()), *(summary.notes if summary else ())]
    if work.data and not dataset:
        notes.append(
            f"{work.data.text}: not used, since the inputs of the source cannot be told before it is converted"
        )
    return doc.Data(
        evaluation=work.data.text if work.data else None,
        samples=dataset.samples if dataset else 0,
        metric=work.metric.name if work.data else None,
        calibration=calibration,
        calibration_samples=summary.samples if summary else 0,
        notes=notes,
    )


def report(
    command: str,
    subjects: Sequence[Subject],
    *,
    folder: Path | None = None,
    started_from: doc.Source | None = None,
    measured_on: doc.Data | None = None,
    reference: Evaluation | None = None,
    remedies: Mapping[str, Sequence[doc.RemedyRecord]] | None = None,
) -> doc.Report:
    """The whole document.

    Args:
        folder: where it will be written, for relative paths; None for `check`.
        remedies: by recipe name.
    """
    tried = remedies or {}
    decided = verdict.decide([Candidate.of(s.name, s.facts, s.outcomes) for s in subjects], reference)
    conversions = [s.facts.conversion for s in subjects if s.facts.conversion]
    versions = {package: number for c in conversions for package, number in c.versions.items()}
    made = doc.Report(
        tool=tool(),
        created=now(),
        command=command,
        environment=environment(versions),
        verdict=msgspec.convert(decided, doc.Verdict, from_attributes=True),
        source=started_from,
        data=measured_on or doc.Data(),
        reference=evaluation(reference),
        conversions=[
            conversion(s.facts.conversion, s.outcomes, folder, tried.get(s.name, ()))
            for s in subjects
            if s.facts.conversion and folder
        ],
        models=[model(s.name, s.path, s.facts) for s in subjects if s.facts.model],
        findings=[finding for s in subjects for finding in findings(s.name, s.outcomes)],
        outcomes=[outcome for s in subjects for outcome in outcomes(s.name, s.outcomes)],
        rules=rules(registry.rules()),
    )
    return msgspec.structs.replace(made, verdict=failures.verdict(made))
