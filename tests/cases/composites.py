"""Conversions of sources with functions that say what they implement."""

from __future__ import annotations

from typing import Any

from tests.cases.case import FLOAT32
from tests.cases.models import Net
from tflite_audit.analyzer.conversion.types import (
    Composite,
    Conversion,
    ErrorEntry,
    Failure,
    Outcome,
    Pass,
    SourceGraph,
    Stage,
)
from tflite_audit.rules.engine import Facts

ARGUMENTS = (
    ("float32", (1, 12, 6)),
    ("float32", (1, 8)),
    ("float32", (1, 8)),
    ("float32", (6, 32)),
    ("float32", (8, 32)),
    ("float32", (32,)),
)
CELL = {"Sigmoid": 36, "Tanh": 24, "MatMul": 24, "AddV2": 36, "Mul": 36}


def lstm(**changes: Any) -> Composite:
    """With the interface of Keras's LSTM."""
    fields: dict[str, Any] = {
        "inputs": ARGUMENTS,
        "outputs": (("float32", None),) * 5,
        "operators": CELL,
        "attributes": {"time_major": False},
        "read": (1,),
        **changes,
    }
    return Composite(
        "decode", fields.pop("implements", "lstm_mine"), fields.pop("attribute", "api_implements"), **fields
    )


def named(implements: str, **changes: Any) -> Composite:
    """By `experimental_implements`."""
    return Composite("mine", implements, "_implements", **changes)


KERAS = lstm(implements="lstm_c4a96caa-8ad0-43c1-836b-5327aa10c838", nonzero=(3,))


def converted(*composites: Composite, made: int = 0, frozen: bool = False, operator: str = "RELU") -> Facts:
    """`made` LSTMs came of the functions; without composites the graph is not known."""
    net = Net()
    net.then(operator, net.act("x"))
    names = ["OPTIMIZE_TF_MODEL", "CONVERT_GRAPHDEF"] if frozen else ["CONVERT_SAVED_MODEL"]
    fused = {"tfl.unidirectional_sequence_lstm": made} if made else {}
    passes = (
        Pass("CanonicalizerPass", "module", {"tf.MatMul": 2}, {"tf.MatMul": 1}),
        *([Pass("PrepareCompositeFunctionsPass", "module", {"tf.Tanh": 2}, fused)] if made else []),
    )
    conversion = Conversion(
        FLOAT32,
        Outcome.CONVERTED,
        stages=tuple(Stage(name, 0.0, 1.0, True) for name in names),
        model="model.tflite",
        passes=passes,
        graph=SourceGraph((), 0, composites) if composites else None,
    )
    return Facts(net.model(), conversion)


def ended(*composites: Composite, signal: int | None = 11, subcomponent: str = "", stage: str = "") -> Facts:
    """Without a model: by a signal, or by an error."""
    error = ErrorEntry("UNKNOWN", "", subcomponent, None, "it failed", (), ())
    return Facts(
        conversion=Conversion(
            FLOAT32,
            Outcome.FAILED if signal is None else Outcome.CRASHED,
            "it ended",
            stages=(Stage(stage or "CONVERT_SAVED_MODEL", 0.0, 1.0, False),),
            failure=Failure("ConverterError", "it failed", (error,)) if signal is None else None,
            signal=signal,
            graph=SourceGraph((), 0, composites),
        )
    )
