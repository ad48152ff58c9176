"""streaming-state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.builders import converted
from tests.cases.case import Case, facts
from tests.cases.m003 import assigned_in_a_loop, handle, read
from tests.cases.models import SIZE, Net, dense, float_net, gru_step, gru_weights, lstm_step, unrolled_lstm
from tests.cases.r003 import fused, svdf
from tflite_audit.analyzer.evaluation.observed import Carrying
from tflite_audit.rules.engine import Facts
from tflite_audit.rules.rule import Severity, Status

FEATURES = 5
NOTHING = Status.NOT_APPLICABLE


def lstm(dtype: str = "float32", names: tuple[str, str, str] = ("x", "h", "c"), width: int = FEATURES) -> Net:
    """A step of an LSTM, its two states from outside."""
    net = Net()
    x, h, c = net.act(names[0], dtype, (1, width)), *(net.act(name, dtype) for name in names[1:])
    h, c = lstm_step(net, x, h, c, net.weights("w", shape=(SIZE, width)), net.weights("u", fill=2), "net/lstm")
    net.outputs(dense(net, h, dtype), h, c)
    return net


def gru(names: tuple[str, str] = ("x", "h"), *, given_back: bool = True) -> Net:
    """A step of a GRU, its state from outside."""
    net = Net()
    x, h = (net.act(name) for name in names)
    h = gru_step(net, x, h, *gru_weights(net), "net/gru")
    net.outputs(dense(net, h, "float32", weights="float32"), *([h] if given_back else []))
    return net


def simple(names: tuple[str, str]) -> Net:
    """A step of a simple RNN whose input and state are alike."""
    net = Net()
    first, second = (net.act(name) for name in names)
    weighed = [net.then("FULLY_CONNECTED", t, net.weights(f"w{k}", fill=k), -1) for k, t in enumerate((first, second))]
    h = net.then("TANH", net.then("ADD", *weighed), name="net/rnn/h")
    net.outputs(dense(net, h, "float32", weights="float32"), h)
    return net


def _window(net: Net, past: int, new: int) -> tuple[int, int]:
    """A ring buffer: the state and the new frame joined, and the last four of these."""
    joined = net.act("joined", shape=(1, 5, 1, SIZE))
    net.op("CONCATENATION", [past, new], [joined], options={"axis": 1})
    begin, end, strides = (net.numbers(n, v) for n, v in (("b", [0, 1, 0, 0]), ("e", [1, 5, 1, SIZE]), ("s", [1] * 4)))
    kept = net.then("STRIDED_SLICE", joined, begin, end, strides, name="kept", shape=(1, 4, 1, SIZE))
    return joined, kept


def ring(past: str = "past") -> Net:
    """A streaming convolution that gets its past from outside."""
    net = Net()
    state, frame = net.act(past, shape=(1, 4, 1, SIZE)), net.act("frame", shape=(1, 1, 1, SIZE))
    joined, kept = _window(net, state, frame)
    weights = net.weights("w", shape=(SIZE, 5, 1, SIZE))
    y = net.act("y", shape=(1, 1, 1, SIZE))
    net.op("CONV_2D", [joined, weights, -1], [y], options={"padding": "VALID", "stride_h": 1, "stride_w": 1})
    net.outputs(y, kept)
    return net


def ring_variable(*, initialized: bool = True, scale: float = 0.1, dtype: str = "float32") -> Net:
    """The same in a resource variable, the step written by hand: what is read, and the sum that is assigned."""
    net = Net()
    resource = handle(net, "stream/states")
    state = net.tensor("state", dtype, (1, 4, 1, SIZE), scale=0.1)
    net.op("READ_VARIABLE", [resource], [state])
    new = net.tensor("new", dtype, (1, 4, 1, SIZE), scale=scale)
    net.op("ADD", [state, net.act("frame", dtype, (1, 4, 1, SIZE))], [new])
    net.op("ASSIGN_VARIABLE", [resource, new], [])
    net.outputs(new)
    if initialized:
        net.op("CALL_ONCE", [], [], options={"init_subgraph_index": 1})
        net.subgraph("init")
        net.op("ASSIGN_VARIABLE", [handle(net, "stream/states"), net.weights("zero", shape=(1, 4, 1, SIZE))], [])
    return net


def opaque(read: str, written: str, other: str = "frame") -> Net:
    """A compiled network: nothing but names."""
    net = Net()
    outputs = [net.act("y"), net.act(written)]
    net.op("edgetpu-custom-op", [net.act(other), net.act(read)], outputs, custom=True)
    return net


def packed() -> Net:
    """Both states of an LSTM in one tensor, cut apart and joined again."""
    net = Net()
    x, states = net.act("x", shape=(1, FEATURES)), net.act("states", shape=(2, SIZE))
    h, c = (net.act(f"state_{k}", shape=(1, SIZE)) for k in range(2))
    net.op("SPLIT", [net.numbers("axis", [0]), states], [h, c])
    h, c = lstm_step(net, x, h, c, net.weights("w", shape=(SIZE, FEATURES)), net.weights("u", fill=2), "net/lstm")
    joined = net.act("joined", shape=(2, SIZE))
    net.op("CONCATENATION", [h, c], [joined], options={"axis": 0})
    net.outputs(dense(net, h, "float32", weights="float32"), joined)
    return net


def scratch() -> Net:
    """A variable that is read only after this call has assigned it."""
    net = Net()
    resource, x, y = handle(net, "scratch"), net.act("x"), net.act("y")
    net.op("ASSIGN_VARIABLE", [resource, x], [])
    net.op("READ_VARIABLE", [resource], [y])
    return net


def seed() -> Net:
    """A random generator's counter, which goes on with every call, and whose numbers nothing uses."""
    net = Net()
    resource, before = handle(net, "seed"), net.act("before", "int64", (2,))
    net.op("READ_VARIABLE", [resource], [before])
    after = net.then("ADD", before, net.weights("one", "int64", (2,)), dtype="int64", shape=(2,))
    net.op("ASSIGN_VARIABLE", [resource, after], [])
    net.outputs(net.then("TANH", net.act("x")))
    return net


