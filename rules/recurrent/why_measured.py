"""What the converter makes of a recurrent layer, setting by setting, as it was measured.

Each line of `FORMS` is a model of one layer over 6 steps of 3 features, batch 1, converted in float32 in a process of
its own, with Keras 3 and with tf_keras (`tests/rules/recurrent/test_why_measured.py` builds them again). An LSTM is
fused where tf_keras marks its function (`api_implements="lstm_..."`, tf_keras/src/layers/rnn/lstm.py), it takes no mask
and nothing reads the states that it returns (CheckFusableKerasLstm,
tensorflow/compiler/mlir/lite/transforms/prepare_composite_functions_tf.cc); Keras 3 marks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tflite_audit.analyzer.conversion.types import Precision
from tflite_audit.rules import places
from tflite_audit.rules.recurrent.forms import Form
from tflite_audit.rules.rule import Table

WITH: Mapping[str, str] = {"tensorflow": "2.21.0", "keras": "3.15.1", "tf_keras": "2.21.0"}
"""Package → version of what all of this was measured with."""

FAILS = "fails"
"""The conversion ends in an error."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of a layer with one setting other than usual.

    Attributes:
        setting: in words.
        tf_keras: its form; `FAILS` for no model; empty where there is no such layer.
        keras: likewise, of Keras 3.
        layer: class, or `RNN(LSTMCell)`.
    """

    setting: str
    tf_keras: str
    keras: str
    layer: str = "LSTM"


FORMS: tuple[Measured, ...] = (
    Measured("as it is", Form.FUSED, Form.LOOP),
    Measured("batch 4", Form.FUSED, Form.LOOP),
    Measured("free batch", FAILS, FAILS),
    Measured("free steps", Form.FUSED, Form.LOOP),
    Measured("return_sequences=True", Form.FUSED, Form.LOOP),
    Measured("go_backwards=True", Form.FUSED, Form.LOOP),
    Measured("time_major=True", Form.FUSED, ""),
    Measured("dropout=0.3", Form.FUSED, Form.LOOP),
    Measured("in a Bidirectional", Form.FUSED, Form.LOOP),
    Measured("in a TimeDistributed", Form.FUSED, Form.LOOP),
    Measured("initial state from an input", Form.FUSED, Form.LOOP),
    Measured("initial state of ones", Form.FUSED, Form.LOOP),
    Measured("return_state=True, states not read", Form.FUSED, Form.LOOP),
    Measured("return_state=True, hidden state read", Form.LOOP, Form.LOOP),
    Measured("return_state=True, cell state read", Form.LOOP, Form.LOOP),
    Measured("Masking", Form.LOOP, Form.LOOP),
    Measured("Embedding(mask_zero=True)", Form.LOOP, Form.LOOP),
    Measured("mask given by hand", Form.LOOP, Form.LOOP),
    Measured("activation='relu'", Form.LOOP, Form.LOOP),
    Measured("recurrent_activation='hard_sigmoid'", Form.LOOP, Form.LOOP),
    Measured("use_bias=False", Form.LOOP, Form.LOOP),
    Measured("recurrent_dropout=0.3", Form.LOOP, Form.LOOP),
    Measured("stateful=True", Form.LOOP, Form.LOOP),
    Measured("unroll=True", Form.UNROLLED, Form.UNROLLED),
    Measured("as it is", Form.LOOP, Form.LOOP, "GRU"),
    Measured("as it is", Form.LOOP, Form.LOOP, "SimpleRNN"),
    Measured("as it is", Form.LOOP, Form.LOOP, "ConvLSTM1D"),
    Measured("as it is", Form.LOOP, Form.LOOP, "ConvLSTM2D"),
    Measured("as it is", Form.LOOP, Form.LOOP, "RNN(LSTMCell)"),
    Measured("as it is", Form.LOOP, Form.LOOP, "RNN(two LSTMCells)"),
    Measured("as it is", Form.LOOP, Form.LOOP, "RNN(a cell of one's own)"),
)

CONVERTS, REFUSED, KILLED = "converts", "is refused", "kills the converter"


@dataclass(frozen=True, slots=True)
class Became:
    """What a recipe makes of a layer.

    Attributes:
        how: `CONVERTS`, `REFUSED` or `KILLED`.
        bytes: of the file; None where there is none.
        microseconds: the median call in LiteRT, one thread, processor time.
    """

    how: str
    bytes: int | None = None
    microseconds: int | None = None

    @property
    def cell(self) -> str:
        """In a table."""
        return self.how if self.bytes is None else f"{self.bytes:,} bytes, {self.microseconds} µs"


def _converts(size: int, microseconds: int) -> Became:
    return Became(CONVERTS, size, microseconds)


_KILLED, _REFUSED = Became(KILLED), Became(REFUSED)

BECAME: Mapping[Form, Mapping[Precision, Became]] = {
    Form.FUSED: {
        Precision.FLOAT32: _converts(49_012, 15),
        Precision.FLOAT16: _converts(27_064, 15),
        Precision.DYNAMIC: _converts(14_768, 14),
        Precision.INT8: _converts(15_584, 92),
        Precision.INT16X8: _REFUSED,
    },
    Form.LOOP: {
        Precision.FLOAT32: _converts(55_376, 25),
        Precision.FLOAT16: _converts(32_740, 27),
        Precision.DYNAMIC: _converts(24_752, 24),
        Precision.INT8: _KILLED,
        Precision.INT16X8: _KILLED,
    },
    Form.UNROLLED: {
        Precision.FLOAT32: _converts(67_676, 13),
        Precision.FLOAT16: _converts(44_776, 13),
        Precision.DYNAMIC: _converts(37_112, 12),
        Precision.INT8: _converts(49_640, 11),
        Precision.INT16X8: _converts(50_840, 69),
    },
}
"""Form → what each recipe makes of one LSTM of 40 units over 8 steps of 32 values, batch 1: docs/recurrent.md.

