"""Small graphs that several rules have cases of."""

from __future__ import annotations

import numpy as np

from tests.builders.flatbuffers import ModelBuilder

SIZE = 8


class Net(ModelBuilder):
    """A builder that adds an operator with the tensor it writes in one go; activations are [1, 8]."""

    def act(self, name: str, dtype: str = "float32", shape: tuple[int, ...] = (1, SIZE)) -> int:
        """An activation; quantized if it is an integer."""
        quantized = dtype in {"int8", "uint8", "int16"}
        return self.tensor(name, dtype, shape, scale=0.1 if quantized else None)

    def weights(self, name: str, dtype: str = "float32", shape: tuple[int, ...] = (SIZE, SIZE), fill: float = 1) -> int:
        """A constant of equal values."""
        return self.tensor(
            name, dtype, shape, data=np.full(shape, fill), scale=0.1 if dtype.startswith("int") else None
        )

    def numbers(self, name: str, values: list[int]) -> int:
        """An int32 constant."""
        return self.tensor(name, "int32", (len(values),), data=values)

    def then(
        self, op: str, *inputs: int, dtype: str = "float32", name: str = "", shape: tuple[int, ...] = (1, SIZE)
    ) -> int:
        """An operator with one output, whose index it gives."""
        output = self.act(name or f"{op.lower()}_{len(self._current.tensors)}", dtype, shape)
        self.op(op, list(inputs), [output])
        return output


def dense(net: Net, x: int, dtype: str, name: str = "net/dense/MatMul", weights: str = "int8") -> int:
    """FULLY_CONNECTED in an arithmetic."""
    return net.then("FULLY_CONNECTED", x, net.weights(f"{name}/w", weights), -1, dtype=dtype, name=name)


def integer_net(dtype: str = "int8") -> Net:
    """Float in and out, integer inside: no operator but the borders touches floats."""
    net = Net()
    x = net.then("QUANTIZE", net.act("x"), dtype=dtype)
    y = dense(net, dense(net, x, dtype, "net/a/MatMul"), dtype, "net/b/MatMul")
    net.then("DEQUANTIZE", y, name="y")
    return net


def island_net(*names: str, dtype: str = "int8") -> Net:
    """Integer operators, the float operators of `names` in a row, and integer operators again."""
    net = Net()
    t = net.then("DEQUANTIZE", dense(net, net.act("x", dtype), dtype, "net/a/MatMul"))
    for i, name in enumerate(names):
        t = net.then(name, t, name=f"net/island/{name.lower()}_{i}")
    t = net.then("QUANTIZE", t, dtype=dtype)
    dense(net, t, dtype, "net/b/MatMul")
    return net


def float16_net() -> Net:
    """Float arithmetic with weights kept as float16, as the converter writes it."""
    net = Net()
    t = net.act("x")
    for i in range(2):
        unpacked = net.then("DEQUANTIZE", net.weights(f"w{i}", "float16"), shape=(SIZE, SIZE), name=f"w{i}_dequantize")
        t = net.then("FULLY_CONNECTED", t, unpacked, -1, name=f"net/dense_{i}/MatMul")
    return net


def float_net() -> Net:
    """Float throughout."""
    net = Net()
    net.then("SOFTMAX", dense(net, net.act("x"), "float32", weights="float32"), name="y")
    return net


def dynamic_range_net(float_elements: int = 0) -> Net:
    """Hybrid dense layers, and one with float weights of about so many elements."""
    net = Net()
    t = dense(net, net.act("x"), "float32", "net/a/MatMul")
    if float_elements:
        w = net.weights("net/big/w", "float32", (float_elements // SIZE, SIZE))
        t = net.then("FULLY_CONNECTED", t, w, -1, name="net/big/MatMul", shape=(1, float_elements // SIZE))
    return net


def lstm_step(net: Net, x: int, h: int, c: int, w: int, u: int, scope: str) -> tuple[int, int]:
    """A step of an LSTM: the new state and the new cell state."""
    z = net.then(
        "ADD",
        net.then("FULLY_CONNECTED", x, w, -1),
        net.then("FULLY_CONNECTED", h, u, -1, name=f"{scope}/MatMul_1"),
    )
    gates = [net.act(f"{scope}/split_{k}") for k in range(4)]
    net.op("SPLIT", [net.numbers("axis", [1]), z], gates)
    i, f, o = (net.then("LOGISTIC", gates[k]) for k in (0, 1, 3))
    c = net.then("ADD", net.then("MUL", f, c), net.then("MUL", i, net.then("TANH", gates[2])))
    return net.then("MUL", o, net.then("TANH", c), name=f"{scope}/h"), c


def gru_step(net: Net, x: int, h: int, ws: list[int], us: list[int], scope: str) -> int:
    """A step of a GRU, with a kernel for each of its gates and the candidate: the new state."""
    wx = [net.then("FULLY_CONNECTED", x, w, -1) for w in ws]
    z, r = (net.then("LOGISTIC", net.then("ADD", wx[k], net.then("FULLY_CONNECTED", h, us[k], -1))) for k in range(2))
    reset = net.then("FULLY_CONNECTED", net.then("MUL", r, h), us[2], -1)
    candidate = net.then("TANH", net.then("ADD", wx[2], reset))
    one = net.weights("one", shape=(), fill=1)
    new = net.then("MUL", net.then("SUB", one, z), candidate)
    return net.then("ADD", net.then("MUL", z, h), new, name=f"{scope}/h")


def gru_weights(net: Net) -> tuple[list[int], list[int]]:
    """Input and recurrent kernels of a GRU."""
    return [net.weights(f"w{k}", fill=k) for k in range(3)], [net.weights(f"u{k}", fill=10 + k) for k in range(3)]


def unrolled_lstm(steps: int) -> Net:
    """An LSTM, unrolled; the state comes from outside."""
    net = Net()
    w, u = net.weights("w"), net.weights("u", fill=2)
    h, c = net.act("h"), net.act("c")
    for i in range(steps):
        h, c = lstm_step(net, net.act(f"x{i}"), h, c, w, u, f"net/lstm/step_{i}")
    return net
