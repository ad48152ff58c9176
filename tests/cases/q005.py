"""small-weights."""

from __future__ import annotations

from tests.cases.case import DYNAMIC, INT8, Case, facts
from tests.cases.models import Net, dynamic_range_net, float16_net, float_net, integer_net
from tflite_audit.rules.rule import Severity, Status


def dense(*weights: tuple[str, int]) -> Net:
    """A FULLY_CONNECTED for each (type, values) of weights."""
    net = Net()
    for number, (dtype, values) in enumerate(weights):
        w = net.weights(f"w{number}", dtype, (values // 8, 8))
        net.then("FULLY_CONNECTED", net.act(f"x{number}"), w, -1, shape=(1, values // 8), name=f"net/d{number}/MatMul")
    return net


CASES = [
    Case(
        "nothing was quantized",
        lambda: facts(dense(("float32", 480), ("float32", 576)), DYNAMIC),
        1,
        says=("All 2 weights stay float", "4,224 of 4,224 bytes", "computes as without it"),
        severity=Severity.INFO,
    ),
    Case("one", lambda: facts(dense(("float32", 480)), DYNAMIC), 1, says=("1 weight stays float",)),
    Case(
        "most",
        lambda: facts(dense(("float32", 1016), ("int8", 1024)), DYNAMIC),
        1,
        says=("1 weight stays float", "4,064 of 5,088 bytes"),
    ),
    Case("only the file is known", lambda: facts(dense(("float32", 1016), ("int8", 1024))), 1),
    Case("few", lambda: facts(dense(("float32", 80), ("int8", 4096)), DYNAMIC)),
    Case("large ones are for another rule", lambda: facts(dense(("float32", 1024)), DYNAMIC)),
    Case("all quantized", lambda: facts(dense(("int8", 1024)), DYNAMIC)),
    Case("another recipe", lambda: facts(dense(("float32", 480)), INT8), status=Status.NOT_APPLICABLE),
    Case("integer", lambda: facts(integer_net()), status=Status.NOT_APPLICABLE),
    Case("float", lambda: facts(float_net()), status=Status.NOT_APPLICABLE),
    Case("float16", lambda: facts(float16_net()), status=Status.NOT_APPLICABLE),
    Case("dynamic range with a large float weight", lambda: facts(dynamic_range_net(4096))),
]