def summing(*names: str, reset: bool = False) -> Net:
    """Sums of what comes in, begun by nothing, or by a signature."""
    net = Net()
    x = net.act("x")
    total = x
    for name in names:
        resource, before = handle(net, name), net.act(f"{name}/before")
        net.op("READ_VARIABLE", [resource], [before])
        total = net.then("ADD", total, before)
        net.op("ASSIGN_VARIABLE", [resource, total], [])
    net.outputs(total)
    net.signature("step", {"x": x}, {"y": total})
    if reset:
        net.subgraph("reset")
        net.op("ASSIGN_VARIABLE", [handle(net, names[0]), net.weights("zeros", shape=(1, SIZE), fill=0)], [])
        net.signature("reset", {}, {})
    return net


def cache() -> Net:
    """A part of a state is written anew: a cache of keys."""
    net = Net()
    old, new = net.act("k_in", shape=(16, SIZE)), net.act("key")
    kept = net.then("DYNAMIC_UPDATE_SLICE", old, new, net.numbers("at", [3, 0]), name="k_out", shape=(16, SIZE))
    net.outputs(net.then("SOFTMAX", kept, shape=(16, SIZE)), kept)
    return net


def custom(name: str) -> Net:
    net = Net()
    net.op(name, [net.act("x")], [net.act("y"), net.act("noise")], custom=True)
    return net


def autoencoder() -> Net:
    """An answer of its input's shape, and of nothing else."""
    net = Net()
    x = net.act("x")
    net.then("ADD", x, dense(net, net.then("TANH", dense(net, x, "float32")), "float32", "net/b/MatMul"))
    return net


def pictures() -> Net:
    """Two pictures in, one out: gates and tanh between, but no cell that goes on from what it gave."""
    net = Net()
    shape = (1, 8, 8, 3)
    picture, style = net.act("picture", shape=shape), net.act("style", shape=shape)
    t = net.then("ADD", picture, style, shape=shape)
    for i in range(3):
        weights = net.weights(f"w{i}", shape=(3, 3, 3, 3), fill=i)
        t = net.then("CONV_2D", t, weights, -1, shape=shape, name=f"net/conv_{i}")
        gate = net.then("LOGISTIC", net.then("CONV_2D", t, weights, -1, shape=shape), shape=shape)
        t = net.then("MUL", net.then("TANH", t, shape=shape), gate, shape=shape)
    net.outputs(t)
    return net


def only_itself() -> Net:
    """Named like a state, but nothing comes in beside it."""
    net = Net()
    net.op("edgetpu-custom-op", [net.act("state_in")], [net.act("state_out")], custom=True)
    return net


