"""R009."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Composite, Conversion
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import interfaces
from tflite_audit.rules.rule import Finding, Location, NotApplicable, Remedy, Severity, rule

OTHER = frozenset(
    {
        "Elu",
        "Erf",
        "Exp",
        "FusedBatchNormV3",
        "LeakyRelu",
        "Mean",
        "Relu",
        "Relu6",
        "Rsqrt",
        "Selu",
        "Sin",
        "Softmax",
        "Softplus",
        "Softsign",
        "Sqrt",
    }
)
"""Operators that the cell of UNIDIRECTIONAL_SEQUENCE_LSTM has not: other activations, and normalization."""


@rule("R009", "composite-differs", Severity.WARNING)
def composite_differs(conversion: Conversion, model: Model) -> Iterator[Finding]:
    """A function was fused to an operator that computes something else than the function does.

    ## What it does
    For a function of the user's that became UNIDIRECTIONAL_SEQUENCE_LSTM because it says so (`api_implements`), looks
    at what the function holds: an activation other than sigmoid and tanh, normalization, no sigmoid or no tanh at all;
    and at the state that it starts from, where that is a constant of the graph.

    ## Why is this bad
    The converter never looks at the function's body. It puts the operator in its place and throws the body away, so
    that the model computes the operator's gates, with tanh and with the cell state clipped at 10, from a state of
    zero. Nothing is said, and the answers are wrong.

    ## Example
    The same function with `tf.nn.relu` for `tf.tanh`: fused all the same; outputs differ by 0.75.

    ## Fix
    Write what the operator computes, or leave the attribute off: then the body is converted.
    """
    written = [c for c in interfaces.users(conversion) if interfaces.is_lstm(c)]
    if not written:
        raise NotApplicable("no function of the user's says that it is an LSTM")
    if interfaces.made(conversion, model, interfaces.KERAS_LSTM) < len(written):
        return  # R007 tells of those
    for composite in written:
        difference = _difference(composite)
        if difference:
            yield Finding(
                message=f"The function `{composite.name}` was replaced by UNIDIRECTIONAL_SEQUENCE_LSTM, which computes "
                f"something else: {difference}.",
                location=Location(function=composite.name),
                cause="The converter fuses by the function's attribute `api_implements` and throws its body away.",
                remedy=Remedy(
                    "Compute what the operator does (examples/lstm_cell_simple.py), or leave `api_implements` off, so "
                    "that the body is converted."
                ),
                key=(composite.implements, composite.name),
            )


def _difference(composite: Composite) -> str:
    said: list[str] = []
    others = sorted(OTHER & composite.operators.keys())
    missing = [name for name in ("Sigmoid", "Tanh") if not composite.operators.get(name)]
    if others:
        said.append(f"the function has {places.enumerated(others)}, the operator sigmoid and tanh only")
    elif missing and composite.operators:
        said.append(f"the function has no {places.enumerated(missing)}")
    if {1, 2} & set(composite.nonzero):
        said.append("the function starts from a state that is not zero, and the file keeps no values of a state")
    return places.enumerated(said) if said else ""