The fused one is of tf_keras, the others of Keras 3. What converts and what does not is so of every cell that was
measured in that form: LSTM, GRU, SimpleRNN, ConvLSTM2D, and in a loop a masked LSTM. Fused, 16x8 ends in `Quantization
to 16x8-bit not yet supported for op: 'UNIDIRECTIONAL_SEQUENCE_LSTM'`, and with float as the fallback in a file that no
interpreter prepares (`output_state != nullptr was not true`, LiteRT 2.3). In a loop, the calibrator ends in SIGSEGV.
"""

MASKED_UNROLLED: Mapping[Precision, Became] = {
    Precision.FLOAT32: _converts(71_744, 17),
    Precision.FLOAT16: _converts(48_904, 21),
    Precision.DYNAMIC: _converts(41_160, 15),
    Precision.INT8: _converts(56_480, 19),
    Precision.INT16X8: _REFUSED,
}
"""The same, unrolled behind a Masking layer: the quantizer has no 16x8 form of SELECT_V2, which chooses by the mask."""


LONGER: Mapping[Form, Mapping[Precision, Became]] = {
    Form.FUSED: {
        Precision.FLOAT32: _converts(49_008, 30),
        Precision.FLOAT16: _converts(27_060, 29),
        Precision.DYNAMIC: _converts(14_760, 12),
        Precision.INT8: _converts(15_880, 324),
        Precision.INT16X8: _REFUSED,
    },
    Form.LOOP: {
        Precision.FLOAT32: _converts(55_228, 72),
        Precision.FLOAT16: _converts(32_584, 75),
        Precision.DYNAMIC: _converts(24_600, 66),
        Precision.INT8: _KILLED,
        Precision.INT16X8: _KILLED,
    },
    Form.UNROLLED: {
        Precision.FLOAT32: _converts(118_724, 52),
        Precision.FLOAT16: _converts(95_904, 52),
        Precision.DYNAMIC: _converts(88_312, 42),
        Precision.INT8: _converts(145_504, 39),
        Precision.INT16X8: _converts(122_208, 247),
    },
}
"""The same LSTM over 28 steps; int8 with float inputs and outputs (tests/builders/recurrent_settings.py)."""


def versions() -> str:
    """What it was measured with, in words."""
    return f"measured with TensorFlow {WITH['tensorflow']}, Keras {WITH['keras']} and tf_keras {WITH['tf_keras']}"


def quantizes(form: Form) -> str:
    """What the form converts to besides float32, in a sentence; empty for one that was not measured.

    >>> quantizes(Form.LOOP)
    'float16 and dynamic convert; int8 and int16x8 kill the converter.'
    """
    clauses: list[str] = []
    for how, one, several in (
        (CONVERTS, "converts", "convert"),
        (KILLED, "kills the converter", "kill the converter"),
        (REFUSED, "is refused", "are refused"),
    ):
        found = BECAME.get(form, {}).items()
        names = [str(precision) for precision, became in found if became.how == how and precision != Precision.FLOAT32]
        if names:
            clauses.append(f"{places.enumerated(names)} {one if len(names) == 1 else several}")
    return f"{'; '.join(clauses)}." if clauses else ""


def table() -> Table:
    """What each form of a layer converts to, as evidence."""
    rows = [(f"{form}, {steps} steps", of[form]) for form in BECAME for steps, of in ((8, BECAME), (28, LONGER))]
    rows.append(("unrolled with a mask, 8 steps", MASKED_UNROLLED))
    return Table(
        title=f"An LSTM of 40 units in each form, bytes of the file and time of a call, {versions()}",
        columns=("form", *map(str, BECAME[Form.FUSED])),
        rows=tuple((name, *(became.cell for became in found.values())) for name, found in rows),
    )
