"""custom-op."""

from __future__ import annotations

import struct
from typing import Any

from flatbuffers.flexbuffers import Dumps

from tests.cases.c001 import flex
from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Lack, Trial, Trials
from tflite_audit.rules.custom_ops.declared import Declarations, DeclaredOp
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity


def custom(*names: str, options: Any = None, dtype: str = "float32") -> Net:
    net = Net()
    t = net.act("x", dtype)
    for name in names:
        after = net.act(f"net/{name}", dtype)
        raw = options if isinstance(options, bytes) else b"" if options is None else bytes(Dumps(options))
        net.op(name, [t], [after], custom=True, custom_options=raw)
        t = after
    return net


def listed_only() -> Net:
    """A custom operator code that no operator uses."""
    net = float_net()
    net.operator_code("Sinh", custom=True)
    return net


def compiled() -> Net:
    """As LiteRT's compiler for NPUs writes it."""
    net = custom("DISPATCH_OP", options={"bytecode_offset": 1168, "bytecode_size": 29528, "name": "qnn_partition_0"})
    net.metadata("LiteRtStamp", b"Qualcomm".ljust(124, b"\0") + b"SM8650".ljust(126, b"\0"))
    return net


def declared(name: str) -> Facts:
    own = Declarations((DeclaredOp(name, implemented="kernels/smooth.cc"),), "tflite-audit.toml")
    return Facts(model=custom("Smooth").model(), declarations=own)


def without_name() -> Net:
    net = Net()
    net.op("", [net.act("x")], [net.act("y")], custom=True)
    return net


def tried(*trials: Trial, name: str = "Smooth") -> Facts:
    return Facts(model=custom(name).model(), trials=Trials(trials))


RAN = Trial(EvaluationOutcome.EVALUATED, runtime="ai-edge-litert 2.3.0")
LACKS = Trial(
    EvaluationOutcome.FAILED,
    "Encountered unresolved custom op: Smooth.",
    step="allocating",
    operator="Smooth",
    node=0,
    runtime="tensorflow 2.21.0",
    lack=Lack.IMPLEMENTATION,
)

SIGNALS = (
    "SignalFramer", "SignalWindow", "SignalFftAutoScale", "SignalRfft", "SignalEnergy", "SignalFilterBank",
    "SignalFilterBankSquareRoot", "SignalFilterBankSpectralSubtraction", "SignalPCAN", "SignalFilterBankLog",
    "SignalStacker",
)  # fmt: skip

CASES = [
    Case(
        "no name",
        lambda: facts(without_name()),
        1,
        says=("A custom operator has no name: the interpreters of TensorFlow 2.21 and LiteRT 2.3 refuse the model.",),
        severity=Severity.ERROR,
    ),
    Case(
        "named as the schema's kind",
        lambda: facts(custom("CUSTOM")),
        1,
        says=("CUSTOM in net",),
        severity=Severity.WARNING,
    ),
    Case("a name of a family", lambda: facts(custom("XC_new")), 1, says=("by its name of XMOS's lib_tflite_micro",)),
    Case("not known", lambda: facts(custom("Smooth")), 1, says=("is not known",), severity=Severity.WARNING),
    Case(
        "neither package has it",
        lambda: facts(custom("Smooth")),
        1,
        says=("the interpreters of TensorFlow 2.21 and LiteRT 2.3 do not have it",),
    ),
    Case(
        "TensorFlow's name",
        lambda: facts(custom("Sinh", options={"T": 0})),
        1,
        says=("Sinh (T = float32) in net is a custom operator that has the name of one of TensorFlow's",),
        severity=Severity.WARNING,
    ),
    Case("several kinds", lambda: facts(custom("A", "B", "A")), 2, says=("A in net at 2 places is a custom operator",)),
    Case(
        "the interpreter's own",
        lambda: facts(custom("TFLite_Detection_PostProcess")),
        1,
        severity=Severity.INFO,
        says=("the interpreter itself",),
    ),
    Case(
        "by the default delegate",
        lambda: facts(custom("Convolution2DTransposeBias", options=struct.pack("<3i", 1, 2, 2))),
        1,
        severity=Severity.INFO,
        says=("(padding = SAME, stride_width = 2, stride_height = 2)", "by their default delegate only"),
    ),
    Case(
        "the default delegate does not take its type",
        lambda: facts(custom("MaxUnpooling2D", dtype="int8")),
        1,
        severity=Severity.WARNING,
        says=("do not have it",),
    ),
    Case(
        "has to be registered",
        lambda: facts(custom("odml.update_kv_cache")),
        1,
        severity=Severity.WARNING,
        says=("only where it is registered",),
    ),
    Case("by name", lambda: facts(custom("SignalRfft")), 1, says=("TensorFlow Lite Micro",)),
    Case("by the beginning of the name", lambda: facts(custom("XC_conv2d_v2")), 1, says=("XMOS",)),
    Case("compiled for a chip", lambda: facts(compiled()), 1, says=("for Qualcomm SM8650",)),
    Case("eleven of one library", lambda: facts(custom(*SIGNALS)), 11),
    Case(
        "declared by the user",
        lambda: declared("Smooth"),
        1,
        severity=Severity.INFO,
        says=("Smooth in net is a custom operator of your own, implemented in kernels/smooth.cc.",),
    ),
    Case("another one is declared", lambda: declared("Rough"), 1, severity=Severity.WARNING),
    Case("it ran", lambda: tried(RAN), 1, severity=Severity.INFO, says=("LiteRT 2.3.0 ran it",)),
    Case(
        "one ran it and one lacks it",
        lambda: tried(RAN, LACKS),
        1,
        severity=Severity.WARNING,
        says=("LiteRT 2.3.0 ran it and TensorFlow 2.21.0 had no implementation of it",),
    ),
    Case("a hostile name", lambda: facts(custom('"); drop\n')), 1),
    Case("hostile options", lambda: facts(custom("Smooth", options=b"\xff" * 300 + b"\x24\x01")), 1),
    Case("builtin operators", lambda: facts(float_net())),
    Case("Flex has its own rule", lambda: facts(flex(1))),
    Case("a code that is listed and not used", lambda: facts(listed_only())),
]
