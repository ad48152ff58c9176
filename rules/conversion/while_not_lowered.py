"""F204."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tflite_audit.analyzer.conversion.types import Conversion, ErrorEntry
from tflite_audit.rules.conversion import blame, operators, proposals
from tflite_audit.rules.conversion.free_tensor_list import is_shapeless
from tflite_audit.rules.conversion.growing_tensor_array import is_growing
from tflite_audit.rules.conversion.operators import Kind
from tflite_audit.rules.rule import Finding, Proposal, Severity, rule

_WORDS = {
    "While": "loop",
    "StatelessWhile": "loop",
    "If": "condition",
    "StatelessIf": "condition",
    "Case": "choice between several functions (tf.switch_case)",
    "StatelessCase": "choice between several functions (tf.switch_case)",
}
_CALLED = re.compile(r"\bf = @(?:__inference_)?([^\s,>]+?)(?:_\d+)?[,>}]")


@rule("F204", "while-not-lowered", Severity.ERROR)
def while_not_lowered(conversion: Conversion) -> Iterator[Finding]:
    """A loop, a condition or a call of a function was left that the converter could not lower or inline.

    ## What it does
    Reports While, If, Case and function calls that the converter refuses at the end, and lists of tensors in a loop
    that it could not lower for a reason other than their shape (F201) or growth (F202).

    ## Why is this bad
    TensorFlow Lite has WHILE and IF with subgraphs, and no calls: a call has to be inlined, `tf.switch_case` has no
    counterpart.

    ## Example
        'tf.Case' op is neither a custom op nor a flex op

    ## Fix
    `tf.switch_case` becomes `tf.cond` within `tf.cond`, or all branches and a `tf.where`; a function is called without
    `experimental_attributes={"_noinline": True}`; a loop of fixed length is a Python `for`.
    """
    entries = [*blame.of_kind(conversion, Kind.CALL, Kind.TENSOR_LIST), *blame.coded(conversion, blame.CALL_LEFT)]
    lowering = [e for e in blame.failed(conversion) if e.subcomponent == blame.LOWER_LISTS]
    if lowering and not any(is_shapeless(e) for e in lowering) and not is_growing(conversion):
        entries += [e for e in lowering if e.names or e.frames] or lowering
    if not entries:
        return
    found = blame.of_entries(entries)
    cause = f"The converter could not lower or inline {_what(entries)}{blame.where(found)}."
    names = {operators.bare(entry.operator or "") for entry in entries}
    yield blame.finding(
        conversion,
        cause,
        found,
        entries,
        proposals=(*_ways(names), *(_of_loops(conversion) if names & _LOOPS else ())),
        key=blame.keys(found) or ("call",),
    )


_LOOPS = frozenset({"While", "StatelessWhile", *operators.TENSOR_LISTS})


def _of_loops(conversion: Conversion) -> Iterator[Proposal]:
    yield from proposals.unrolled(conversion)
    if proposals.is_keras(conversion):
        yield from proposals.state_outside(conversion)


def _what(entries: list[ErrorEntry]) -> str:
    words: list[str] = []
    for entry in entries:
        name = operators.bare(entry.operator or "")
        called = _CALLED.search(entry.message)
        if name in _WORDS:
            words.append(f"{entry.operator}, a {_WORDS[name]}")
        elif name in operators.TENSOR_LISTS:
            words.append(f"{entry.operator}, a list of tensors in a loop")
        elif called:
            words.append(f"{entry.operator}, a call of {called[1]}")
        else:
            words.append(entry.operator or "an operator")
    return blame.named(words)


def _ways(names: set[str]) -> Iterator[Proposal]:
    if names & {"Case", "StatelessCase"}:
        yield Proposal(
            "Write the choice as conditions",
            "y = tf.cond(i < 1, first, lambda: tf.cond(i < 2, second, third))  # instead of tf.switch_case",
            "One IF operator for each choice but the last.",
        )
    if names & {"PartitionedCall", "StatefulPartitionedCall"}:
        yield Proposal(
            "Have the function inlined",
            "@tf.function  # without experimental_attributes={'_noinline': True}, jit_compile or recursion\n"
            "def inner(x): ...",
        )
    if names & _LOOPS:
        yield proposals.python_loop()
