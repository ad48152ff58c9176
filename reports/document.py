"""The report document: the one versioned contract between an audit and everything that shows it.

`report.json` is this document; every renderer reads just this. Sizes are bytes, times seconds, paths relative to the
folder of the report. A field that is null was not measured or does not apply; the field beside it says which.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from tflite_audit.rules.rule import Confidence, Evidence, Location, Remedy, Severity, Status

FORMAT = "tflite-audit-report"
VERSION = "1.3"
"""Major: readers of the old document would misread the new one. Minor: fields were added."""


class Tool(Struct, frozen=True):
    """What wrote the report."""

    name: str
    version: str


class Environment(Struct, frozen=True):
    """The machine that measured the figures."""

    python: str
    platform: str
    processor: str
    cores: int
    packages: dict[str, str]


class Port(Struct, frozen=True):
    """An input or output of a signature; -1 is a free dimension."""

    name: str
    dtype: str
    shape: list[int]


class Source(Struct, frozen=True):
    """The model before conversion.

    Attributes:
        name: as the user gave it.
        kind: in words, such as `Keras 3 model`.
        parameters: values in its variables.
        notes: what the reader should know about how it was loaded.
    """

    name: str
    kind: str
    signature: str | None = None
    inputs: list[Port] = []
    outputs: list[Port] = []
    parameters: int | None = None
    notes: list[str] = []


class Data(Struct, frozen=True):
    """What the models were calibrated and evaluated with; null where nothing was given."""

    evaluation: str | None = None
    samples: int = 0
    metric: str | None = None
    calibration: str | None = None
    calibration_samples: int = 0
    notes: list[str] = []


class EvaluationRecord(Struct, frozen=True):
    """See `analyzer.evaluation.types.Evaluation`."""

    outcome: str
    reason: str
    signature: str | None
    metric: str
    lower_is_better: bool
    value: float | None
    correct: int | None
    samples: int
    agreement: float | None
    non_finite: int
    seconds: float
    batch: int
    runtime: str
    output: str | None = None
    lost: int | None = None
    gained: int | None = None
    max_difference: float | None = None
    mean_difference: float | None = None


class StageRecord(Struct, frozen=True):
    """See `analyzer.conversion.types.Stage`."""

    name: str
    start: float
    seconds: float
    ended: bool


class PassRecord(Struct, frozen=True):
    """A compiler pass: what it took away and what it brought, operator → count."""

    name: str
    pipeline: str
    failed: bool
    operators_before: int
    operators_after: int
    dialects: dict[str, int]
    removed: dict[str, int]
    added: dict[str, int]


class SourceLine(Struct, frozen=True):
    """A line of the user's own code."""

    file: str
    line: int


class Cause(Struct, frozen=True):
    """Why a conversion failed, as a rule states it."""

    rule: str
    name: str
    sentence: str


class RemedyRecord(Struct, frozen=True):
    """A change that may cure a failed conversion.

    Attributes:
        how: code or a recipe file to paste.
        cost: what it is known to cost without trying; a sentence, or empty.
        tried: it was converted; nothing below is known otherwise, and `reason` says why it was not.
        works: it converted, and what came out runs with finite answers; null where it was not tried.
        outcome: of the conversion that was tried, by the words of `ConversionRecord.outcome`.
        reason: why it was not tried, does not work, or was not compared; empty for one that works and was compared.
        seconds: of the conversion that was tried.
        model: path of the model that came of it.
        operators, float_operators: of the main graph and all others.
        samples: how many were compared with the source model's answers; 0 where it could not be run.
        difference: largest absolute difference of an output from the source model's.
        relative_difference: the same as a share of that output's range.
        compared_on: `calibration data` or `generated inputs`; empty where nothing was compared.
        call_seconds: of one call of the model, on this machine.
        calls: of the model for one of the source: as many as there are steps, where it takes one a call.
    """

    title: str
    how: str
    cost: str = ""
    tried: bool = False
    works: bool | None = None
    outcome: str | None = None
    reason: str = ""
    seconds: float | None = None
    model: str | None = None
    bytes: int | None = None
    operators: int | None = None
    float_operators: int | None = None
    samples: int = 0
    difference: float | None = None
    relative_difference: float | None = None
    compared_on: str = ""
    call_seconds: float | None = None
    calls: int = 1


