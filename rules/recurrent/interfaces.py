"""What the converter fuses of a function that says what it implements: the names it knows, and its conditions.

Names and conditions are those of `PrepareCompositeFunctionsPass` (tensorflow/compiler/mlir/lite/transforms/
prepare_composite_functions_tf.cc; lstm_utils.cc, nms_utils.cc, perception_ops_utils.cc and tftext_utils.cc in
.../lite/utils). What R007, R009 and F307 say of LSTMs, embedding_matmul and custom operators was measured with
TensorFlow 2.21 (tests/rules/recurrent/test_composites.py).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from tflite_audit.analyzer.conversion.types import Composite, Conversion
from tflite_audit.analyzer.model.types import Model

CELL, LAYER_NORM_CELL = "LSTMCellSimple", "LayerNormalizedLstmCellSimple"
LSTM_PREFIXES = ("lstm_", "indy_lstm_")
FUSABLE = "tfl_fusable_op"


@dataclass(frozen=True, slots=True)
class Interface:
    """A function that the converter puts one operator in the place of.

    Attributes:
        names: of its value; the whole of it, or its beginning where `prefix`.
        attribute: of the function: `_implements`, which is `experimental_implements` of tf.function, or
            `api_implements`.
        structured: the value is a name with attributes (a NameAttrList) and not a mere string.
        operation: what the pass makes, in the compiler's words; `tfl.custom` for a custom operator.
        operator: what the file then has; empty where the function names it.
        arguments: how many it takes, in words for people.
    """

    names: tuple[str, ...]
    attribute: str
    operation: str
    operator: str
    arguments: str
    prefix: bool = False
    structured: bool = False

    def named(self, value: str) -> bool:
        """The value of the attribute is this interface's."""
        return value.startswith(self.names) if self.prefix else value in self.names


KERAS_LSTM = Interface(
    LSTM_PREFIXES,
    "api_implements",
    "tfl.unidirectional_sequence_lstm",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "sequence, state, cell state, kernel, recurrent kernel, bias",
    prefix=True,
)
CELLS = (
    Interface((CELL,), "_implements", "tfl.lstm", "LSTM", "input, weights, bias, projection"),
    Interface(
        (LAYER_NORM_CELL,), "_implements", "tfl.lstm", "LSTM", "input, weights, bias, projection, layer norm scale"
    ),
)
INTERFACES = (
    *CELLS,
    Interface(("embedding_matmul",), "_implements", "tfl.embedding_lookup", "EMBEDDING_LOOKUP", "table, indices"),
    Interface(
        ("non_max_suppression_padded_v2",),
        "_implements",
        "tfl.non_max_suppression_v4",
        "NON_MAX_SUPPRESSION_V4",
        "boxes, scores, size, IOU threshold, score threshold",
    ),
    Interface(("addons:DenseImageWarp",), "_implements", "tfl.custom", "DenseImageWarp", "image, flow"),
    Interface(
        ("addons:MaxUnpooling2D",), "_implements", "tfl.custom", "MaxUnpooling2D", "updates, mask", structured=True
    ),
    Interface(
        ("TFLite_Detection_PostProcess",),
        "_implements",
        "tfl.custom",
        "TFLite_Detection_PostProcess",
        "boxes, scores, anchors",
        structured=True,
    ),
    Interface(("tftext:",), "_implements", "tfl.custom", "", "those of the TF Text operator", True, True),
    KERAS_LSTM,
)

LSTM_CODE = """\
@tf.function(
    autograph=False,
    experimental_attributes={"api_implements": "lstm_mine", "time_major": False, "go_backwards": False},
)
def lstm(x, state, cell_state, kernel, recurrent_kernel, bias):
    ...
    return last_output, outputs, state, cell_state, tf.constant(0.0)
"""
"""A function with the interface of Keras's LSTM, to begin with."""

_KERAS_NAME = re.compile(r"(indy_)?(lstm|gru)_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def of_keras(composite: Composite) -> bool:
    """tf_keras's own LSTM or GRU, of which the rules on recurrent layers tell."""
    return composite.attribute == "api_implements" and bool(_KERAS_NAME.fullmatch(composite.implements))


def users(conversion: Conversion) -> tuple[Composite, ...]:
    """The composite functions that the user wrote."""
    graph = conversion.graph
    return () if graph is None else tuple(c for c in graph.composites if not of_keras(c))


def interface(composite: Composite) -> Interface | None:
    """The one that the converter takes the function for; None where it knows none of that name."""
    structured = _structured(composite)
    for known in INTERFACES:
        if known.attribute == composite.attribute and known.named(composite.implements):
            return known if known.structured == structured or composite.attribute == "api_implements" else None
    if composite.attribute == "_implements" and composite.attributes.get(FUSABLE) is True:
        return Interface((composite.implements,), "_implements", "tfl.custom", composite.implements, "any")
    return None


def is_lstm(composite: Composite) -> bool:
    """A function with the interface of Keras's LSTM, whoever wrote it."""
    return interface(composite) is KERAS_LSTM


def _structured(composite: Composite) -> bool:
    """`name: "..." attr {...}` is told by what it gives besides; an attribute list may be empty."""
    return bool(set(composite.attributes) - {"time_major", "go_backwards"})


def spelled_like(composite: Composite) -> str | None:
    """A name that the converter knows and that may have been meant."""
    known = {name.casefold(): name for each in INTERFACES for name in each.names if not each.prefix}
    value = composite.implements.partition(",")[0].casefold()
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.8)
    return known[close[0]] if close else None


def made(conversion: Conversion, model: Model, wanted: Interface) -> int:
    """How many functions became this interface's operator; how many operators there are, where only the file tells."""
    if conversion.passes and wanted.operation != "tfl.custom":
        ran = [p for p in conversion.passes if p.name == "PrepareCompositeFunctionsPass"]
        return sum(p.after.get(wanted.operation, 0) - p.before.get(wanted.operation, 0) for p in ran)
    return sum(
        op.name == wanted.operator if wanted.operator else op.name.startswith(wanted.names) for _, op in model.operators
    )


def are_inlined(conversion: Conversion) -> bool:
    """The converter was given a frozen graph, into which TensorFlow's optimizer has written what the functions do."""
    ended = {stage.name for stage in conversion.stages if stage.ended}
    return "CONVERT_GRAPHDEF" in ended and "CONVERT_SAVED_MODEL" not in ended
