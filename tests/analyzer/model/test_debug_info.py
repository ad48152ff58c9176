"""Operators find the layers, and the lines, that they came from."""

from __future__ import annotations

import inspect
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.analyzer.model.debug_info import OpLocation, locate
from tflite_audit.analyzer.model.flatbuffer import parse, read
from tflite_audit.analyzer.model.types import Model

NOWHERE = OpLocation(None, (), ())


def located(op: str, name: str) -> OpLocation:
    m = ModelBuilder()
    m.op(op, [m.tensor("x", "float32", (1,))], [m.tensor(name, "float32", (1,))])
    return locate(m.model()).of(0, 0)


@pytest.mark.parametrize(
    ("op", "name", "layer"),
    [
        ("CONV_2D", "sequential_1/myconv_1/Relu;sequential_1/myconv_1/convolution", "sequential_1/myconv_1"),
        ("FULLY_CONNECTED", "functional_1/activation/Relu;functional_1/dense/BiasAdd", "functional_1/dense"),
        # Constants shared between layers leave the names of other layers in the list.
        (
            "CONV_2D",
            "net/activation/Relu;net/bn/FusedBatchNormV3;net/conv2d/BiasAdd/ReadVariableOp/resource;"
            "net/conv2d/BiasAdd;net/conv2d_4/Conv2D;net/conv2d/Conv2D1",
            "net/conv2d",
        ),
        (
            "DEPTHWISE_CONV_2D",
            "m/dw_5/BiasAdd;m/conv2d_9/Conv2D;m/dw_5/depthwise;m/dw_5/BiasAdd/ReadVariableOp",
            "m/dw_5",
        ),
        ("CONV_2D", "m/act/Relu;m/bn/FusedBatchNormV3;m/conv2d_9/Conv2D;m/conv2d_6/Conv2D", "m/conv2d_6"),
        (
            "RESHAPE",
            "s/quant_flatten/Reshape;s/quantize_layer/AllValuesQuantize/FakeQuantWithMinMaxVars",
            "s/quant_flatten",
        ),
        ("RESHAPE", "s/lstm_1/transpose;s/lstm_1/transpose/perm1", "s/lstm_1"),
        ("CONV_2D", "unet/conv2d/Relu;StatefulPartitionedCall/unet/conv2d/Conv2D;unknown_0", "unet/conv2d"),
        ("WHILE", "s/lstm_1/while", "s/lstm_1"),
        ("MAX_POOL_2D", "Conv/MaxPool", "Conv"),
        ("SOFTMAX", "Softmax", None),
    ],
)
def test_layers_from_names(op: str, name: str, layer: str | None) -> None:
    assert located(op, name).layer == layer


@pytest.mark.parametrize(
    "name",
    [
        *("", ";", "StatefulPartitionedCall:0", "StatefulPartitionedCall_1:01", "PartitionedCall:0"),
        *("Identity", "Identity_2", "tfl.quantize", "tfl.add1", "arith.constant", "unknown_12"),
    ],
)
def test_names_that_tell_nothing(name: str) -> None:
    assert located("ADD", name) == NOWHERE


def test_names_are_listed_once() -> None:
    assert located("NEG", "a/b/Neg;a/b/Neg;a/c/x").names == ("a/b/Neg", "a/c/x")


def test_an_operator_without_outputs_is_nowhere() -> None:
    m = ModelBuilder()
    m.op("CALL_ONCE", [], [], options={"init_subgraph_index": -1})
    assert locate(m.model()).of(0, 0) == NOWHERE


@pytest.mark.shared
def test_layers_of_real_files(shared: Path) -> None:
    def layers(slug: str) -> list[str | None]:
        model = read(shared / "models" / f"{slug}.tflite")
        locations = locate(model)
        return [locations.of(g.index, op.index).layer for g, op in model.operators]

    found = layers("mlperftiny_kws_ref_model")
    assert found[:4] == [
        "functional_1/conv2d",
        "functional_1/depthwise_conv2d",
        "functional_1/conv2d_1",
        "functional_1/depthwise_conv2d_1",
    ]
    assert layers("mlperftiny_model_toycar_quant")[1:4] == [f"functional_1/dense{i}" for i in ("_1", "_2", "_3")]


def test_a_damaged_buffer_leaves_the_names() -> None:
    rng = random.Random(1)
    for size in (0, 1, 16, 200):
        m = ModelBuilder()
        m.op("RELU", [m.tensor("x", "float32", (1,))], [m.tensor("net/act/Relu", "float32", (1,))])
        m.metadata("debug_metadata", rng.randbytes(size))
        assert locate(m.model()).of(0, 0) == OpLocation("net/act", ("net/act/Relu",), ())


# What TensorFlow writes


@dataclass
class Converted:
    """A conversion with `serialize_debug_metadata`, and the number of the first line of the function converted."""

    model: Model
    data: bytes
    first_line: int

    @property
    def metadata(self) -> bytes:
        (entry,) = (m for m in self.model.metadata if m.name == "debug_metadata")
        return bytes(self.model.buffers.bytes(entry.buffer))


