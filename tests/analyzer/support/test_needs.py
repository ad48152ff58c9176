"""What a file needs of a runtime, and what public files state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.flatbuffers import ModelBuilder
from tests.cases.models import Net
from tflite_audit.analyzer.model.flatbuffer import InvalidModel, read
from tflite_audit.analyzer.support import matrix, needs
from tflite_audit.analyzer.support.needs import Needs
from tflite_audit.analyzer.support.releases import RELEASES, Release

LOADED = matrix.load()
RELEASE = {release.name: release for release in RELEASES}


def of(builder: ModelBuilder) -> Needs:
    return needs.of(builder.model(), LOADED)


def lacking(found: Needs, release: Release) -> list[str] | None:
    uses = found.lacking(release)
    return None if uses is None else [str(use) for use in uses]


def some() -> Net:
    net = Net()
    for version in (3, 3, 5):
        net.op("CONV_2D", [net.act("x"), net.weights("w")], [net.act("y")], version=version)
    net.op("Sinh", [net.act("s")], [net.act("t")], custom=True)
    net.operator_code("FULLY_CONNECTED", version=14)
    return net


def test_what_is_used_counts_and_what_is_listed_does_not() -> None:
    found = of(some())
    assert [(use.name, use.version, use.count, use.since) for use in found.used] == [
        ("CONV_2D", 5, 1, "2.4.0"),
        ("CONV_2D", 3, 2, "1.14.0"),
    ]
    assert [str(use) for use in found.unused] == ["FULLY_CONNECTED version 14"]
    assert found.runtime == "2.4.0"
    assert [str(use) for use in found.deciding] == ["CONV_2D version 5"]


def test_interpreters_look_for_what_is_listed_too() -> None:
    found = of(some())
    assert lacking(found, RELEASE["TensorFlow (Python)"]) == []
    assert lacking(found, RELEASE["TensorFlowLiteSwift (iOS)"]) == ["FULLY_CONNECTED version 14"]
    assert lacking(found, RELEASE["TensorFlow Lite Micro"]) == []
    assert lacking(found, RELEASE["LiteRT in Google Play services (Android)"]) is None


def test_micro_has_operators_by_name() -> None:
    net = Net()
    net.op("ADD", [net.act("x"), net.act("y")], [net.act("z")], version=99)
    net.op("RFFT2D", [net.act("z")], [net.act("f")])
    assert lacking(of(net), RELEASE["TensorFlow Lite Micro"]) == ["RFFT2D version 1"]


def test_what_only_litert_has_is_of_no_known_tensorflow_lite() -> None:
    net = Net()
    net.op("SIN", [net.act("x")], [net.act("y")], version=2)
    found = of(net)
    assert (found.runtime, [str(use) for use in found.unknown]) == (None, ["SIN version 2"])
    assert lacking(found, RELEASE["LiteRT (Python)"]) == []
    assert lacking(found, RELEASE["TensorFlow (Python)"]) == ["SIN version 2"]
    assert lacking(found, RELEASE["org.tensorflow:tensorflow-lite (Android)"]) == ["SIN version 2"]


def test_an_operator_of_the_table_without_a_kernel() -> None:
    net = Net()
    net.op("STABLEHLO_CBRT", [net.act("x")], [net.act("y")])
    assert of(net).runtime == "2.17.0"
    assert lacking(of(net), RELEASE["org.tensorflow:tensorflow-lite (Android)"]) == ["STABLEHLO_CBRT version 1"]


def test_no_operators() -> None:
    assert of(ModelBuilder()) == Needs((), ())
    assert of(ModelBuilder()).runtime is None


@pytest.mark.parametrize(("older", "newer"), [("2.9.0", "2.14.0"), ("1.15.0", "2.0"), ("1.13", "1.13.1")])
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    assert needs.number(older) < needs.number(newer)


def test_zeros_at_the_end_say_nothing() -> None:
    assert needs.number("2.14") == needs.number("2.14.0")


@pytest.mark.parametrize("text", ["", "latest", "2.x", "2..1"])
def test_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        needs.number(text)


# Public files: what they state is what they need, but for these

AFTERWARDS = "another tool changed the operators afterwards"  # ai-edge-quantizer, which leaves the field
POSTTRAINING = "an old converter's quantizer came after the field was written"
INT16 = "int16 or float16 in versions of other types"

STATED_AND_NEEDED = {
    "aeq_mnist_quantized": ("1.5.0", "1.13.1", AFTERWARDS),
    "aeq_partly_quantized_mnist": ("1.5.0", "1.14.0", AFTERWARDS),
    # A BATCH_MATMUL stands for a FULLY_CONNECTED version 5, whose code is listed still.
    "aeq_single_fc_bias_sub_channel_weight_only_sym_weight": ("2.0.0", "2.3.0", AFTERWARDS),
    "litert_dynamic_shapes": ("1.13.1", "2.3.0", "not known: BATCH_MATMUL alone was not counted"),
    "litert_mul_quant": ("1.5.0", "2.3.0", INT16),
    "litert_pc_conv": ("1.5.0", "1.14.0", POSTTRAINING),
    "litert_simple_quantized_ops": ("1.5.0", "2.3.0", INT16),
    "litert_static_w8_a16_quantized_k_einsum": ("2.3.0", "2.4.0", INT16),
    "litert_test_model_redux_precision": ("1.5.0", "1.15.0", INT16),
    "ml_zoo_hist_ds_cnn_quantized": ("1.5.0", "2.3.0", INT16),
    "mlperftiny_kws_ref_model": ("1.5.0", "1.14.0", POSTTRAINING),
    "mlperftiny_kws_ref_model_float32": ("1.5.0", "1.14.0", POSTTRAINING),
    "mlperftiny_model_toycar_quant": ("1.5.0", "1.14.0", POSTTRAINING),
    "mlperftiny_model_toycar_quant_fullint_micro_intio": ("1.5.0", "1.14.0", POSTTRAINING),
    "mlperftiny_pretrainedresnet_quant": ("1.5.0", "1.14.0", POSTTRAINING),
    "tflm_hist_model": ("1.5.0", "1.14.0", POSTTRAINING),
    "tflm_micro_speech_quantized": ("1.5.0", "1.14.0", POSTTRAINING),
}
WITHOUT_BUILTINS = {"litert_simple_model_qualcomm_sm8650_precompiled", "litert_with_metadata"}
"""Their operators were replaced by one custom operator; the field is of before."""


@pytest.mark.shared
def test_public_files_state_what_they_need(shared: Path) -> None:
    equal, differing, silent = set(), dict[str, tuple[str, str | None]](), set()
    for path in sorted((shared / "models").glob("*.tflite")):
        try:
            model = read(path)
        except InvalidModel:
            continue
        stated, needed = model.min_runtime_version, needs.of(model, LOADED).runtime
        if stated is None:
            silent.add(path.stem)
        elif stated == needed:
            equal.add(path.stem)
        else:
            differing[path.stem] = stated, needed
    assert {name for name, (_, needed) in differing.items() if needed is None} == WITHOUT_BUILTINS
    assert {n: found for n, found in differing.items() if n not in WITHOUT_BUILTINS} == {
        name: (stated, needed) for name, (stated, needed, _) in STATED_AND_NEEDED.items()
    }
    assert (len(equal), len(silent)) == (46, 43)


@pytest.mark.shared
def test_public_files_that_list_what_they_do_not_use(shared: Path) -> None:
    names = ("litert_fc_qat", "mlperftiny_pretrainedresnet_quant", "tflm_keyword_scrambled")
    found = {name: needs.of(read(shared / "models" / f"{name}.tflite"), LOADED).unused for name in names}
    assert {name: [str(use) for use in uses] for name, uses in found.items()} == {
        "litert_fc_qat": ["DEQUANTIZE version 2"],
        "mlperftiny_pretrainedresnet_quant": ["QUANTIZE version 1", "DEQUANTIZE version 2"],
        "tflm_keyword_scrambled": ["DEQUANTIZE version 2"],
    }
