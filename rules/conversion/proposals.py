"""Changes that may cure a failed conversion; each says what to paste, what it costs, and what can be tried of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tflite_audit.analyzer.conversion.recipe import as_code
from tflite_audit.analyzer.conversion.types import Change, Conversion, Rebuild, Recipe, SourceChange, TensorSpec
from tflite_audit.rules.conversion import operators
from tflite_audit.rules.conversion.rewrites import REWRITES
from tflite_audit.rules.quantization.rewrites import rewrite
from tflite_audit.rules.rule import Proposal

_INT8 = "TFLITE_BUILTINS_INT8"
_INT16X8 = "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
_BUILTINS, _FLEX = "TFLITE_BUILTINS", "SELECT_TF_OPS"

# The source


def free_batch(conversion: Conversion) -> bool:
    """The first dimension of an input is free."""
    return any(spec.shape and spec.shape[0] == -1 for spec in _inputs(conversion))


def free_elsewhere(conversion: Conversion) -> tuple[TensorSpec, ...]:
    """The inputs with another dimension free, or none known."""
    return tuple(spec for spec in _inputs(conversion) if spec.shape is None or -1 in spec.shape[1:])


def is_keras_3(conversion: Conversion) -> bool:
    """A Keras 3 model, whose layers tf_keras may have too."""
    return conversion.source_kind.startswith("Keras 3")


def is_keras(conversion: Conversion) -> bool:
    """A Keras model of either kind, which has layers to rebuild."""
    return conversion.source_kind.startswith(("Keras", "tf_keras"))


def fixed_batch(conversion: Conversion) -> Iterator[Proposal]:
    """Every input's batch is 1; with the other dimensions, where those are free and the samples tell their sizes."""
    if free_elsewhere(conversion):
        yield from fixed_shapes(conversion)
    elif free_batch(conversion):
        shapes = {spec.name: (1, *(spec.shape or ())[1:]) for spec in _inputs(conversion)}
        yield Proposal(
            "Fix the batch at 1",
            _input_code(conversion, shapes),
            "The converted model takes one sample a call.",
            Change(source=SourceChange(batch=1)),
        )


def fixed_shapes(conversion: Conversion) -> Iterator[Proposal]:
    """Every dimension of every input is fixed: the batch at 1, the others as in the calibration set."""
    inputs = _inputs(conversion)
    if not any(spec.shape is None or -1 in spec.shape for spec in inputs):
        return
    shapes = {spec.name: _fixed(spec, conversion.sample_shapes.get(spec.name)) for spec in inputs}
    unknown = any(shape is None for shape in shapes.values())
    guessed = any(shape is not None and -1 in shape for shape in shapes.values())
    tried = tuple((name, _guessed(shape)) for name, shape in shapes.items() if shape is not None)
    yield Proposal(
        "Fix every dimension of the inputs",
        _input_code(conversion, shapes),
        "The converted model takes one size only."
        + (
            f" Which, only you can tell: put it for the question marks ({_GUESS} where it is tried)." if guessed else ""
        ),
        None if unknown else Change(source=SourceChange(shapes=tried)),
    )


_GUESS = 32
"""A size that networks of images and sequences take, where no sample tells one."""


def _guessed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_GUESS if size == -1 else size for size in shape)


def tf_keras(conversion: Conversion) -> Iterator[Proposal]:
    """The same layers of tf_keras, whose recurrent ones carry the mark that the converter fuses by."""
    if not is_keras_3(conversion):
        return
    batch = 1 if free_batch(conversion) else None
    shapes = {spec.name: (1, *(spec.shape or ())[1:]) for spec in _inputs(conversion)} if batch else {}
    yield Proposal(
        "Build it with tf_keras" + (" and batch 1" if batch else "") + ", so that the layer can fuse",
        "import tf_keras as keras  # instead of: import keras; everything else stays as it is"
        + (f"\n\n{_input_code(conversion, shapes)}" if shapes else ""),
        "One operator instead of a loop for a standard LSTM (tanh and sigmoid, no mask) whose last cell state nothing "
        "uses; with return_state, stateful=True or as a GRU it stays a loop.",
        Change(source=SourceChange(batch=batch, rebuild=(Rebuild.TF_KERAS,))),
    )


def unrolled(conversion: Conversion) -> Iterator[Proposal]:
    """The recurrent layers without a loop."""
    steps = _steps(conversion)
    if not is_keras(conversion) or steps is None:
        return
    yield Proposal(
        f"Unroll the recurrent layers over their {steps} steps",
        "keras.layers.LSTM(units, unroll=True)  # likewise GRU, SimpleRNN and RNN",
        f"One copy of the cell for each of the {steps} steps: operators and file grow with them.",
        Change(source=SourceChange(batch=1 if free_batch(conversion) else None, rebuild=(Rebuild.UNROLL,))),
    )