class ConversionRecord(Struct, frozen=True, rename={"pass_": "pass"}):
    """One recipe's conversion.

    Attributes:
        outcome: converted, cannot_run, refused, failed, crashed, timed_out or out_of_memory.
        stage: where it ended, unless it converted.
        pass_: the compiler pass that failed, where the compiler named one.
        operators: the operators to blame, as the cause names them; those that the converter named where there is none.
        layer, function: that they lie in.
        source: the line of the user's code that made them.
        error: the exception's class and text.
        cause: null where none is established.
        excerpt: the compiler's module as it was printed last, around the operators to blame.
        ir: path of that whole module.
        log_tail: what it printed, of a long log the end.
    """

    recipe: str
    title: str
    settings: dict[str, Any]
    outcome: str
    reason: str
    stage: str | None
    pass_: str | None
    operators: list[str]
    layer: str | None
    source: SourceLine | None
    error: str | None
    signal: int | None
    seconds: float
    peak_memory: int | None
    stages: list[StageRecord]
    passes: list[PassRecord]
    model: str | None
    log: str | None
    log_tail: str
    versions: dict[str, str]
    notes: list[str] = []
    function: str | None = None
    cause: Cause | None = None
    remedies: list[RemedyRecord] = []
    excerpt: str = ""
    ir: str | None = None


class OperatorRecord(Struct, frozen=True, array_like=True):
    """A row of the operator table; an array in JSON, in this order, to keep large models small.

    Attributes:
        precision: `float32`, `float16`, `int8`, `uint8`, `int16`, `hybrid` (float with integer weights), `boundary`
            (QUANTIZE and DEQUANTIZE between float and integer) or `other`.
        inputs, outputs: such as `int8[1,28,28,1]`; `?` is a free dimension.
    """

    subgraph: int
    index: int
    name: str
    version: int
    precision: str
    layer: str | None
    source: str | None
    inputs: list[str]
    outputs: list[str]


class SignatureRecord(Struct, frozen=True):
    """Names by which a caller gives inputs and takes outputs."""

    key: str
    inputs: list[Port]
    outputs: list[Port]


class FloatPartRecord(Struct, frozen=True):
    """A group of connected float operators; see `rules.quantization.islands.Island`.

    Attributes:
        position: such as `between integer operators`.
        operators: indices in the subgraph, in execution order.
        names: operator → how many of them.
        causes: in a few words each; empty where none is established.
        because: the facts that show them, a sentence each.
        dequantize, quantize: how many such operators stand at its border.
        moved: bytes that these read and write in one call.
        macs_share: share of the model's multiply-accumulates; null where it has none.
        seconds: of one call of this part alone; null where it was not measured.
        time_share: share of the time of one call of the model.
        cure: what to change, in a few words; empty where nothing is known.
    """

    subgraph: int
    position: str
    operators: list[int]
    names: dict[str, int]
    layers: list[str]
    causes: list[str]
    because: list[str]
    dequantize: int
    quantize: int
    moved: int
    macs: int
    macs_share: float | None = None
    seconds: float | None = None
    time_share: float | None = None
    cure: str = ""


class RuntimeRecord(Struct, frozen=True):
    """A runtime that people ship, in its newest release, by the builtin operators alone.

    Attributes:
        lacks: operators of the model that it does not have; null where that is not known.
    """

    name: str
    version: str
    lacks: list[str] | None


class NeedsRecord(Struct, frozen=True):
    """What the model's builtin operators ask of a runtime, operator codes that no operator uses left out.

    Attributes:
        runtime: the oldest TensorFlow Lite that has them all; null where one of them is in none that is known.
        deciding: the operators that need it, or that none is known for.
        as_of: when the releases of `runtimes` were the newest, such as `November 2026`.
    """

    runtime: str | None
    deciding: list[str]
    runtimes: list[RuntimeRecord]
    as_of: str


