"""`stream.py`: an example that runs a converted step model, with numpy and LiteRT alone."""

from __future__ import annotations

from .analyzer.conversion.streaming.requests import FIRST
from .analyzer.conversion.streaming.types import Per, StepPlan

SCRIPT = "stream.py"


def script(plan: StepPlan, model: str) -> str:
    """A Python script for the step models of a plan.

    Args:
        model: path of the one that it runs by default, relative to the script.
    """
    states = "".join(f"    {state.input!r}: {state.output!r},\n" for state in plan.states)
    inputs = "".join(f"    {port.name!r}: ({list(port.shape)}, {port.dtype!r}),\n" for port in plan.inputs)
    once = [port.name for port in plan.inputs if port.per is Per.SEQUENCE]
    given = [state for state in plan.states if state.given]
    notes = [f"{', '.join(once)}: the same at every step of a sequence"] if once else []
    notes += [
        f"{state.input}: begins as the source model's input {state.given}: reset({state.input}=...)" for state in given
    ]
    files = any(not state.zero and not state.given for state in plan.states)
    first = f"dict(np.load(HERE / {FIRST!r}))" if files else "{}"
    remarks = "".join(f"# {note}\n" for note in notes)
    return _TEMPLATE.format(states=states, inputs=inputs, remarks=remarks, first=first, model=model)


_TEMPLATE = '''"""Runs a model one step a call, and passes its states on.

It needs numpy, and LiteRT (pip install ai-edge-litert) or TensorFlow.

    python stream.py                        # made-up steps
    python stream.py int8/model.tflite      # another model
    python stream.py MODEL SEQUENCE.npz     # arrays by input name, the steps first

In a program of your own:

    stream = Stream("model.tflite")
    for step in steps:                      # of the shapes in INPUTS
        outputs = stream(name=step)         # real values by name
    stream.reset()                          # before the next sequence
"""

import sys
from pathlib import Path

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tensorflow.lite import Interpreter

HERE = Path(__file__).resolve().parent

INPUTS = {{
{inputs}}}
"""What a step takes beside its states: shape and type."""

STATES = {{
{states}}}
"""State, and the output that is its next value."""

NEW = set(STATES.values())

FIRST = {first}
"""What states begin with; zeros, where it is not here."""
{remarks}

class Stream:
    """A sequence that goes on with every call."""

    def __init__(self, model):
        interpreter = Interpreter(model_path=str(model), num_threads=1)
        self.run = interpreter.get_signature_runner()
        self.inputs = self.run.get_input_details()
        self.outputs = self.run.get_output_details()
        self.reset()

    def reset(self, **first):
        """Begin anew; states may be given, as real values."""
        values = {{name: np.zeros(self.inputs[name]["shape"], np.float32) for name in STATES}}
        values.update(FIRST)
        values.update(first)
        self.states = {{name: quantized(value, self.inputs[name]) for name, value in values.items()}}

    def __call__(self, **step):
        """One step: real values in, real values out."""
        given = {{name: quantized(value, self.inputs[name]) for name, value in step.items()}}
        answers = self.run(**given, **self.states)
        for name, output in STATES.items():
            into, out_of = self.inputs[name], self.outputs[output]
            # The integers of one scale go on as they are; those of another are computed anew.
            same = into["dtype"] == out_of["dtype"] and into["quantization"] == out_of["quantization"]
            value = answers[output]
            self.states[name] = value if same else quantized(real(value, out_of), into)
        return {{name: real(value, self.outputs[name]) for name, value in answers.items() if name not in NEW}}


def quantized(values, details):
    """Real values as an input takes them."""
    dtype, (scale, zero_point) = details["dtype"], details["quantization"]
    values = np.asarray(values)
    if scale and values.dtype.kind == "f":
        bounds = np.iinfo(dtype)
        values = np.clip(np.round(values / scale) + zero_point, bounds.min, bounds.max)
    return values.astype(dtype).reshape(details["shape"])


def real(values, details):
    """What an output's values stand for."""
    scale, zero_point = details["quantization"]
    return (values.astype(np.float32) - zero_point) * np.float32(scale) if scale else values


def made_up(steps=20):
    """Random steps."""
    random = np.random.default_rng(0)
    return {{
        name: random.uniform(-1, 1, [steps, *shape]).astype(dtype)
        if np.dtype(dtype).kind == "f"
        else random.integers(0, 2, [steps, *shape]).astype(dtype)
        for name, (shape, dtype) in INPUTS.items()
    }}


def main(model=HERE / "{model}", sequence=None):
    steps = dict(np.load(sequence)) if sequence else made_up()
    stream = Stream(model)
    for number in range(min(map(len, steps.values()))):
        outputs = stream(**{{name: values[number] for name, values in steps.items()}})
        for name, value in outputs.items():
            print(number, name, np.array2string(value.ravel()[:8], precision=4))


if __name__ == "__main__":
    main(*sys.argv[1:])
'''