def python_loop() -> Proposal:
    """Unrolled by the user's own code."""
    return Proposal(
        "Write the loop as a Python loop of fixed length",
        "for step in range(STEPS):  # not tf.range: AutoGraph unrolls it\n    x = body(x)",
        "One copy of the body for each step.",
    )


def state_outside(conversion: Conversion) -> Iterator[Proposal]:
    """One step a call, with the state as input and output; not for a model that is known to have no recurrent layer."""
    if conversion.recurrent == ():
        return
    by_hand = (
        "step = keras.Input(batch_shape=(1, 1, features))\n"
        "state = [keras.Input(batch_shape=(1, units)), keras.Input(batch_shape=(1, units))]\n"
        "output, *new_state = keras.layers.LSTM(units, return_state=True, unroll=True)(step, initial_state=state)\n"
        "model = keras.Model([step, *state], [output, *new_state])\n"
        "model.set_weights(trained.get_weights())  # the same weights; the application keeps the state between calls"
    )
    command = "tflite-audit streamify SOURCE  # makes that model of yours, and compares it step by step"
    yield Proposal(
        "Take the state in as an input and give it back as an output",
        f"{command}\n\n# or by hand\n{by_hand}" if is_keras(conversion) else by_hand,
        "One call a step instead of one a sequence, and no loop at all.",
        Change(source=SourceChange(rebuild=(Rebuild.STEP,))) if is_keras(conversion) else None,
    )


def printless() -> Proposal:
    """Without what prints."""
    return Proposal("Take tf.print out of the model", "# tf.print(x)", "Nothing is printed any more.")


# The recipe


def single_batch(conversion: Conversion) -> Proposal:
    """The converter takes a free dimension of a list's elements for 1."""
    recipe = _with_attributes(
        conversion.recipe, "single-batch", _experimental_default_to_single_batch_in_tensor_list_ops=True
    )
    return Proposal(
        "Have the converter take the free dimension for 1",
        as_code(recipe),
        "An experimental setting. The inputs keep their free batch, and only batch 1 gives right answers.",
        Change(recipe=recipe),
    )


def flex(conversion: Conversion, ops: Iterable[str] = (), *, lists: bool = False) -> Proposal:
    """TensorFlow's own operators are kept; without calibration, which cannot run them.

    Args:
        ops: TensorFlow's names, for the words.
        lists: lists of tensors stay TensorFlow's.
    """
    recipe = conversion.recipe
    allowed = recipe.supported_ops if not set(recipe.supported_ops) & {_INT8, _INT16X8} else ()
    allowed = (*(allowed or (_BUILTINS,)), *(() if _FLEX in allowed else (_FLEX,)))
    recipe = replace(uncalibrated(recipe), supported_ops=allowed)
    attributes = {"_experimental_lower_tensor_list_ops": False} if lists else {}
    recipe = _with_attributes(recipe, "flex", **attributes)
    named = ", ".join(f"Flex{operators.bare(op)}" for op in dict.fromkeys(ops)) or "Flex operators"
    lost = " It is no longer calibrated: the calibrator runs no Flex operator." if conversion.recipe.calibrated else ""
    return Proposal(
        "Allow TensorFlow's own operators (Flex)",
        as_code(recipe),
        f"Converts to {named}, which need a runtime with the Flex delegate. The interpreters of the TensorFlow 2.21 "
        f"and LiteRT 2.3 packages on PyPI have none, and neither have microcontrollers, GPU or NPU delegates.{lost}",
        Change(recipe=recipe),
    )


def custom(conversion: Conversion, ops: Iterable[str]) -> Proposal:
    """Operators that the application brings the kernels of."""
    recipe = _with_attributes(uncalibrated(conversion.recipe), "custom", allow_custom_ops=True)
    named = ", ".join(dict.fromkeys(operators.bare(op) for op in ops))
    return Proposal(
        "Allow custom operators",
        as_code(recipe),
        f"Converts, and runs only where the application registers a kernel for {named}.",
        Change(recipe=recipe),
    )


def rewritten(ops: Iterable[str]) -> Iterator[Proposal]:
    """Builtins to write instead of operators of TensorFlow, where it is known how."""
    for op in dict.fromkeys(operators.bare(op) for op in ops):
        if op in REWRITES:
            yield Proposal(REWRITES[op].title, REWRITES[op].code, REWRITES[op].cost)


def quantizable(conversion: Conversion, builtins: Iterable[str]) -> Iterator[Proposal]:
    """Builtins to write instead of others, with a kernel for the integers of the recipe, where it is known how."""
    dtype = "int16" if _INT16X8 in conversion.recipe.supported_ops else "int8"
    for builtin in dict.fromkeys(builtins):
        if (found := rewrite(builtin, dtype)) is not None:
            yield Proposal(found.title, found.code, found.cost)