class ModelRecord(Struct, frozen=True):
    """A `.tflite` file.

    Attributes:
        name: the recipe's, or the file's as the user gave it.
        precisions: operator precision → number of operators.
        constants: dtype → bytes of constant data.
        kind: what the whole model is: `int8`, `dynamic range` ...
        traits: what else it is, such as `trained for quantization` or `80 % of the weights are zero`.
        float_parts: every group of float operators, in execution order.
        timing: how the seconds of the float parts were measured; empty where they were not.
        macs: multiply-accumulates of one call, loops counted once.
        subgraphs: their names, by index.
        min_runtime_version: what the file states.
        needs: what its operators need; null where it has no builtin ones.
    """

    name: str
    path: str
    bytes: int
    sha256: str
    description: str
    schema_version: int
    min_runtime_version: str | None
    signatures: list[SignatureRecord]
    operator_counts: dict[str, int]
    precisions: dict[str, int]
    constants: dict[str, int]
    operators: list[OperatorRecord]
    evaluation: EvaluationRecord | None
    kind: str = ""
    traits: list[str] = []
    float_parts: list[FloatPartRecord] = []
    timing: str = ""
    macs: int = 0
    subgraphs: list[str] = []
    needs: NeedsRecord | None = None


class FindingRecord(Struct, frozen=True):
    """A finding.

    Attributes:
        subject: name of the model or recipe it is about.
        cause: null is shown as "cause not established".
    """

    rule: str
    name: str
    severity: Severity
    confidence: Confidence
    subject: str
    message: str
    cause: str | None
    location: Location
    evidence: list[Evidence]
    remedy: Remedy | None
    fingerprint: str


class RuleOutcomeRecord(Struct, frozen=True):
    """How a rule ended on one subject; `reason` says why it was not run, not applicable or in error."""

    rule: str
    subject: str
    status: Status
    reason: str
    findings: int


class RuleRecord(Struct, frozen=True):
    """A rule as it was when the report was made."""

    code: str
    name: str
    severity: Severity
    summary: str
    documentation: str


class StepPortRecord(Struct, frozen=True):
    """An input or output of a model of one step that is no state.

    Attributes:
        per: `step`, `sequence` (an input that is the same at every step) or `end` (an output that the source model has
            only after the last step).
    """

    name: str
    dtype: str
    shape: list[int]
    per: str


class StepStateRecord(Struct, frozen=True):
    """A state of a model of one step: what `output` gives is what `input` takes at the next step.

    Attributes:
        layer: of the source model.
        first: what it begins with: `zeros`, `initial_state.npz`, or the source model's input of that name.
    """

    input: str
    output: str
    layer: str
    dtype: str
    shape: list[int]
    first: str


class ExactnessRecord(Struct, frozen=True):
    """How far the float step model, in Keras, is from the source model; `relative` is a share of the output's range."""

    output: str
    difference: float
    relative: float
    answers: int


class DriftRecord(Struct, frozen=True):
    """Differences of one output, or state, of a converted step model; shares of its range.

    Attributes:
        state: it is a state, which is compared with the float step model's.
        spread: the range.
        first, last: the largest after the first step, and after the last of a sample.
        beyond: the largest in the steps after that, of sequences that go on; null where none do.
        each: the largest after each step.
        known: how many of the `answers` compared were compared with the source model's own; the others with those of
            the float step model.
    """

    name: str
    state: bool
    spread: float
    largest: float
    mean: float
    usual: float
    first: float
    last: float
    beyond: float | None
    each: list[float]
    known: int
    answers: int


class StateScaleRecord(Struct, frozen=True):
    """Scale and zero point of a state where it goes in and where it comes out; null where it is no integer there."""

    state: str
    read: tuple[float, int] | None
    written: tuple[float, int] | None


class SteppedRecord(Struct, frozen=True):
    """What a recipe's step model did over the sequences.

    Attributes:
        reason: why it was not compared; empty where it was.
        call_seconds: of one step, with setting the inputs and getting the outputs; the mean.
    """

    recipe: str
    reason: str = ""
    call_seconds: float | None = None
    runtime: str = ""
    drifts: list[DriftRecord] = []
    scales: list[StateScaleRecord] = []


