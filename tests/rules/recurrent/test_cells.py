"""Cells by where their states go: what one step of a loop or of a stream may look like, in graphs made in code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.models import Net
from tflite_audit.rules.recurrent.cells import Port, recognise
from tflite_audit.rules.recurrent.flow import Flow

Step = Callable[[Net, int, list[int]], list[int]]


def gate(net: Net, x: int, h: int, k: int, squash: str = "LOGISTIC") -> int:
    """A function of weighed input and weighed state, with weights of its own."""
    return net.then(squash, weighed(net, x, h, k))


def weighed(net: Net, x: int, h: int, k: int) -> int:
    products = (net.then("FULLY_CONNECTED", t, net.weights(f"w{k}_{t}", fill=k), -1) for t in (x, h))
    return net.then("ADD", *products)


def complement(net: Net, t: int) -> int:
    return net.then("SUB", net.weights(f"one_{t}", shape=(1, 8)), t)


def both(net: Net, a: int, b: int, c: int, d: int) -> int:
    """a * b + c * d."""
    return net.then("ADD", net.then("MUL", a, b), net.then("MUL", c, d))


def lstm(squash: str = "LOGISTIC", bend: str = "TANH") -> Step:
    def step(net: Net, x: int, states: list[int]) -> list[int]:
        h, c = states
        i, f, o = (gate(net, x, h, k, squash) for k in range(3))
        c = both(net, f, c, i, gate(net, x, h, 3, bend))
        return [net.then("MUL", o, net.then(bend, c)), c]

    return step


def coupled(net: Net, x: int, states: list[int]) -> list[int]:
    h, c = states
    f, o = (gate(net, x, h, k) for k in range(2))
    c = both(net, f, c, complement(net, f), gate(net, x, h, 3, "TANH"))
    return [net.then("MUL", o, net.then("TANH", c)), c]


def peeping(net: Net, x: int, states: list[int]) -> list[int]:
    h, c = states
    i, f = (
        net.then(
            "LOGISTIC", net.then("ADD", weighed(net, x, h, k), net.then("MUL", c, net.weights(f"p{k}", shape=(8,))))
        )
        for k in range(2)
    )
    c = both(net, f, c, i, gate(net, x, h, 3, "TANH"))
    return [net.then("MUL", gate(net, x, h, 4), net.then("TANH", c)), c]


def projecting(net: Net, x: int, states: list[int]) -> list[int]:
    h, c = lstm()(net, x, states)
    return [net.then("FULLY_CONNECTED", h, net.weights("projection"), -1), c]


def without_input_gate(net: Net, x: int, states: list[int]) -> list[int]:
    h, c = states
    c = net.then("ADD", net.then("MUL", gate(net, x, h, 0), c), gate(net, x, h, 1, "TANH"))
    return [net.then("MUL", gate(net, x, h, 2), net.then("TANH", c)), c]


def gru(net: Net, x: int, states: list[int]) -> list[int]:
    (h,) = states
    z, r = (gate(net, x, h, k) for k in range(2))
    return [both(net, z, h, complement(net, z), gate(net, x, net.then("MUL", r, h), 2, "TANH"))]


def gru_by_difference(net: Net, x: int, states: list[int]) -> list[int]:
    """n + z * (h - n), the reset after the product."""
    (h,) = states
    z, r = (gate(net, x, h, k) for k in range(2))
    reset = net.then("MUL", r, net.then("FULLY_CONNECTED", h, net.weights("u"), -1))
    n = net.then("TANH", net.then("ADD", net.then("FULLY_CONNECTED", x, net.weights("w"), -1), reset))
    return [net.then("ADD", n, net.then("MUL", z, net.then("SUB", h, n)))]


def minimal(net: Net, x: int, states: list[int]) -> list[int]:
    (h,) = states
    f = gate(net, x, h, 0)
    return [both(net, complement(net, f), h, f, gate(net, x, net.then("MUL", f, h), 1, "TANH"))]


def simple(bend: str = "TANH") -> Step:
    return lambda net, x, states: [gate(net, x, states[0], 0, bend)]


def deep(net: Net, x: int, states: list[int]) -> list[int]:
    t = gate(net, x, states[0], 0, "TANH")
    return [net.then("TANH", net.then("FULLY_CONNECTED", t, net.weights("deeper"), -1))]


def held(cell: Step) -> Step:
    """The old state is kept where the input is masked."""

    def step(net: Net, x: int, states: list[int]) -> list[int]:
        mask = net.act("mask", "bool")
        return [net.then("SELECT_V2", mask, t, s) for t, s in zip(cell(net, x, states), states, strict=True)]

    return step


def quantized(cell: Step) -> Step:
    """The new state is brought to the scale of the old."""
    return lambda net, x, states: [net.then("QUANTIZE", t) for t in cell(net, x, states)]


def softsign(net: Net, x: int, states: list[int]) -> list[int]:
    t = weighed(net, x, states[0], 0)
    return [net.then("DIV", t, net.then("ADD", net.weights("one", shape=(1, 8)), net.then("ABS", t)))]


def average(net: Net, x: int, states: list[int]) -> list[int]:
    """No product weighs the state."""
    return [both(net, states[0], net.weights("a", shape=(1, 8)), x, net.weights("b", shape=(1, 8)))]


def elementwise(net: Net, x: int, states: list[int]) -> list[int]:
    return [net.then("TANH", net.then("ADD", net.then("FULLY_CONNECTED", x, net.weights("w"), -1), states[0]))]


@pytest.mark.parametrize(
    ("step", "name", "variant"),
    [
        (lstm(), "LSTM", ()),
        (lstm("RELU_0_TO_1", "RELU"), "LSTM", ()),
        (lstm(bend="ELU"), "LSTM", ()),
        (coupled, "LSTM", ("coupled input and forget gates",)),
        (peeping, "LSTM", ("peepholes",)),
        (projecting, "LSTM", ("projection",)),
        (held(lstm()), "LSTM", ()),
        (quantized(lstm()), "LSTM", ()),
        (without_input_gate, "recurrent", ()),
        (gru, "GRU", ()),
        (gru_by_difference, "GRU", ("reset after",)),
        (held(gru), "GRU", ()),
        (quantized(gru), "GRU", ()),
        (minimal, "recurrent", ()),
        (simple(), "simple RNN", ()),
        (simple("RELU"), "simple RNN", ()),
        (softsign, "simple RNN", ()),
        (held(simple()), "simple RNN", ()),
        (deep, "recurrent", ()),
    ],
)
def test_cells(step: Step, name: str, variant: tuple[str, ...]) -> None:
    (cell,) = recognise(*flow_of(step))
    assert (cell.name, cell.variant, cell.units) == (name, variant, 8)
    assert cell.products
    assert len(cell.states) == (2 if step.__name__ in {"coupled"} or "LSTM" in name else len(cell.states))


def independent(net: Net, x: int, states: list[int]) -> list[int]:
    """Each unit weighs its own state."""
    own = net.then("MUL", states[0], net.weights("u", shape=(8,)))
    return [net.then("TANH", net.then("ADD", net.then("FULLY_CONNECTED", x, net.weights("w"), -1), own))]


def gated_by_the_input(net: Net, x: int, states: list[int]) -> list[int]:
    (c,) = states
    f = net.then("LOGISTIC", net.then("FULLY_CONNECTED", x, net.weights("f"), -1))
    return [both(net, f, c, complement(net, f), net.then("FULLY_CONNECTED", x, net.weights("w"), -1))]


def pooled(net: Net, x: int, states: list[int]) -> list[int]:
    """The gate comes from outside the step."""
    f = net.act("f")
    return [both(net, f, states[0], complement(net, f), x)]


def selective(net: Net, x: int, states: list[int]) -> list[int]:
    """A state space whose decay the input makes."""
    decay = net.then("EXP", net.then("MUL", net.then("FULLY_CONNECTED", x, net.weights("d"), -1), net.weights("a")))
    return [net.then("ADD", net.then("MUL", decay, states[0]), net.then("FULLY_CONNECTED", x, net.weights("b"), -1))]


def leaking(net: Net, x: int, states: list[int]) -> list[int]:
    """One number holds for all units."""
    kept = net.then("MUL", states[0], net.weights("leak", shape=(1,)))
    return [net.then("RELU", net.then("ADD", kept, x))]


def decaying(net: Net, x: int, states: list[int]) -> list[int]:
    """Nothing new is added."""
    return [net.then("MUL", states[0], net.then("LOGISTIC", x))]


def holding(net: Net, x: int, states: list[int]) -> list[int]:
    """The last element that the mask lets through."""
    m = net.then("CAST", net.act("mask", "bool"))
    return [both(net, m, states[0], complement(net, m), x)]


BY_ELEMENT = [independent, gated_by_the_input, pooled, selective]


@pytest.mark.parametrize("step", BY_ELEMENT)
def test_a_state_that_no_product_weighs(step: Step) -> None:
    (cell,) = recognise(*flow_of(step), certain=True)
    assert (cell.name, cell.variant, cell.units) == ("recurrent", ("no recurrent kernel",), 8)
    assert len(cell.products) == len(cell.states) == 1
    assert recognise(*flow_of(step)) == [], "an input that is gated by another is not always a state"


@pytest.mark.parametrize("step", [average, elementwise, leaking, decaying, holding])
def test_a_sum_or_a_filter_is_no_cell(step: Step) -> None:
    assert recognise(*flow_of(step), certain=True) == []


def flow_of(step: Step) -> tuple[Flow, list[Port]]:
    """A step, and the states that it takes and gives."""
    for states in (1, 2):
        net = Net()
        x, given = net.act("x"), [net.act(f"s{k}") for k in range(states)]
        try:
            result = step(net, x, given)
        except ValueError:  # it takes another number of states
            continue
        model = net.model()
        subgraph = model.subgraphs[0]
        flow = Flow(model, subgraph, [op.index for op in subgraph.operators], given)
        return flow, [Port(a, (b,)) for a, b in zip(given, result, strict=True)]
    raise AssertionError