def make_module(tf: Any) -> Any:
    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(tf.ones((3, 3, 1, 2)))
            self.dense = tf.Variable(tf.ones((72, 3)))

        @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 1), tf.float32, name="image")])
        def __call__(self, image: Any) -> Any:
            with tf.name_scope("block"):
                x = tf.nn.conv2d(image, self.kernel, 1, "VALID")  # first line + 9
                x = tf.nn.relu(x)
            x = tf.reshape(x, (1, -1))
            x = tf.matmul(x, self.dense)  # + 12
            return tf.nn.softmax(x) + 1.0  # + 13

    return Module()


@pytest.fixture(scope="module")
def converted() -> Converted:
    import tensorflow as tf

    module = make_module(tf)
    functions = [module.__call__.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, module)
    converter.serialize_debug_metadata = True
    data = converter.convert()
    return Converted(parse(data), data, inspect.getsourcelines(make_module)[1] + 1)


@pytest.mark.tensorflow
def test_lines_of_a_converted_function(converted: Converted) -> None:
    locations = locate(converted.model)
    found = {op.name: locations.of(g.index, op.index) for g, op in converted.model.operators}
    lines = {name: where.frames[0].line - converted.first_line for name, where in found.items()}
    assert lines["CONV_2D"] == 9
    assert lines["RESHAPE"] == 11
    assert lines["FULLY_CONNECTED"] == 12
    assert lines["SOFTMAX"] == lines["ADD"] == 13
    assert found["CONV_2D"].layer == "block"
    assert found["ADD"].names == ("add",), "its tensor is called StatefulPartitionedCall:0; the metadata knows better"
    for where in found.values():
        assert all(frame.file == __file__ for frame in where.frames[:1])
        assert not any("/tensorflow/" in frame.file for frame in where.frames)


@pytest.mark.tensorflow
def test_names_are_believed_over_metadata(converted: Converted) -> None:
    """The same number of operators and constants, but other names: what the metadata says belongs elsewhere."""
    main = converted.model.subgraphs[0]
    m = ModelBuilder()
    for tensor in main.tensors:
        data = [0.0] if tensor.constant else None
        m.tensor(f"other/layer/{tensor.index}", "float32", (1,), data)
    for op in main.operators:
        m.op(op.name, op.inputs, op.outputs)
    m.metadata("debug_metadata", converted.metadata)
    model = m.model()
    locations = locate(model)
    for op in model.subgraphs[0].operators:
        where = locations.of(0, op.index)
        assert (where.layer, where.frames) == ("other/layer", ())


@pytest.mark.tensorflow
def test_without_names_the_number_of_constants_confirms_the_metadata(converted: Converted) -> None:
    main = converted.model.subgraphs[0]

    def anonymous(extra: int) -> Model:
        m = ModelBuilder()
        for tensor in main.tensors:
            m.tensor(None, "float32", (1,), [0.0] if tensor.constant else None)
        for _ in range(extra):
            m.tensor(None, "float32", (1,), [0.0])
        for op in main.operators:
            m.op(op.name, op.inputs, op.outputs)
        m.metadata("debug_metadata", converted.metadata)
        return m.model()

    assert locate(anonymous(0)).of(0, 0).layer == "block"
    assert locate(anonymous(1)).of(0, 0) == NOWHERE


@pytest.mark.tensorflow
def test_damaged_metadata_never_raises(converted: Converted) -> None:
    rng = random.Random(2)
    start = converted.data.index(converted.metadata)
    for _ in range(300):
        data = bytearray(converted.data)
        for _ in range(rng.choice([1, 4, 40])):
            data[start + rng.randrange(len(converted.metadata))] = rng.randrange(256)
        locations = locate(parse(bytes(data)))
        for g, op in locations.model.operators:
            locations.of(g.index, op.index)
        assert locations.of(0, 0).layer == "block", "its tensor has a name of its own"


@pytest.mark.tensorflow
def test_layers_of_a_keras_model_without_lines() -> None:
    import tensorflow as tf

    keras: Any = tf.keras
    layers = [
        keras.layers.Input((8, 8, 1), batch_size=1),
        keras.layers.Conv2D(2, 3, activation="relu", name="my_conv"),
        keras.layers.Flatten(),
        keras.layers.Dense(3, activation="softmax", name="my_dense"),
    ]
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(layers, name="net"))
    converter.serialize_debug_metadata = True
    model = parse(converter.convert())
    locations = locate(model)
    found = {op.name: locations.of(g.index, op.index) for g, op in model.operators}
    assert found["CONV_2D"].layer == "net_1/my_conv_1"
    assert found["SOFTMAX"].layer == "net_1/my_dense_1", "its tensor is the output, without a name of its own"
    assert not any(where.frames for where in found.values())