def float_fallback(conversion: Conversion, ops: Sequence[str]) -> Iterator[Proposal]:
    """What has no integer form stays float."""
    if conversion.recipe.float_fallback:
        return
    recipe = _with_attributes(conversion.recipe, "fallback")
    recipe = replace(recipe, supported_ops=(*recipe.supported_ops, _BUILTINS))
    kinds = list(dict.fromkeys(ops))
    yield Proposal(
        "Let operators without an integer form stay float",
        as_code(recipe),
        f"Leaves {len(ops)} float operator{'s' if len(ops) > 1 else ''} ({', '.join(kinds)}) between a DEQUANTIZE and "
        "a QUANTIZE each: not for a runtime that has integers only.",
        Change(recipe=recipe),
    )


def int8(conversion: Conversion) -> Iterator[Proposal]:
    """Activations of 8 bits, for which more operators have a form."""
    if _INT16X8 not in conversion.recipe.supported_ops:
        return
    recipe = conversion.recipe
    recipe = replace(
        _with_attributes(recipe, "int8"),
        supported_ops=tuple(_INT8 if ops == _INT16X8 else ops for ops in recipe.supported_ops),
        inference_input_type=_unless_int16(recipe.inference_input_type),
        inference_output_type=_unless_int16(recipe.inference_output_type),
    )
    yield Proposal(
        "Quantize the activations to int8",
        as_code(recipe),
        "8 bits an activation instead of 16: less accurate, and faster on most runtimes. The quantizer for int8 leaves "
        "what has no form float, whatever the recipe asks.",
        Change(recipe=recipe),
    )


def dynamic(conversion: Conversion) -> Proposal:
    """Weights are quantized, and activations only while it runs: nothing is calibrated."""
    recipe = replace(_with_attributes(uncalibrated(conversion.recipe), "dynamic"), supported_ops=())
    return Proposal(
        "Quantize the weights only (dynamic range)",
        as_code(recipe),
        "Needs no calibration. Activations stay float between operators: not for a runtime that has integers only.",
        Change(recipe=recipe),
    )


def uncalibrated(recipe: Recipe) -> Recipe:
    """The same without what calibration is needed for."""
    if not recipe.calibrated:
        return recipe
    allowed = tuple(ops for ops in recipe.supported_ops if ops not in (_INT8, _INT16X8))
    return replace(
        recipe, supported_ops=allowed, inference_input_type=None, inference_output_type=None, calibrated=False
    )


def _with_attributes(recipe: Recipe, word: str, **attributes: Any) -> Recipe:
    known: Mapping[str, Any] = {**recipe.attributes, **attributes}
    return replace(recipe, name=f"{recipe.name}-{word}", title="", attributes=known)


def _unless_int16(name: str | None) -> str | None:
    return None if name == "int16" else name


# Inputs


def _inputs(conversion: Conversion) -> tuple[TensorSpec, ...]:
    return tuple(spec for signature in conversion.signatures for spec in signature.inputs)


def _steps(conversion: Conversion) -> int | None:
    """The second dimension of the first sequence: (batch, steps, features)."""
    sizes = [spec.shape[1] for spec in _inputs(conversion) if spec.shape is not None and len(spec.shape) == 3]
    return next((size for size in sizes if size > 0), None)


def _fixed(spec: TensorSpec, sample: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """As the sample has it, batch 1; -1 where neither tells."""
    if spec.shape is None:
        return sample
    sizes = sample if sample is not None and len(sample) == len(spec.shape) else spec.shape
    fixed = tuple(given if size == -1 else size for size, given in zip(spec.shape, sizes, strict=True))
    return (1, *fixed[1:]) if fixed[:1] == (-1,) else fixed


def _input_code(conversion: Conversion, shapes: Mapping[str, tuple[int, ...] | None]) -> str:
    """Where the model is made, in Keras or TensorFlow; a question mark for a size that nobody knows."""
    types = {spec.name: spec.dtype for spec in _inputs(conversion)}
    if is_keras(conversion):
        return "\n".join(
            f'keras.Input(batch_shape={_shape(shape, "()")}, name="{name}"'
            + (f', dtype="{types[name]}")' if types[name] != "float32" else ")")
            for name, shape in shapes.items()
        )
    specs = ", ".join(
        f'tf.TensorSpec({_shape(shape, "[]")}, tf.{types[name]}, name="{name}")' for name, shape in shapes.items()
    )
    return f"@tf.function(input_signature=[{specs}])"


def _shape(shape: tuple[int, ...] | None, brackets: str) -> str:
    if shape is None:
        return "?"
    sizes = ", ".join("?" if size == -1 else str(size) for size in shape)
    return f"{brackets[0]}{sizes}{',' if len(shape) == 1 and brackets == '()' else ''}{brackets[1]}"
