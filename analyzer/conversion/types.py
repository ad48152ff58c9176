"""What a conversion was asked, what it did, and how it ended, as frozen facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """The converter settings of one conversion, by the names that `tf.lite.TFLiteConverter` uses.

    Attributes:
        name: folder name and row of the report.
        title: one line for people.
        optimizations: names of `tf.lite.Optimize`, such as `DEFAULT`.
        supported_ops: names of `tf.lite.OpsSet`; empty leaves the converter's own default.
        supported_types: dtype names, such as `float16`.
        inference_input_type: dtype name; None leaves the converter's own default (float32).
        inference_output_type: likewise.
        calibrated: the conversion is given the calibration set.
        attributes: any other converter attribute, set as given.
    """

    name: str
    title: str = ""
    optimizations: tuple[str, ...] = ()
    supported_ops: tuple[str, ...] = ()
    supported_types: tuple[str, ...] = ()
    inference_input_type: str | None = None
    inference_output_type: str | None = None
    calibrated: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def precision(self) -> Precision:
        """What the recipe asks the operators to be computed in."""
        if any("ACTIVATIONS_INT16" in ops for ops in self.supported_ops):
            return Precision.INT16X8
        if self.supported_types == ("float16",):
            return Precision.FLOAT16
        if not self.optimizations or self.optimizations == ("EXPERIMENTAL_SPARSITY",):
            return Precision.FLOAT32
        return Precision.INT8 if self.calibrated else Precision.DYNAMIC

    @property
    def float_fallback(self) -> bool:
        """Operators without a quantized form may stay float (as documented for `tf.lite.OpsSet`)."""
        strict = {"TFLITE_BUILTINS_INT8", "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"}
        return not self.supported_ops or bool(set(self.supported_ops) - strict)


class Precision(StrEnum):
    """The arithmetic that a recipe asks for."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    DYNAMIC = "dynamic"
    INT8 = "int8"
    INT16X8 = "int16x8"

    @property
    def is_integer(self) -> bool:
        """Activations are to be integers."""
        return self in (Precision.INT8, Precision.INT16X8)


class Outcome(StrEnum):
    """How a conversion ended; the same words stand in report.json."""

    CONVERTED = "converted"
    CANNOT_RUN = "cannot_run"
    REFUSED = "refused"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the converter's Python side, or one of the recorder's own (`export`, `write`).

    Attributes:
        name: such as `FREEZE_KERAS_MODEL`, `CALIBRATE`: tensorflow.lite.python.convert_phase names where it has one.
        start: seconds since the conversion began.
        seconds: how long it took; until the end of the process for one that did not end.
        ended: False for the stage that an exception or the death of the process cut off.
    """

    name: str
    start: float
    seconds: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Pass:
    """A compiler pass that changed the module.

    Attributes:
        name: the pass's class or argument, such as `PrepareQuantizePass`.
        pipeline: the function or module it ran on, as printed.
        before: operator name with dialect (`tf.Conv2D`, `tfl.conv_2d`, `arith.constant`) → count, before the pass.
        after: likewise, after it.
        failed: the compiler reported that this pass failed; `after` is then the module as it was printed last.
    """

    name: str
    pipeline: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of Python source."""

    file: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One `ConverterErrorData` of a ConverterError (tensorflow/compiler/mlir/lite/metrics/converter_error_data.proto).

    Attributes:
        code: such as `ERROR_NEEDS_FLEX_OPS`; `UNKNOWN` where the converter names none.
        subcomponent: the Python stage or the compiler pass that failed.
        operator: such as `tf.BesselI0`; None where the converter names none.
        names: operator and function names of the location, innermost first.
        frames: source lines of the location, innermost first; those of TensorFlow, Keras and this package left out.
        layer: the Keras layer whose name scope the location lies in.
        function: the `tf.function` it lies in, as the user named it.
    """

    code: str
    component: str
    subcomponent: str
    operator: str | None
    message: str
    names: tuple[str, ...]
    frames: tuple[Frame, ...]
    layer: str | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended a conversion.

    Attributes:
        kind: the exception's qualified class name, such as `RuntimeError`.
        message: its text, whole.
        errors: what the converter reported as data; empty for exceptions that carry none.
        traceback: innermost last; for the log, never for a user's terminal.
        layer: the innermost Keras layer that was being called when it was raised.
    """

    kind: str
    message: str
    errors: tuple[ErrorEntry, ...] = ()
    traceback: tuple[Frame, ...] = ()
    layer: str | None = None

    @property
    def blamed(self) -> tuple[ErrorEntry, ...]:
        """The errors that name an operator and a place in the model; all of them where none does.

        The compiler puts a summary in front, with an operator that is not to blame (`tf.Const`) and no place.
        """
        return tuple(e for e in self.errors if e.operator and (e.names or e.frames)) or self.errors


