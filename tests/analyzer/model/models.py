"""Models that several tests here read."""

from __future__ import annotations

import numpy as np

from tests.builders.flatbuffers import ModelBuilder


def rich() -> ModelBuilder:
    """A little of everything that a file can hold: three subgraphs, calls, options of every kind, quantization."""
    m = ModelBuilder(description="rich")
    m.subgraph("main")
    x = m.tensor("image", "int8", (1, 4, 4, 1), scale=0.5, zero_point=-1, signature=(-1, 4, 4, 1))
    w = m.tensor("conv/w", "int8", (2, 3, 3, 1), np.arange(18), scale=[0.1, 0.2], axis=0)
    b = m.tensor("conv/b", "int32", (2,), [1, -2], scale=[0.05, 0.1], axis=0)
    y = m.tensor("net/conv/Relu;net/conv/Conv2D", "int8", (1, 2, 2, 2), scale=0.25, zero_point=3)
    conv = {"padding": "VALID", "stride_w": 1, "stride_h": 1, "fused_activation_function": "RELU"}
    m.op("CONV_2D", [x, w, b], [y], version=3, options=conv)
    shape = m.tensor("shape", "int32", (2,), [1, 8])
    flat = m.tensor("flat", "int8", (1, 8), scale=0.25, zero_point=3)
    m.op("RESHAPE", [y, shape], [flat], options={"new_shape": [1, 8]})
    real = m.tensor("real", "float32", (1, 8), minimum=-1.0, maximum=1.0)
    m.op("DEQUANTIZE", [flat], [real])
    state = m.tensor("state", "float32", (1, 8), variable=True)
    packed = m.tensor("packed", "int4", (4, 8), np.arange(32) % 16 - 8, block_size=8, scales_tensor=1)
    dense = m.tensor("dense", "float32", (1, 4))
    m.op("FULLY_CONNECTED", [real, packed, -1], [dense], options={"fused_activation_function": "NONE"})
    handle = m.tensor("handle", "resource", ())
    m.op("VAR_HANDLE", [], [handle], options={"container": "", "shared_name": "v"})
    custom = m.tensor("custom", "float32", (1, 4))
    m.op("Mine", [dense, state], [custom], custom=True, custom_options=b"\x01\x02")
    result = m.tensor("result", "float32", (1, 4))
    m.op("WHILE", [custom], [result], options={"cond_subgraph_index": 1, "body_subgraph_index": 2})
    texts = m.tensor("texts", "string", (2,), ["a", "bcd"])
    m.tensor("sparse", "float32", (4, 4), np.ones(3), sparse=True)
    m.tensor("half", "bfloat16", (2,), [1.5, -2.0])
    m.outputs(result, texts)
    m.signature("serving_default", {"image": x}, {"result": result, "texts": texts})
    m.subgraph("cond")
    c = m.tensor("c", "float32", (1, 4))
    m.inputs(c)
    m.op("GREATER", [c, m.tensor("zero", "float32", (), [0.0])], [m.tensor("go", "bool", (1, 4))], options={})
    m.subgraph("body")
    d = m.tensor("d", "float32", (1, 4))
    e = m.tensor("e", "float32", (1, 4))
    m.op("MUL", [d, d], [e], options={"fused_activation_function": "TANH"})
    m.operator_code("RSQRT")
    m.metadata("min_runtime_version", b"2.5.0\0\0\0")
    return m