def twice(build: Callable[[], Net], *, repeats: bool, resets: bool = False) -> Facts:
    """With what a second call gave."""
    return Facts(model=build().model(), carrying=Carrying(repeats, resets, "ai-edge-litert"))


CASES = [
    Case("LSTM", lambda: facts(lstm()), 1, says=("takes 2 states (64 bytes)", "to h", "to c")),
    Case("LSTM in int8", lambda: facts(lstm("int8")), 1, says=("(16 bytes)",)),
    Case("LSTM as wide as its input", lambda: facts(lstm(width=SIZE)), 1, says=("to h", "to c")),
    Case("GRU", lambda: facts(gru()), 1, says=("net/gru/h to h",)),
    Case("the state named first", lambda: facts(simple(("h", "x"))), 1, says=("net/rnn/h to h",)),
    Case("the state named second", lambda: facts(simple(("x", "h"))), 1, says=("net/rnn/h to h",)),
    Case("two states in one tensor", lambda: facts(packed()), 1, says=("takes 1 state (64 bytes)", "joined to states")),
    Case("unrolled over a chunk", lambda: facts(unrolled_lstm(4)), 1, says=("net/lstm/step_3/h to h",)),
    Case("ring buffer", lambda: facts(ring()), 1, says=("kept to past",)),
    Case("cache", lambda: facts(cache()), 1, says=("k_out to k_in",)),
    Case("names alone", lambda: facts(opaque("serving_default_state_in:0", "state_out")), 1, says=("1 state",)),
    Case("paths that pair", lambda: facts(opaque("inputs/rnn1", "outputs/rnn1")), 1),
    Case("names that do not pair", lambda: facts(opaque("state_in", "memory_out")), status=NOTHING),
    Case("names of no state", lambda: facts(opaque("image_in", "image_out")), status=NOTHING),
    Case("variable", lambda: facts(ring_variable()), 1, says=("1 state (128 bytes) in resource variables from",)),
    Case(
        "not initialized",
        lambda: facts(ring_variable(initialized=False)),
        1,
        says=(
            "; nothing gives stream/states a value before the first call, which then reads what happens to lie in "
            "memory.",
        ),
        severity=Severity.WARNING,
    ),
    Case(
        "many are not initialized",
        lambda: facts(summing("a", "b", "c", "d")),
        1,
        says=("nothing gives a, b and 2 more a value",),
        severity=Severity.WARNING,
    ),
    Case(
        "begun by a signature",
        lambda: facts(summing("total", reset=True)),
        1,
        says=("in resource variables from one call to the next; only a call of reset gives total a first value.",),
        severity=Severity.INFO,
    ),
    Case("read after it is assigned", lambda: facts(scratch()), status=NOTHING),
    Case("a counter that no answer depends on", lambda: facts(seed()), status=NOTHING),
    Case("assigned in a loop", lambda: facts(assigned_in_a_loop()), 1, says=("1 state (32 bytes) in resource",)),
    Case("fused", lambda: facts(fused()), 1, says=("2 states (64 bytes) in variable tensors",)),
    Case("SVDF", lambda: facts(svdf()), 1),
    Case("a ring of TFLM's", lambda: facts(custom("CIRCULAR_BUFFER")), 1, says=("(CIRCULAR_BUFFER)",)),
    Case("in a custom operator", lambda: facts(custom("SignalFramer")), 1, says=("(SignalFramer)",)),
    Case("called twice", partial(twice, fused, repeats=False, resets=True), 1, says=("brought the first answer back",)),
    Case("no difference seen", partial(twice, ring_variable, repeats=True), 1, says=("happened to answer the same",)),
    Case("Keras 3, stateful", lambda: Facts(model=converted.model("lstm_stateful")), 1, converts=True),
    Case("variable that is never assigned", lambda: facts(read("a")), status=NOTHING),
    Case("other custom operator", lambda: facts(custom("SignalWindow")), status=NOTHING),
    Case("autoencoder", lambda: facts(autoencoder()), status=NOTHING),
    Case("two pictures", lambda: facts(pictures()), status=NOTHING),
    Case("nothing comes in", lambda: facts(only_itself()), status=NOTHING),
    Case("state not given back", lambda: facts(gru(given_back=False)), status=NOTHING),
    Case("no recurrence", lambda: facts(float_net()), status=NOTHING),
    Case("residual network", lambda: Facts(model=converted.model("residual_cnn")), status=NOTHING, converts=True),
]