@dataclass(frozen=True, slots=True)
class Operand:
    """What an operator of the source model's graph takes.

    Attributes:
        dtype: such as `float32`; empty where the node does not say.
        constant: it is made of constants and variables alone, so that the converter computes it.
        source: name of the node of the same graph or function that makes it, or of the function's argument.
        value: of a single real number that stands in the graph; None for everything else.
    """

    dtype: str
    constant: bool
    source: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class SourceOperator:
    """An operator of the source model's graph, as TensorFlow has it before any pass of the converter.

    Attributes:
        op: TensorFlow's name without dialect, such as `CombinedNonMaxSuppression`.
        name: of the node.
        function: the `tf.function` it lies in, as the user named it; None for the graph's own level.
        layer: the Keras layer whose name scope it lies in.
        frames: source lines, innermost first, those of TensorFlow, Keras and this package left out; often none.
        dtypes: of its outputs, such as `float32`, as far as the node says.
        operands: what it takes; () where that is not known.
        folded: the converter computes it from constants and variables, and none is left in the model.
        looped: it lies in the body or the condition of a loop.
    """

    op: str
    name: str
    function: str | None = None
    layer: str | None = None
    frames: tuple[Frame, ...] = ()
    dtypes: tuple[str, ...] = ()
    operands: tuple[Operand, ...] = ()
    folded: bool = False
    looped: bool = False


@dataclass(frozen=True, slots=True)
class Composite:
    """A function of the source model that says what it implements, for the converter to put one operator in its place.

    Attributes:
        name: of the function, as the user named it.
        implements: the value of its attribute, such as `LSTMCellSimple` or `lstm_b1946a-...` of Keras; the name alone
            where the attribute is a name with attributes.
        attribute: `_implements` (`experimental_implements` of `tf.function`) or `api_implements`, as the FunctionDef
            has it.
        called: how often the graph calls it.
        inputs: dtype and shape of each argument, as far as the function says; None for a free shape.
        outputs: likewise.
        operators: TensorFlow operator → how many the function holds.
        attributes: what is given besides: with the name, such as `tfl_fusable_op`, or as attributes of the function
            (`time_major`, `go_backwards`); booleans and numbers as they are, all else as text.
        read: indices of the outputs that anything reads, at any call.
        nonzero: indices of the arguments that are, at any call, a constant of the graph with an element that is not 0.
    """

    name: str
    implements: str
    attribute: str
    called: int = 1
    inputs: tuple[tuple[str, tuple[int, ...] | None], ...] = ()
    outputs: tuple[tuple[str, tuple[int, ...] | None], ...] = ()
    operators: Mapping[str, int] = field(default_factory=dict[str, int])
    attributes: Mapping[str, bool | int | float | str] = field(default_factory=dict[str, bool | int | float | str])
    read: tuple[int, ...] = ()
    nonzero: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceGraph:
    """The operators that the converter was given, functions included, each once wherever it is called from.

    Attributes:
        bytes: of constants and variables together.
        composites: functions that say what they implement, each once.
    """

    operators: tuple[SourceOperator, ...]
    bytes: int = 0
    composites: tuple[Composite, ...] = ()

    def of(self, *ops: str) -> tuple[SourceOperator, ...]:
        """The operators of these names."""
        return tuple(operator for operator in self.operators if operator.op in ops)


@dataclass(frozen=True, slots=True)
class CalibrationProblem:
    """What is wrong with a calibration set, found before the converter saw it.

    Attributes:
        kind: `missing`, `wrong_type`, `wrong_names`, `missing_input`, `wrong_shape`, `wrong_order`, `empty`,
            `non_finite`, `constant`, `unreadable` (samples of a form that the converter does not take, a file that
            is none) or `failed` (the function that yields it raised).
        message: one line: what, where.
        input: name of the input concerned.
        sample: number of the first sample concerned.
        given: dtype and shape, or names, as they were given.
        expected: what the model takes.
        fatal: the converter would fail; otherwise it would convert to something that means little. Of `missing`: the
            user asked for this recipe by name.
    """

    kind: str
    message: str
    input: str | None = None
    sample: int | None = None
    given: str = ""
    expected: str = ""
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class RecipeProblem:
    """A recipe that contradicts itself, or a setting of it that the converter ignores; found before converting.

    Attributes:
        kind: such as `integer_io_without_quantization`; rules/conversion has a rule for each.
        message: one line.
        settings: names of the settings concerned.
        fatal: the converter refuses it; otherwise it converts, passes over some of these settings, and does not say so.
    """

    kind: str
    message: str
    settings: tuple[str, ...] = ()
    fatal: bool = True


