"""flex-op."""

from __future__ import annotations

from flatbuffers.flexbuffers import Dumps

from tests.cases.case import Case, facts
from tests.cases.models import Net, float_net
from tflite_audit.analyzer.evaluation.types import EvaluationOutcome, Lack, Trial, Trials
from tflite_audit.rules.engine import Facts


def flex(times: int, op: str = "Softplus") -> Net:
    net = Net()
    t = net.act("x")
    for i in range(times):
        t = net.then(f"Flex{op}", t, name=f"net/{op.lower()}_{i}/{op}")
    return net


def with_attributes(dtype: int = 1) -> Net:
    """Softplus with the NodeDef {op: "Softplus", attr: {T: dtype}}."""
    node = b"\x12\x08Softplus" + b"\x2a\x07\x0a\x01T\x12\x02\x30" + bytes([dtype])
    net = Net()
    options = bytes(Dumps(["Softplus", node.decode()]))
    net.op("FlexSoftplus", [net.act("x")], [net.act("net/softplus/Softplus")], custom_options=options)
    return net


def custom() -> Net:
    net = Net()
    net.op("Sinh", [net.act("x")], [net.act("y")], custom=True)
    return net


def refused() -> Facts:
    trial = Trial(
        EvaluationOutcome.FAILED,
        "Select TensorFlow op(s), included in the given model, is(are) not supported by this interpreter.",
        step="invoking",
        operator="FlexSoftplus",
        node=0,
        runtime="ai-edge-litert 2.3.0",
        lack=Lack.FLEX,
    )
    return Facts(model=flex(1).model(), trials=Trials((trial,)))


def several() -> Net:
    net = Net()
    net.then("FlexErf", net.then("FlexSoftplus", net.act("x")))
    return net


def broken() -> Net:
    net = Net()
    net.op("FlexSoftplus", [net.act("x")], [net.act("net/softplus")], custom_options=b"\xff\x00\x28\x01")
    return net


CASES = [
    Case("one", lambda: facts(flex(1)), 1, says=("FlexSoftplus in net/softplus_0 is TensorFlow's own",)),
    Case("a kind once", lambda: facts(flex(3)), 1, says=("at 3 places",)),
    Case("several kinds", lambda: facts(several()), 2),
    Case(
        "its attributes", lambda: facts(with_attributes()), 1, says=("FlexSoftplus (T = float32) in net/softplus is",)
    ),
    Case(
        "which packages lack Flex",
        lambda: facts(flex(1)),
        1,
        says=("which the packages of TensorFlow 2.21 and LiteRT 2.3 do not have",),
    ),
    Case("a runtime was asked", refused, 1, says=("which LiteRT 2.3.0 does not have",)),
    Case(
        "a TensorFlow operator of the user's", lambda: facts(flex(1, "Double")), 1, says=("is a TensorFlow operator",)
    ),
    Case("options that are no NodeDef", lambda: facts(broken()), 1, says=("FlexSoftplus in net",)),
    Case("builtin operators", lambda: facts(float_net())),
    Case("a custom operator is none", lambda: facts(custom())),
]