class WayRecord(Struct, frozen=True):
    """One way to convert the recurrent layers, with one recipe.

    Attributes:
        outcome: by the words of `ConversionRecord.outcome`; null where it was not tried, and `reason` says why.
        works: it runs, and its answers were compared and are the source model's.
        forms: what became of the recurrent layers: `fused`, `loop`, `unrolled`, `one step`, with their number.
        call_seconds: of one call.
        calls: for what the source model does in one.
        relative_difference: largest difference from the source model's answers, as a share of the output's range.
        compared_on: see `RemedyRecord`.
    """

    way: str
    recipe: str
    outcome: str | None
    works: bool
    reason: str = ""
    forms: str = ""
    operators: int | None = None
    float_operators: int | None = None
    bytes: int | None = None
    call_seconds: float | None = None
    calls: int = 1
    relative_difference: float | None = None
    compared_on: str = ""


class Streaming(Struct, frozen=True):
    """A recurrent model as a model of one step.

    Attributes:
        layers: name and class of the recurrent layers.
        steps: of the source model's sequences; null where any number goes.
        sequences: that models were compared on.
        length: how many steps they have.
        longest: how many have those that go on beyond.
        made_up: the sequences are random numbers.
        calibration_samples: single steps, taken from `calibration_sequences`.
    """

    layers: list[tuple[str, str]]
    inputs: list[StepPortRecord]
    outputs: list[StepPortRecord]
    states: list[StepStateRecord]
    steps: int | None
    sequences: int
    length: int
    longest: int
    made_up: bool
    calibration_sequences: int
    calibration_samples: int
    exact: list[ExactnessRecord]
    recipes: list[SteppedRecord]
    ways: list[WayRecord] = []


class Pick(Struct, frozen=True):
    """A variant to ship, for a purpose."""

    purpose: str
    name: str
    why: str


class Other(Struct, frozen=True):
    """A variant that is not picked, and why it is worse."""

    name: str
    why: str


class Verdict(Struct, frozen=True):
    """What to do, in words.

    Attributes:
        status: `good` ship it; `caution` look at the findings first; `bad` nothing here should be shipped as it is.
    """

    status: Literal["good", "caution", "bad"]
    headline: str
    detail: str = ""
    picks: list[Pick] = []
    others: list[Other] = []


class Report(Struct, frozen=True, kw_only=True):
    """The whole document."""

    format: Literal["tflite-audit-report"] = FORMAT
    version: str = VERSION
    tool: Tool
    created: str
    command: str
    environment: Environment
    verdict: Verdict
    source: Source | None = None
    data: Data = Data()
    reference: EvaluationRecord | None = None
    conversions: list[ConversionRecord] = []
    models: list[ModelRecord] = []
    findings: list[FindingRecord] = []
    outcomes: list[RuleOutcomeRecord] = []
    rules: list[RuleRecord] = []
    streaming: Streaming | None = None


def encode(report: Report) -> bytes:
    """The document as UTF-8 JSON; what is not finite becomes null, half a surrogate pair its escape."""
    try:
        data = msgspec.json.encode(report)
    except UnicodeEncodeError:  # a name that is no text, from a file system or a damaged model
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(report)))
    return msgspec.json.format(data, indent=1)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value)
        return {_encodable(key): _encodable(item) for key, item in items.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in cast("list[Any]", value)]
    return value


def decode(data: bytes) -> Report:
    """Read a document.

    Raises:
        msgspec.ValidationError: it is not a report, or one of another major version.
    """
    report = msgspec.json.decode(data, type=Report)
    if report.version.split(".")[0] != VERSION.split(".")[0]:
        raise msgspec.ValidationError(f"report version {report.version} is not readable by version {VERSION}")
    return report


def schema() -> dict[str, Any]:
    """The document's JSON Schema (draft 2020-12), which is shipped as `report.schema.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Report)}


SCHEMA = Path(__file__).with_name("report.schema.json")


if __name__ == "__main__":  # python -m tflite_audit.reports.document writes the schema anew
    SCHEMA.write_text(json.dumps(schema(), indent=1, ensure_ascii=False) + "\n", "utf-8")
