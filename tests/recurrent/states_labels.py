"""What each model of the shared corpus keeps from one call to the next, as a person judges it from its graph.

Written before any of it was compared with what the tool says.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTSIDE, RESOURCE, TENSOR, OPERATOR = "input and output", "resource variable", "variable tensor", "custom operator"


@dataclass(frozen=True)
class Label:
    """The states of a model.

    Attributes:
        keeping: how all of them are kept.
        names: of variables and variable tensors; `input > output` for a state from outside; the custom operator's.
        bytes: of all states together; None where the file does not tell.
        initialized: they have a value before the first call.
        why: what shows it.
    """

    keeping: str
    names: frozenset[str]
    bytes: int | None
    why: str
    initialized: bool | None = True


def _label(keeping: str, names: str, size: int | None, why: str, initialized: bool | None = True) -> Label:
    return Label(keeping, frozenset(name.strip() for name in names.split(",")), size, why, initialized)


KEPT: dict[str, Label] = {
    "coral_keras_lstm_mnist_ptq": _label(
        TENSOR, "tfl.pseudo_qconst, tfl.pseudo_qconst1", 20 + 40, "inputs 18 and 19 of the LSTM: int8 and int16 [1, 20]"
    ),
    "coral_split_concat": _label(
        OUTSIDE,
        "inputs/rnn1 > outputs/rnn1, inputs/rnn2 > outputs/rnn2",
        8 * 8 + 8 * 8 * 2,
        "the names pair; a test of how states are passed, which computes nothing",
        initialized=None,
    ),
    "coral_split_concat_edgetpu": _label(
        OUTSIDE,
        "inputs/rnn1 > outputs/rnn1, inputs/rnn2 > outputs/rnn2",
        8 * 8 + 8 * 8 * 2,
        "the same, compiled: the names are all that is left",
        initialized=None,
    ),
    "litert_call_once_mul": _label(
        RESOURCE, "Variable", 4, "the answer is the input times the input of the call before, which the variable holds"
    ),
    "litert_lstm": _label(
        TENSOR, "input_activation_state18, input_cell_state19", 8 + 8, "inputs 18 and 19 of LSTM, float32 [1, 2]"
    ),
    "litert_lstm_quantized": _label(
        TENSOR, "input_activation_state18, input_cell_state19", 2 + 4, "the same in int8 and int16"
    ),
    "litert_resource_vars_calibrated": _label(
        RESOURCE, "Variable", 100, "the last four rows of the variable and the input are its next value"
    ),
    "litert_svdf_quantized": _label(TENSOR, "activation_state4", 18, "int16 [1, 9], input 4 of SVDF"),
    "litert_unidirectional_sequence_lstm": _label(
        TENSOR, "input_activation_state18, input_cell_state19", 8 + 8, "inputs 18 and 19, float32 [1, 2]"
    ),
    "litert_unidirectional_sequence_lstm_calibrated": _label(
        TENSOR, "input_activation_state18, input_cell_state19", 8 + 8, "the same, with ranges"
    ),
    "pymicro_wakeword_alexa": _label(
        RESOURCE,
        ", ".join(f"stream_{i}/states" for i in range(6, 12)),
        2 * 40 + 4 * 32 + 8 * 64 + 12 * 64 + 20 * 64 + 4 * 64,
        "six ring buffers: the state and the new frame are concatenated, and what is left of it after as many steps as "
        "came in is assigned",
    ),
    "tflm_audio_preprocessor_int8": _label(
        OPERATOR,
        "SignalFilterBankSpectralSubtraction",
        None,
        "its kernel keeps the noise estimate (tflite-micro, signal/micro/kernels/filter_bank_spectral_subtraction.cc)",
    ),
    "tflm_keyword_scrambled": _label(TENSOR, "", 2 * (4 * 512 + 3 * 1024), "seven SVDF, tensors without a name"),
    "tflm_trained_lstm_int8": _label(
        TENSOR, "tfl.pseudo_qconst, tfl.pseudo_qconst1", 20 + 40, "inputs 18 and 19 of the LSTM: int8 and int16 [1, 20]"
    ),
}

_NOTHING = """
aeq_bmm aeq_branching_conv_fc aeq_channel_i4rangedvalues_fc aeq_conv_fc_mnist aeq_conv_fc_mnist_srq_a8w8
aeq_duplicated_tensor_names aeq_embedding_lookup aeq_mnist_quantized aeq_partly_quantized_mnist aeq_simple_composite
aeq_single_conv2d_transpose_bias aeq_single_fc_bias aeq_single_fc_bias_sub_channel_weight_only_sym_weight
aeq_single_gelu aeq_single_mean aeq_single_strided_slice aeq_two_signatures aeq_two_signatures_a8w8
aeq_weight_sharing_fcs basic_pitch_nmp coral_model_invoking_error
flutter_hist_magenta_arbitrary_image_stylization_v1_256_int8_transfer_1 flutter_permute_uint8 litert_2_subgraphs
litert_add_shared_tensors litert_conv_huge_im2col litert_custom_sinh litert_double_flex litert_dynamic_shapes
litert_empty_model litert_fc_qat litert_group_norm_2_groups_op litert_k_einsum litert_l2_norm_composite
litert_matmul_quant litert_mixed litert_mixed16x8 litert_mul_quant litert_multi_signatures litert_multi_subgraphs_while
litert_norm litert_odml_sdpa_composite_mha_tflite litert_pc_conv litert_rope
litert_simple_model_qualcomm_sm8650_precompiled litert_simple_quantized_ops
litert_single_add_default_a16w8_recipe_quantized litert_single_conv_no_bias
litert_single_rsqrt_default_a8w8_recipe_quantized litert_softplus_flex litert_sparse_tensor
litert_static_w8_a16_quantized_k_einsum litert_string_input_model litert_test_model_redux_precision
litert_topo_sort_fork litert_transpose litert_while_op_with_forwarding_input litert_with_custom_op litert_with_metadata
mediapipe_face_detection_short_range mediapipe_selfie_segmentation ml_zoo_hist_ds_cnn_quantized
mlperftiny_hist_trainedres_quant mlperftiny_kws_ref_model mlperftiny_kws_ref_model_float32 mlperftiny_model_toycar_quant
mlperftiny_model_toycar_quant_fullint_micro_intio mlperftiny_pretrainedresnet_quant mlperftiny_str_ww_ref_model
tflm_add0 tflm_add1 tflm_conv0 tflm_conv1 tflm_hello_world_int8 tflm_hist_magic_wand tflm_hist_model tflm_leaky_relu0
tflm_leaky_relu1 tflm_micro_speech_quantized tflm_pad0 tflm_pad1 tflm_quantize0 tflm_quantize1 tflm_simple_add_model
tflm_sine_float tflm_strided_slice0 tflm_strided_slice1 tflm_sub0 tflm_sub1 tflm_transpose_conv0 tflm_transpose_conv1
tfsupport_dilated_conv tfsupport_test_model_nl_classifier tfsupport_whitespace_tokenizer_to_tensor
"""

NOTHING = _NOTHING.split()
"""Models that keep nothing. Those that look as if they might: an answer of an input's shape, by a network for pictures
(the stylization, litert_conv_huge_im2col, with another picture as second input), an autoencoder (the toy car models)
and sums of two equal inputs; a loop that only computes (litert_multi_subgraphs_while)."""

UNREADABLE = ["flutter_bad_model", "litert_invalid_model", "litert_test_model_broken"]
