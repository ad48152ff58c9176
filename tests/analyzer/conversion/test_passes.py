"""The IR stream, read."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.analyzer.conversion.conftest import Converted
from tflite_audit.analyzer.conversion.passes import read, write_last

STREAM = b"""Saved artifact at '/tmp/x'. Printed by Python, no IR:
  "tf.NotCounted"()
// -----// IR Dump After Canonicalizer (canonicalize) ('func.func' operation: @NoOp) //----- //
module attributes {tf.versions = {producer = 2474 : i32}, tf_saved_model.semantics} {
  "tf_saved_model.global_tensor"() <{sym_name = "w", value = dense_resource<__elided__> : tensor<4xf32>}> : () -> ()
  func.func @main(%arg0: tensor<?x4xf32> {tf._user_specified_name = "x"}) -> (tensor<?x4xf32>) {
    %cst, %cst_0 = "tf.Pair"() : () -> (tensor<4xf32>, tensor<4xf32>)
    %0:2 = "tf.While"(%arg0, %cst) <{body = @b}> : (tensor<?x4xf32>, tensor<4xf32>) -> (tensor<?x4xf32>, tensor<4xf32>)
    %1 = func.call @f(%0#1) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = "tf.WhileRegion"(%1) ({
    ^bb0(%arg4: tensor<i32>):
      "tf.Yield"(%10) : (tensor<i1>) -> ()
    }) {device = "tf.NotAnOp"} : (tensor<4xf32>) -> tensor<4xf32>
    return %0#0 : tensor<?x4xf32>
  }
}


// -----// IR Dump After LegalizeTFPass (tfl-legalize-tf) ('func.func' operation: @main) //----- //
module {
  func.func @main(%arg0: tensor<?x4xf32>) -> tensor<?x4xf32> {
    %0 = tfl.add %arg0, %arg0 {fused_activation_function = "NONE"} : tensor<?x4xf32>
    %cst = arith.constant dense<1.0> : tensor<f32>
    return %0 : tensor<?x4xf32>
  }
}


// -----// IR Dump After LowerListsPass Failed (tfl-lower-static-tensor-list) ('builtin.module' operation) //----- //
"builtin.module"() ({
  "func.func"() <{sym_name = "main"}> ({
  ^bb0(%arg0: tensor<?x4xf32>):
    %0 = "tf.TensorListReserve"(%arg0) : (tensor<?x4xf32>) -> tensor<!tf_type.variant>
    "func.return"(%0) : (tensor<!tf_type.variant>) -> ()
"""


def test_a_stream(tmp_path: Path) -> None:
    (tmp_path / "ir").write_bytes(STREAM)
    first, second, third = read(tmp_path / "ir")
    assert (first.name, first.pipeline, first.failed) == ("Canonicalizer", "func.func @NoOp", False)
    assert first.before == {}
    assert first.after == {
        "tf_saved_model.global_tensor": 1,
        "tf.Pair": 1,
        "tf.While": 1,
        "func.call": 1,
        "tf.WhileRegion": 1,
        "tf.Yield": 1,
    }
    assert (second.name, second.pipeline) == ("LegalizeTFPass", "func.func @main")
    assert second.before == first.after
    assert second.after == {"tfl.add": 1, "arith.constant": 1}
    assert (third.name, third.pipeline, third.failed) == ("LowerListsPass", "builtin.module", True)
    assert third.after == {"tf.TensorListReserve": 1}


def test_a_stream_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "ir").write_bytes(STREAM[: STREAM.index(b"arith.constant")])
    assert read(tmp_path / "ir")[-1].after == {"tfl.add": 1}
    (tmp_path / "ir").write_bytes(STREAM[: STREAM.index(b"(tfl-legalize-tf)")])
    assert [p.name for p in read(tmp_path / "ir")] == ["Canonicalizer"]
    (tmp_path / "ir").write_bytes(b"")
    assert read(tmp_path / "ir") == ()


def test_the_last_dump_is_kept(tmp_path: Path) -> None:
    (tmp_path / "ir").write_bytes(STREAM)
    assert write_last(tmp_path / "ir", tmp_path / "last")
    text = (tmp_path / "last").read_bytes()
    assert text.startswith(b"// -----// IR Dump After LowerListsPass Failed")
    assert text.endswith(b"-> ()\n")
    (tmp_path / "ir").write_bytes(b"nothing of the compiler's")
    assert not write_last(tmp_path / "ir", tmp_path / "other")


def test_a_real_conversion_is_seen_from_tensorflow_to_tflite(digits: Converted) -> None:
    passes = digits.conversions["int8"].passes
    names = [p.name for p in passes]
    assert names.index("LegalizeTFPass") < names.index("PrepareQuantizePass") < names.index("QuantizePass")
    assert all(later.before == earlier.after for earlier, later in itertools.pairwise(passes))
    assert not any(p.failed for p in passes)
    legalize, quantize = (passes[names.index(name)] for name in ("LegalizeTFPass", "QuantizePass"))
    assert legalize.before["tf.Relu"] if "tf.Relu" in legalize.before else legalize.before["tf.MaxPool"]
    assert not any(op.startswith("tf.") for op in legalize.after)
    assert legalize.after["tfl.max_pool_2d"] == 1
    assert quantize.after["tfl.pseudo_qconst"] >= 2
    assert "QuantizePass" not in [p.name for p in digits.conversions["float32"].passes]
