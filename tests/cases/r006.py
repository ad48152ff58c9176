"""state-scales-differ."""

from __future__ import annotations

from tests.builders import streaming
from tests.cases.case import Case, facts
from tests.cases.m003 import handle
from tests.cases.models import SIZE, Net, float_net
from tests.cases.r003 import fused
from tests.cases.r004 import gru, ring_variable
from tflite_audit.analyzer.model.flatbuffer import parse
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status

NOTHING = Status.NOT_APPLICABLE


def step(
    scale_in: float, scale_out: float, zero_in: int = 0, zero_out: int = 0, *, to: str = "int8", back: str = "int8"
) -> Net:
    """An int8 network that gives back its state, by the names of input and output; a float side has no scale, as
    `inference_input_type` and `inference_output_type` make it where they differ."""
    net = Net()
    scales = [None if dtype == "float32" else scale for dtype, scale in ((to, scale_in), (back, scale_out))]
    read = net.tensor("h_in", to, (1, SIZE), scale=scales[0], zero_point=zero_in)
    written = net.tensor("h_out", back, (1, SIZE), scale=scales[1], zero_point=zero_out)
    net.op("edgetpu-custom-op", [net.act("x", "int8"), read], [net.act("y", "int8"), written], custom=True)
    return net


def float_variable() -> Net:
    """An integer model whose variable is float."""
    net = Net()
    resource = handle(net, "state")
    read = net.act("read")
    net.op("READ_VARIABLE", [resource], [read])
    new = net.then("ADD", net.then("QUANTIZE", read, dtype="int8"), net.act("x", "int8"), dtype="int8")
    net.op("ASSIGN_VARIABLE", [resource, net.then("DEQUANTIZE", new)], [])
    net.outputs(new)
    return net


CASES = [
    Case(
        "another scale",
        lambda: facts(step(0.012, 0.01)),
        1,
        says=("factor of 1.2 at each call, of 8.28e+07 after 100",),
        severity=Severity.WARNING,
    ),
    Case("another zero point", lambda: facts(step(0.01, 0.01, 0, 3)), 1, says=("by +0.03 at each call",)),
    Case(
        "another type",
        lambda: facts(step(0.01, 0.01, back="int16")),
        1,
        says=("h_in goes in as int8 and comes back as int16: the bytes cannot be copied to the next call.",),
        severity=Severity.WARNING,
    ),
    Case(
        "float comes back",
        lambda: facts(step(0.01, 0.01, back="float32")),
        1,
        says=("h_in goes in as int8 and comes back as float32",),
    ),
    Case(
        "float goes in",
        lambda: facts(step(0.01, 0.01, to="float32")),
        1,
        says=("h_in goes in as float32 and comes back as int8",),
    ),
    Case("calibrated with zeros", lambda: facts(step(8e-9, 0.01)), 1, says=("cannot hold",), severity=Severity.ERROR),
    Case("a variable", lambda: facts(ring_variable(dtype="int8", scale=0.2)), 1, severity=Severity.ERROR),
    Case("a float variable", lambda: facts(float_variable()), 1, says=("stays float (32",), severity=Severity.INFO),
    Case(
        "calibrated with random states",
        lambda: Facts(model=parse(streaming.content("gru_step_int8_random"), "step.tflite")),
        1,
        says=("h comes back with another scale",),
        converts=True,
    ),
    Case(
        "variables of an integer model",
        lambda: Facts(model=parse(streaming.content("lstm_stateful_int8"), "stateful.tflite")),
        1,
        says=("stay float (32 bytes)",),
        converts=True,
    ),
    Case(
        "calibrated with its own states",
        lambda: Facts(model=parse(streaming.content("gru_step_int8"), "step.tflite")),
        converts=True,
    ),
    Case(
        "variables that are quantized too",
        lambda: Facts(model=parse(streaming.content("lstm_stateful_int8_variables"), "stateful.tflite")),
        converts=True,
    ),
    Case("equal", lambda: facts(step(0.01, 0.01, -3, -3))),
    Case("a variable of one scale", lambda: facts(ring_variable(dtype="int8", scale=0.1))),
    Case("float at both ends", lambda: facts(step(0.01, 0.01, to="float32", back="float32")), status=NOTHING),
    Case("a float model", lambda: facts(gru()), status=NOTHING),
    Case("variable tensors", lambda: facts(fused()), status=NOTHING),
    Case("no state", lambda: facts(float_net()), status=NOTHING),
]
