"""convolution-over-whole-sequence."""

from __future__ import annotations

from tests.builders import converted
from tests.cases.case import Case, facts
from tests.cases.models import SIZE, Net, float_net
from tests.cases.r004 import ring
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Status

NOTHING = Status.NOT_APPLICABLE


def convolution(net: Net, x: int, kernel: int, size: int, *, stride: int = 1, dilation: int = 1, width: int = 1) -> int:
    """Along the first spatial axis; `size` steps come out."""
    y = net.act(f"net/conv_{kernel}_{dilation}", shape=(1, size, width, SIZE))
    options = {"padding": "SAME", "stride_h": stride, "stride_w": 1, "dilation_h_factor": dilation}
    net.op("CONV_2D", [x, net.weights("w", shape=(SIZE, kernel, width, SIZE)), -1], [y], options=options)
    return y


def network(steps: int = 64, *, pooled: bool = False, width: int = 1) -> Net:
    """Kernels of 3, dilated by 1 and 2, and one of 5 with a stride of 2: 1 + 2 + 4 + 4 = 11 steps."""
    net = Net()
    x = net.then("RESHAPE", net.act("x", shape=(1, steps, SIZE)), shape=(1, steps, width, SIZE))
    y = convolution(net, convolution(net, x, 3, steps, width=width), 3, steps, dilation=2, width=width)
    y = convolution(net, y, 5, steps // 2, stride=2, width=width)
    if pooled:
        axes = net.numbers("axes", [1, 2])
        net.op("MEAN", [y, axes], [net.act("pooled")], options={"keep_dims": False})
    else:
        net.then("RELU", y, shape=(1, steps // 2, width, SIZE))
    return net


CASES = [
    Case("dilated", lambda: facts(network()), 1, says=("depends on 11 steps of 64 of x, and moves on by 2",)),
    Case("pooled over all steps", lambda: facts(network(pooled=True)), 1, says=("all 64 steps of x",)),
    Case("shorter than its field", lambda: facts(network(8)), 1, says=("all 8 steps",)),
    Case("pictures", lambda: facts(network(width=3)), status=NOTHING),
    Case("with a ring buffer", lambda: facts(ring()), status=NOTHING),
    Case("no convolution", lambda: facts(float_net()), status=NOTHING),
    Case("residual network", lambda: Facts(model=converted.model("residual_cnn")), status=NOTHING, converts=True),
]
