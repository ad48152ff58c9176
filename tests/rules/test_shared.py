"""The rules on real files, judged by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tflite_audit.analyzer.model.flatbuffer import InvalidModel, read
from tflite_audit.analyzer.support import matrix
from tflite_audit.rules import registry
from tflite_audit.rules.engine import Facts, judge
from tflite_audit.rules.precision import Kind
from tflite_audit.rules.rule import Status, fingerprint

pytestmark = pytest.mark.shared

JUDGED = {
    "aeq_conv_fc_mnist": ("float32", ""),
    "aeq_conv_fc_mnist_srq_a8w8": ("int8", ""),
    "aeq_mnist_quantized": ("weights only", "M008 Q201"),
    # Float, then one integer layer, then a hybrid one: every kind of float operator, and no island between integers.
    "aeq_partly_quantized_mnist": ("mixed", "M008 Q001 Q001 Q001 Q001 Q001"),
    "basic_pitch_nmp": ("float32", ""),
    "coral_keras_lstm_mnist_ptq": ("int8", "R003 R004"),
    "coral_split_concat_edgetpu": ("uint8", "C002 R004"),
    # MIRROR_PAD at the start; islands of it, of SQUARED_DIFFERENCE, of RSQRT, and of it with RESIZE_NEAREST_NEIGHBOR.
    "flutter_hist_magenta_arbitrary_image_stylization_v1_256_int8_transfer_1": (
        "int8",
        "Q001 Q002 Q002 Q002 Q002",
    ),
    "litert_call_once_mul": ("float32", "R004"),
    "litert_2_subgraphs": ("none", "M007"),
    "litert_custom_sinh": ("float32", "C002"),
    "litert_dynamic_shapes": ("float32", "M002 M008"),
    "litert_fc_qat": ("int8", ""),
    "litert_lstm": ("float32", "R003 R004"),
    "litert_lstm_quantized": ("int8", "R003 R004"),
    "litert_multi_subgraphs_while": ("float32", ""),
    "litert_pc_conv": ("int8", "M008"),
    "litert_resource_vars_calibrated": ("float32", "R004"),
    "litert_softplus_flex": ("float32", "C001"),
    "litert_static_w8_a16_quantized_k_einsum": ("int16x8", "M008"),
    "litert_svdf_quantized": ("int8", "R003 R004"),
    "litert_test_model_redux_precision": ("float16", "M008"),
    "litert_transpose": ("float32", "M006"),
    "litert_while_op_with_forwarding_input": ("none", ""),
    "mediapipe_face_detection_short_range": ("float16", ""),
    "mediapipe_selfie_segmentation": ("float16", "C002"),
    "ml_zoo_hist_ds_cnn_quantized": ("int16x8", "M008"),
    "mlperftiny_hist_trainedres_quant": ("int8", ""),
    "mlperftiny_kws_ref_model": ("int8", "M008"),
    "mlperftiny_kws_ref_model_float32": ("dynamic range", "M008 Q201"),
    # Per-tensor weights, where 36 of 128 channels of a layer have a range of a sixteenth or less of the widest.
    "mlperftiny_model_toycar_quant": ("dynamic range", "M008 Q101 Q201"),
    "mlperftiny_pretrainedresnet_quant": ("int8", "M008"),
    "mlperftiny_str_ww_ref_model": ("int8", "R008"),
    "pymicro_wakeword_alexa": ("int8", "R004"),
    "tflm_audio_preprocessor_int8": ("none", " ".join(["C002"] * 9 + ["R004"])),
    "tflm_hello_world_int8": ("int8", ""),
    "tflm_keyword_scrambled": ("int8", "R003 R004"),
    "tflm_trained_lstm_int8": ("int8", "R003 R004"),
    "tfsupport_dilated_conv": ("float32", "M002"),
    "tfsupport_whitespace_tokenizer_to_tensor": ("none", "C002"),
}


@pytest.mark.parametrize("slug", JUDGED)
def test_judged_by_hand(shared: Path, slug: str) -> None:
    known = Facts(model=read(shared / "models" / f"{slug}.tflite"), support=matrix.load())
    found = [outcome.rule.code for outcome in judge(registry.rules(), known) for _ in outcome.findings]
    assert known.precision is not None
    assert (known.precision.kind, " ".join(found)) == (Kind(JUDGED[slug][0]), JUDGED[slug][1])


def test_every_file(shared: Path) -> None:
    """No rule is in error on any, and no two findings of a file have one fingerprint."""
    read_files = 0
    for name, known in models(shared):
        read_files += 1
        outcomes = judge(registry.rules(), known)
        assert [o.reason for o in outcomes if o.status is Status.ERROR] == [], name
        prints = [fingerprint(o.rule.code, name, finding) for o in outcomes for finding in o.findings]
        assert len(set(prints)) == len(prints), name
    assert read_files == 108


def test_islands_of_the_style_transfer_network(shared: Path) -> None:
    slug = "flutter_hist_magenta_arbitrary_image_stylization_v1_256_int8_transfer_1"
    rule = registry.find("Q002")
    assert rule is not None
    (outcome,) = judge([rule], Facts(model=read(shared / "models" / f"{slug}.tflite"), support=matrix.load()))
    tables = [finding.evidence[0] for finding in outcome.findings]
    assert sum(len(table.rows) for table in tables) == 41  # type: ignore[union-attr]


def models(shared: Path) -> Iterator[tuple[str, Facts]]:
    for path in sorted((shared / "models").glob("*.tflite")):
        try:
            yield path.stem, Facts(model=read(path), support=matrix.load())
        except InvalidModel:
            continue