class Rebuild(StrEnum):
    """A way to build a Keras model anew from its own layers and weights."""

    TF_KERAS = "tf_keras"
    UNROLL = "unroll"
    STEP = "step"
    """One step a call, each state an input and an output, instead of whole sequences."""


@dataclass(frozen=True, slots=True)
class SourceChange:
    """What is changed in a source model before it is converted; nothing by default.

    Attributes:
        shapes: input name → its shape without any free dimension.
        batch: the free first dimension of every input that `shapes` does not name becomes this.
        rebuild: in this order.
    """

    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    batch: int | None = None
    rebuild: tuple[Rebuild, ...] = ()

    def then(self, other: SourceChange) -> SourceChange:
        """Both; where they disagree, the other."""
        named = {**dict(self.shapes), **dict(other.shapes)}
        rebuild = (*self.rebuild, *(r for r in other.rebuild if r not in self.rebuild))
        return SourceChange(tuple(named.items()), self.batch if other.batch is None else other.batch, rebuild)


UNCHANGED = SourceChange()


@dataclass(frozen=True)
class Change:
    """What can be changed in a conversion without its user: settings, source, calibration.

    Attributes:
        recipe: instead of the one that failed; None keeps it.
        source: what is changed in the model.
        repair_calibration: samples are cast, named, reshaped or left out as the model's inputs need it.
    """

    recipe: Recipe | None = None
    source: SourceChange = UNCHANGED
    repair_calibration: bool = False

    def then(self, other: Change) -> Change:
        """Both; where they disagree, the other."""
        return Change(
            other.recipe or self.recipe,
            self.source.then(other.source),
            self.repair_calibration or other.repair_calibration,
        )


@dataclass(frozen=True, slots=True)
class SourceRecurrent:
    """A recurrent layer of the Keras model that was converted, as it is when the converter gets it.

    Attributes:
        name: of the layer; the forward and the backward layer of a Bidirectional stand by themselves.
        kind: class, such as `LSTM`, `GRU`, `SimpleRNN`, `ConvLSTM2D`, `RNN`.
        package: `keras` (Keras 3) or `tf_keras` (Keras 2).
        cells: class of each cell, in their order; `module.Class` for one that is not Keras's own.
        inside: names of the layers around it, outermost first, such as a Bidirectional or a model in the model.
        units: of each cell.
        batch: size of the first dimension of what it is called with; None where it is free, or not known.
        steps: likewise, of the time dimension.
        activation: name, such as `tanh`; empty for a cell that has none.
        recurrent_activation: likewise.
        masked: what it is called with carries a mask (Masking, Embedding with mask_zero, or one given by hand); None
            where that is not known.
        state_given: it is called with an initial state; None where that is not known.
        state_nonzero: which is a constant, and not zero.
        state_used: one of the states that it returns is read, or is an output of the model; None where that is not
            known.
        cell_state_used: likewise, of an LSTM's cell state.
        merge_mode: of the Bidirectional that it is a direction of; empty for any other layer.
        in_graph: it is called in the graph of layers that Keras keeps of the model, or of a model in it; not by another
            layer's code.
        annotated: its function carries the annotation by which the converter fuses it (tf_keras's standard LSTM); None
            where that is not known.
    """

    name: str
    kind: str
    package: str
    cells: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    units: tuple[int, ...] = ()
    batch: int | None = None
    steps: int | None = None
    activation: str = ""
    recurrent_activation: str = ""
    use_bias: bool = True
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    unroll: bool = False
    stateful: bool = False
    time_major: bool = False
    go_backwards: bool = False
    return_sequences: bool = False
    return_state: bool = False
    masked: bool | None = False
    state_given: bool | None = False
    state_nonzero: bool = False
    state_used: bool | None = False
    cell_state_used: bool | None = False
    merge_mode: str = ""
    in_graph: bool = True
    annotated: bool | None = None

    @property
    def path(self) -> str:
        """Its name after those of the layers around it: `encoder/bidirectional/forward_lstm`."""
        return "/".join((*self.inside, self.name))


