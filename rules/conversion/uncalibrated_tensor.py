"""F302."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.conversion.codes import Code
from tflite_audit.analyzer.conversion.types import Conversion
from tflite_audit.rules import places
from tflite_audit.rules.conversion import blame, proposals
from tflite_audit.rules.rule import Finding, Location, Proposal, Severity, rule


@rule("F302", "uncalibrated-tensor", Severity.ERROR)
def uncalibrated_tensor(conversion: Conversion) -> Iterator[Finding]:
    """The quantizer needs the range of a tensor that calibration never recorded.

    ## What it does
    Reads `Max and min for dynamic tensors should be recorded during calibration: Failed for tensor ...`, and says
    whether the tensor is an argument of a loop's or a condition's subgraph, where no range is recorded.

    ## Why is this bad
    The conversion ends, under 16x8 for any model with a float WHILE or IF, also with float fallback: its quantizer goes
    into the subgraphs and asks for the range of their arguments. The quantizer for int8 leaves subgraphs float.

    ## Example
        Empty min/max for tensor cond_true_120_arg0

    ## Fix
    Without a loop or condition there is no subgraph: unroll the layer, write `tf.where` for `tf.cond`; or use int8.
    """
    entries = blame.coded(conversion, Code.NO_MIN_MAX)
    if not entries:
        return
    tensors = [name for entry in entries for name in entry.names]
    loops = _subgraphs(conversion, tensors)
    found = tuple(place for op in loops for place in blame.culprits(conversion, [op])) or tuple(
        Location(op=entry.operator, tensor=name) for entry in entries for name in entry.names or ("",)
    )
    named = places.enumerated(list(dict.fromkeys(tensors))[:3]) if tensors else "a tensor"
    cause = f"The quantizer needs the range of every tensor, and calibration recorded none for {named}"
    if loops:
        cause = f"{cause}: it records none in the subgraphs of {blame.named(loops)}{blame.where(found)}"
    yield blame.finding(
        conversion,
        f"{cause}.",
        found,
        proposals=(
            *(proposals.unrolled(conversion) if "WHILE" in loops else ()),
            *(proposals.tf_keras(conversion) if "WHILE" in loops else ()),
            *(proposals.state_outside(conversion) if "WHILE" in loops and proposals.is_keras(conversion) else ()),
            *([_where()] if "IF" in loops else []),
            *([proposals.python_loop()] if "WHILE" in loops else []),
            *proposals.int8(conversion),
            proposals.dynamic(conversion),
        ),
        key=(*loops, *places.layers(found)) or ("tensor",),
    )


def _subgraphs(conversion: Conversion, tensors: list[str]) -> list[str]:
    """WHILE or IF, where the module has one and the tensor is named as an argument of its function."""
    last = conversion.passes[-1].after if conversion.passes else {}
    names = " ".join(tensors)
    found: list[str] = []
    if any(last.get(op) for op in ("tfl.while", "tf.While")) and "while" in names:
        found.append("WHILE")
    if any(last.get(op) for op in ("tfl.if", "tf.If")) and "cond" in names and "while" not in names:
        found.append("IF")
    return found


def _where() -> Proposal:
    return Proposal(
        "Compute both branches and choose",
        "y = tf.where(condition, branch(x), other(x))  # instead of tf.cond",
        "Both branches are computed, every time.",
    )
