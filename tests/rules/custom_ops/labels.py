"""Every custom and Flex operator of the shared models: how often, whose it is, and what its options say."""

from __future__ import annotations

from typing import Any, NamedTuple


class Op(NamedTuple):
    """What is to be said of a custom code.

    Attributes:
        provider: a part of what names the provider; empty where it is not known.
        options: decoded; bytes where the encoding is not known.
    """

    count: int
    provider: str
    options: Any


_SIGNAL = "signal library of TensorFlow Lite Micro"

LABELS: dict[str, dict[str, Op]] = {
    "coral_model_invoking_error": {"fake-op-double": Op(1, "", {"throw_error": True})},
    "coral_split_concat_edgetpu": {
        "edgetpu-custom-op": Op(
            1,
            "Edge TPU",
            {"1": 0, "4": {"bytes": 57344, "min_runtime_version": 13, "compiler_version": "cl/343520747"}, "5": -1},
        )
    },
    "litert_custom_sinh": {"Sinh": Op(1, "", {"T": 0})},
    "litert_double_flex": {"FlexDouble": Op(1, "Flex", {"T": "int32"})},
    "litert_mixed": {"CustomTestOp": Op(2, "", None)},
    "litert_simple_model_qualcomm_sm8650_precompiled": {
        "DISPATCH_OP": Op(
            1,
            "LiteRT's NPU dispatch, for Qualcomm SM8650",
            {"bytecode_offset": 1168, "bytecode_size": 29528, "name": "qnn_partition_0"},
        )
    },
    "litert_softplus_flex": {"FlexSoftplus": Op(1, "Flex", {"T": "float32"})},
    "litert_sparse_tensor": {"FakeOp": Op(1, "", None)},
    "litert_with_custom_op": {"Assign": Op(1, "", {"use_locking": False, "validate_shape": True})},
    "litert_with_metadata": {"NPU_OP": Op(1, "", b"Partition_0")},
    "mediapipe_selfie_segmentation": {
        "Convolution2DTransposeBias": Op(
            1, "XNNPACK and by MediaPipe", {"padding": "SAME", "stride_width": 2, "stride_height": 2}
        )
    },
    "tflm_audio_preprocessor_int8": {
        "SignalWindow": Op(1, _SIGNAL, {"shift": 12}),
        "SignalFftAutoScale": Op(1, _SIGNAL, {}),
        "SignalRfft": Op(1, _SIGNAL, {"T": 7, "fft_length": 512}),
        "SignalEnergy": Op(1, _SIGNAL, {"end_index": 241, "start_index": 5}),
        "SignalFilterBank": Op(1, _SIGNAL, {"num_channels": 40}),
        "SignalFilterBankSquareRoot": Op(1, _SIGNAL, {}),
        "SignalFilterBankSpectralSubtraction": Op(
            1,
            _SIGNAL,
            {
                "alternate_one_minus_smoothing": 15401,
                "alternate_smoothing": 983,
                "clamping": False,
                "min_signal_remaining": 819,
                "num_channels": 40,
                "one_minus_smoothing": 15975,
                "smoothing": 409,
                "smoothing_bits": 10,
                "spectral_subtraction_bits": 14,
            },
        ),
        "SignalPCAN": Op(1, _SIGNAL, {"snr_shift": 6}),
        "SignalFilterBankLog": Op(1, _SIGNAL, {"input_correction_bits": 3, "output_scale": 64}),
    },
    "tfsupport_test_model_nl_classifier": {
        "CUSTOM_OP_GENERATE_LABELS": Op(1, "", None),
        "CUSTOM_OP_STRING_TO_DOUBLES": Op(1, "", None),
        "CUSTOM_OP_STRING_TO_FLOATS": Op(1, "", None),
    },
    "tfsupport_whitespace_tokenizer_to_tensor": {
        "tftext:WhitespaceTokenizer": Op(1, "TensorFlow Lite Support library", None)
    },
}
"""By hand, from the files' bytes; every other shared model has no custom operator."""