@dataclass(frozen=True)
class Conversion:
    """One recipe's conversion, whatever became of it.

    Attributes:
        model: path of the `.tflite`; None unless it was converted.
        reason: one line in plain words for every outcome but `converted`; empty for that.
        signal: number of the signal that killed the process.
        seconds: wall time from the first call of the converter to its end.
        peak_memory: the process's largest resident size, bytes; None where it could not be measured.
        log: path of everything it printed, IR dumps left out.
        versions: package → version of what converted it.
        calibration: the calibration set that was given, as the user wrote it; None where there was none.
        notes: what the user should know although it converted: arrays that were cast, weights that are not the same.
        ir: path of the module as it was printed last before a failure (MLIR, weights left out); None otherwise.
        excerpt: its lines around the operators that are to blame.
        source_kind: what was converted, such as `Keras 3 model`; empty where it was never loaded.
        signatures: of the source; empty where they cannot be told before it is converted.
        sample_shapes: input name → shape of a calibration sample.
        graph: the source model's operators; None where the conversion ended before it had a graph.
        calibration_problem: what is wrong with the calibration set; None for a good one, or none.
        recipe_problems: what is wrong with the recipe itself.
        recurrent: the recurrent layers of the source, in the order in which they are called; () for a model without
            any, None where it is not a Keras model whose layers are known.
    """

    recipe: Recipe
    outcome: Outcome
    reason: str = ""
    model: str | None = None
    stages: tuple[Stage, ...] = ()
    passes: tuple[Pass, ...] = ()
    failure: Failure | None = None
    signal: int | None = None
    seconds: float = 0.0
    peak_memory: int | None = None
    log: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    calibration: str | None = None
    notes: tuple[str, ...] = ()
    ir: str | None = None
    excerpt: str = ""
    source_kind: str = ""
    signatures: tuple[SignatureSpec, ...] = ()
    sample_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    graph: SourceGraph | None = None
    calibration_problem: CalibrationProblem | None = None
    recipe_problems: tuple[RecipeProblem, ...] = ()
    recurrent: tuple[SourceRecurrent, ...] | None = None

    @property
    def stage(self) -> str | None:
        """The innermost stage that did not end; None for a conversion that came to its end."""
        return next((stage.name for stage in reversed(self.stages) if not stage.ended), None)

    @property
    def failed_pass(self) -> str | None:
        """The compiler pass that failed, where the compiler named one."""
        return next((p.name for p in self.passes if p.failed), None)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a source model's signature.

    Attributes:
        dtype: such as `float32`.
        shape: -1 for a free dimension; None when even the number of dimensions is free.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class SignatureSpec:
    """A signature of the source model, named as in the converted file."""

    key: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The model that conversions start from.

    Attributes:
        name: as the user gave it.
        kind: in words, such as `Keras 3 model`.
        parameters: values in its variables, non-trainable ones included.
        versions: package → version of what loaded it.
        notes: what the user should know about how it was read.
        recurrent: its recurrent layers (`Conversion.recurrent`).
    """

    name: str
    kind: str
    signatures: tuple[SignatureSpec, ...]
    parameters: int
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    recurrent: tuple[SourceRecurrent, ...] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Something began or ended while a source was loaded or converted.

    Attributes:
        subject: the recipe's name, `source` or `calibration`.
        stage: such as `CALIBRATE`.
    """

    subject: str
    stage: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The source model's own answers to data.

    Attributes:
        outputs: path of an `.npz` with the outputs by name, samples first, floats as float32; None unless it answered.
        reason: one line for everything but answers; empty then.
        signature: key of the signature that answered.
        seconds: in the model, data loading left out.
        batch: samples a call.
        runtime: what ran it, such as `tensorflow 2.21.0`.
    """

    outputs: str | None
    reason: str = ""
    signature: str | None = None
    samples: int = 0
    seconds: float = 0.0
    batch: int = 1
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class Repetition:
    """What one of several conversions with the same recipe gave.

    Attributes:
        bytes, sha256: of the model; None where there is none.
        operators: name → how many the model has.
        float_operators: likewise, those that compute in float.
    """

    outcome: Outcome
    reason: str = ""
    bytes: int | None = None
    sha256: str | None = None
    operators: Mapping[str, int] = field(default_factory=dict[str, int])
    float_operators: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Repeats:
    """The same conversion more than once, each time in a fresh process.

    Attributes:
        each: in the order made; the model of the first is the one that was kept.
    """

    each: tuple[Repetition, ...]
