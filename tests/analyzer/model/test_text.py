"""The printed model."""

from __future__ import annotations

from flatbuffers import flexbuffers

from tests.analyzer.model.models import rich
from tests.builders.flatbuffers import ModelBuilder
from tflite_audit.analyzer.model.text import lines, quoted

RICH = """\
module attributes {
  tfl.schema_version = 3,
  tfl.description = "rich",
  tfl.min_runtime_version = "2.5.0",
  tfl.metadata = {"min_runtime_version" = 8 bytes},
  tfl.signatures = {
    "serving_default" = @main("image" = %arg0) -> ("result" = %12, "texts" = %c13)
  }
} {
  func.func @main(%arg0: tensor<?x4x4x1x!quant<i8, 0.5:-1>> {name = "image"}) -> (tensor<1x4xf32> {name = "result"}, \
tensor<2x!tfl.string> {name = "texts"}) {
    %w1 = tfl.const dense<...> : tensor<2x3x3x1x!quant<i8:0, {0.1, 0.2}>> // "conv/w", 18 bytes
    %b2 = tfl.const dense<[1, -2]> : tensor<2x!quant<i32:0, {0.05, 0.1}>> // "conv/b"
    %3 = tfl.conv_2d(%arg0, %w1, %b2) {padding = "VALID", stride_w = 1, stride_h = 1, \
fused_activation_function = "RELU"} : (tensor<?x4x4x1x!quant<i8, 0.5:-1>>, tensor<2x3x3x1x!quant<i8:0, {0.1, 0.2}>>, \
tensor<2x!quant<i32:0, {0.05, 0.1}>>) -> tensor<1x2x2x2x!quant<i8, 0.25:3>> loc("net/conv")
    %c4 = tfl.const dense<[1, 8]> : tensor<2xi32> // "shape"
    %5 = tfl.reshape(%3, %c4) {new_shape = [1, 8]} : (tensor<1x2x2x2x!quant<i8, 0.25:3>>, tensor<2xi32>) -> \
tensor<1x8x!quant<i8, 0.25:3>> loc("flat")
    %6 = tfl.dequantize(%5) : (tensor<1x8x!quant<i8, 0.25:3>>) -> tensor<1x8x!quant.calibrated<f32<-1:1>>> loc("real")
    %w8 = tfl.const dense<...> : tensor<4x8x!quant<i4, blocks of 8>> // "packed", 16 bytes
    %9 = tfl.fully_connected(%6, %w8, none) : (tensor<1x8x!quant.calibrated<f32<-1:1>>>, \
tensor<4x8x!quant<i4, blocks of 8>>, none) -> tensor<1x4xf32> loc("dense")
    %10 = tfl.var_handle() {container = "", shared_name = "v"} : () -> tensor<!tfl.resource> loc("handle")
    %v7 = tfl.variable : tensor<1x8xf32> // "state"
    %11 = tfl.custom "Mine"(%9, %v7) {custom_options = "0x0102" (2 bytes)} : (tensor<1x4xf32>, tensor<1x8xf32>) -> \
tensor<1x4xf32> loc("custom")
    %12 = tfl.while(%11) {cond = @cond, body = @body} : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("result")
    %c13 = tfl.const dense<["a", "bcd"]> : tensor<2x!tfl.string> // "texts"
    return %12, %c13 : tensor<1x4xf32>, tensor<2x!tfl.string>
  }
  func.func @cond(%arg0: tensor<1x4xf32> {name = "c"}) -> (tensor<1x4xi1> {name = "go"}) {
    %c1 = tfl.const dense<0> : tensor<f32> // "zero"
    %2 = tfl.greater(%arg0, %c1) : (tensor<1x4xf32>, tensor<f32>) -> tensor<1x4xi1> loc("go")
    return %2 : tensor<1x4xi1>
  }
  func.func @body(%arg0: tensor<1x4xf32> {name = "d"}) -> (tensor<1x4xf32> {name = "e"}) {
    %1 = tfl.mul(%arg0, %arg0) {fused_activation_function = "TANH"} : (tensor<1x4xf32>, tensor<1x4xf32>) -> \
tensor<1x4xf32> loc("e")
    return %1 : tensor<1x4xf32>
  }
}"""


def test_a_model_in_full() -> None:
    assert "\n".join(lines(rich().model())) == RICH


def test_hostile_names_stay_quoted_and_on_their_line() -> None:
    hostile = 'a"} // \\ \n\r\x1b[31m\u202e\u2028\x00'
    m = ModelBuilder(description=hostile)
    m.subgraph(hostile)
    x, y = m.tensor(hostile, "float32", (1,)), m.tensor(hostile, "float32", (1,))
    m.op(hostile, [x, m.tensor(hostile, "string", (1,), [hostile])], [y], custom=True)
    m.signature(hostile, {hostile: x}, {})
    m.metadata(hostile, b"")
    text = list(lines(m.model()))
    assert all(line.isprintable() for line in text)
    assert len(text) == 14
    inside = r"a\"} // \\ \u{a}\u{d}\u{1b}[31m\u{202e}\u{2028}\u{0}"
    assert f'  func.func @"{inside}"(%arg0: tensor<1xf32> {{name = "{inside}"}})' in "\n".join(text)


def test_quoted_leaves_plain_text_alone() -> None:
    assert quoted("sequential_1/conv ünïcode") == '"sequential_1/conv ünïcode"'


def test_symbols_are_unique() -> None:
    m = ModelBuilder()
    for name in ("main", "f", "f", None):
        m.subgraph(name)
    heads = [line.strip() for line in lines(m.model()) if "func.func" in line]
    assert heads == [f"func.func {symbol}() -> () {{" for symbol in ("@main", "@f", "@f_2", "@subgraph_3")]


def test_odd_tensors() -> None:
    m = ModelBuilder()
    x = m.tensor("", "type_99", (-1, 2))
    y = m.tensor("y", "float8_e4m3fn", ())
    short = m.tensor("short", "float32", (3,), [1.0])
    m.op("BUILTIN_777", [x, short], [-1, y])
    m.inputs()
    text = "\n".join(lines(m.model()))
    assert "%u0 = tfl.undefined : tensor<?x2x!tfl.type_99> // nothing writes it" in text
    assert '%c2 = tfl.const dense<?> : tensor<3xf32> // "short", its buffer holds 1 values' in text
    assert "_, %1 = tfl.builtin_777(%u0, %c2)" in text
    assert "-> (none, tensor<f8E4M3FN>)" in text


def test_options_of_custom_operators_are_shown_as_data() -> None:
    m = ModelBuilder()
    for options in (flexbuffers.Dumps({"size": 3, "a b": ["x", 0.5]}), b"\x01\x02"):
        tensors = [m.tensor(f"{len(options)}{end}", "float32", (1,)) for end in "io"]
        m.op("Mine", tensors[:1], tensors[1:], custom=True, custom_options=bytes(options))
    text = "\n".join(lines(m.model()))
    assert '{"a b" = ["x", 0.5], size = 3} (FlexBuffer, ' in text
    assert 'custom_options = "0x0102" (2 bytes)' in text


def test_attributes_of_composites_are_shown_as_data() -> None:
    m = ModelBuilder()
    options = {"name": "acme.norm", "composite_attributes": bytes(flexbuffers.Dumps({"axis": -1}))}
    m.op("STABLEHLO_COMPOSITE", [m.tensor("x", "float32", (1,))], [m.tensor("y", "float32", (1,))], options=options)
    assert "composite_attributes = {axis = -1} (FlexBuffer, " in "\n".join(lines(m.model()))
