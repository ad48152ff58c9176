"""R008."""

from __future__ import annotations

from collections.abc import Iterator

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.graph import entries
from tflite_audit.analyzer.model.types import ELEMENT_BYTES, Model, Subgraph
from tflite_audit.rules import places
from tflite_audit.rules.recurrent import receptive
from tflite_audit.rules.recurrent.receptive import Window
from tflite_audit.rules.recurrent.states import States
from tflite_audit.rules.rule import Confidence, Finding, NotApplicable, Numbers, Remedy, Severity, Table, rule


@rule("R008", "convolution-over-whole-sequence", Severity.INFO, confidence=Confidence.LIKELY)
def convolution_over_whole_sequence(model: Model, states: States, locations: Locations) -> Iterator[Finding]:
    """A convolutional network over time takes whole sequences: how far back it looks, and what streaming would keep.

    ## What it does
    Follows the time axis of an input through the network, where all convolutions are one-dimensional, and works out
    how many steps one answer depends on (the receptive field), how many lie between two answers (the stride), and how
    much of earlier steps each convolution would have to keep if the network took them as they come.

    ## Why is this bad
    It is not, for sequences that are there as a whole. An application that moves a window over a stream computes
    almost everything anew for each step.

    ## Example
    A wake word network over 30 frames whose answer depends on all 30: called at every frame, it computes each 30 times.

    ## Fix
    For a stream, build the network with a ring buffer before each convolution (a variable, or a state that is input and
    output) of `(kernel - 1) * dilation` steps, and convert it for one frame.
    """
    if states.carried:
        raise NotApplicable("the model carries its state from one call to the next")
    found = [
        (graph, window)
        for graph in (model.subgraphs[index] for index in entries(model))
        for window in receptive.of_inputs(model, graph, graph.inputs)
        if window.frame != 1
    ]
    if not found:
        raise NotApplicable("no one-dimensional convolution shows an axis of time")
    for graph, window in found:
        yield _finding(model, graph, window, locations)


def _finding(model: Model, graph: Subgraph, window: Window, locations: Locations) -> Finding:
    tensor = graph.tensors[window.tensor]
    name = next(
        (k for s in model.signatures if s.subgraph == graph.index for k, t in s.inputs.items() if t == window.tensor),
        tensor.name,
    )
    field = window.field if window.frame is None else min(window.field, window.frame)
    of = "" if window.frame is None else f" of {window.frame}"
    kept = sum(c.past * ELEMENT_BYTES.get(c.dtype, 0) for c in window.convolutions)
    seen = f"all {field} steps" if field == window.frame else f"{places.plural(field, 'step')}{of}"
    moving = f", and moves on by {window.stride}" if window.stride > 1 and not window.whole else ""
    return Finding(
        message=f"An answer depends on {seen} of {name}{moving}; each call computes them all.",
        location=places.of_tensor(graph, tensor),
        evidence=(
            Numbers(
                title="Over time",
                numbers=(
                    ("steps a call", window.frame, ""),
                    ("receptive field", field, "steps"),
                    ("stride", window.stride, "steps"),
                    ("ring buffers that streaming would keep", kept, "bytes"),
                ),
            ),
            Table(
                title="Along the time axis",
                columns=("operator", "layer", "kernel", "stride", "dilation", "bytes of earlier steps"),
                rows=tuple(
                    (
                        graph.operators[c.operator].name,
                        locations.of(graph.index, c.operator).layer,
                        c.kernel,
                        c.stride,
                        c.dilation,
                        c.past * ELEMENT_BYTES.get(c.dtype, 0),
                    )
                    for c in window.convolutions
                ),
            ),
        ),
        cause="Its convolutions move along the time axis alone, and nothing of an earlier call is kept.",
        remedy=Remedy(
            "For a stream, keep the last steps before each convolution and convert the network for one frame.",
            "class Stream(keras.layers.Layer):  # before a Conv1D with padding='valid'\n"
            "    def build(self, shape):\n"
            "        past = (self.kernel_size - 1) * self.dilation_rate\n"
            "        self.states = self.add_weight((1, past, shape[-1]), initializer='zeros', trainable=False)\n\n"
            "    def call(self, frame):\n"
            "        window = keras.ops.concatenate([self.states, frame], axis=1)\n"
            "        self.states.assign(window[:, -self.states.shape[1]:])\n"
            "        return window",
        ),
        key=(name,),
    )
