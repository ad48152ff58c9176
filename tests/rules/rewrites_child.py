"""Child module of the rewrite tests: runs each rewrite's code, converts it, and runs what comes of it."""

from __future__ import annotations

from typing import Any

from tests.rules.rewrites_inputs import CASES, EDGES
from tests.rules.rewriting import answers, convert, difference, function_of, operators, outcome, run
from tflite_audit.analyzer.isolation import Report, serve
from tflite_audit.rules.conversion.rewrites import REWRITES


def check(value: dict[str, Any], report: Report) -> dict[str, Any]:
    """What the rewrite of one operator and the operator itself answer, before and after conversion; in the case of that
    number of `EDGES`, or in the one of `CASES`."""
    import numpy as np
    import tensorflow as tf

    op, edge = value["op"], value["edge"]
    case = CASES[op] if edge is None else EDGES[edge][1]
    rewritten = function_of(REWRITES[op].code)
    inputs = [np.asarray(array) for array in case.inputs]
    specs = [tf.TensorSpec(array.shape, array.dtype, f"x{number}") for number, array in enumerate(inputs)]

    def traced(ours: bool) -> Any:
        def body(*tensors: Any) -> Any:
            return case.run(rewritten, *tensors) if ours else case.reference(tf, *tensors)

        return tf.function(body, input_signature=specs).get_concrete_function()

    ours, theirs = traced(True), traced(False)
    replies = [np.asarray(a) for a in tf.nest.flatten(ours(*map(tf.constant, inputs)))]
    expected = [np.asarray(a) for a in tf.nest.flatten(theirs(*map(tf.constant, inputs)))]
    return {
        "needed": None if edge is not None else outcome(lambda: convert(theirs, ())),
        "ops": sorted({op.type for op in theirs.graph.get_operations()}),
        "difference": difference(replies, expected),
        "expected": [a.tolist() for a in expected],
        "replies": [a.tolist() for a in replies],
        "converted": outcome(lambda: _compare(convert(ours, ()), inputs, replies, case.random)),
    }


def _compare(model: bytes, inputs: list[Any], replies: list[Any], random: bool) -> Any:
    interpreter = run(model, inputs)
    apart = 0.0 if random else difference(answers(interpreter), replies, any_order=True)
    return {"operators": operators(interpreter), "difference": apart}


if __name__ == "__main__":
    serve({"check": check})
