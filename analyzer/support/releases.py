"""The runtimes that people ship, in their newest release. Written by hand, each with its source.

Left out, since no source says which TensorFlow Lite they are: LiteRT 1.x (`com.google.ai.edge.litert:litert` 1.4), the
interpreter of TensorFlow.js, and vendors' builds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """A runtime, in its newest release.

    Attributes:
        name: with the platform where the name does not tell it.
        version: of the release; empty where it is `measured`, and the matrix says it.
        date: of the release, or on which the source names it as the newest; empty for `measured`.
        level: the TensorFlow Lite that it is built from; empty where nobody says.
        measured: the key of `OperatorSupport.accepted`; empty for those that were not measured.
        micro: it is TensorFlow Lite Micro, which has kernels by name and does not look at versions.
        source: where that stands.
    """

    name: str
    version: str
    date: str
    source: str
    level: str = ""
    measured: str = ""
    micro: bool = False


AS_OF = "November 2026"
"""When the releases below were the newest."""

RELEASES: tuple[Release, ...] = (
    Release("TensorFlow (Python)", "", "", "measured", measured="tensorflow"),
    Release("LiteRT (Python)", "", "", "measured", measured="ai-edge-litert"),
    Release(
        "org.tensorflow:tensorflow-lite (Android)",
        "2.17.0",
        "2025-01-09",
        "mvnrepository.com/artifact/org.tensorflow/tensorflow-lite: the last, since moved to LiteRT",
        level="2.17.0",
    ),
    Release(
        "LiteRT in Google Play services (Android)",
        "16.5.0",
        "2026-04-21",
        "mvnrepository.com/artifact/com.google.android.gms/play-services-tflite-impl: that is the client library; the "
        "runtime is the phone's, and TensorFlowLite.runtimeVersion(TfLiteRuntime.FROM_SYSTEM_ONLY) tells its version",
    ),
    Release(
        "TensorFlowLiteSwift (iOS)",
        "2.17.0",
        "2026-08-08",
        "github.com/tensorflow/flutter-tflite/issues/308: the last stable one; LiteRT's pods have nightlies only",
        level="2.17.0",
    ),
    Release(
        "tflite_flutter (iOS)",
        "0.12.1",
        "2026-08-08",
        "github.com/tensorflow/flutter-tflite/issues/308: pinned to TensorFlowLiteSwift 2.12.0",
        level="2.12.0",
    ),
    Release(
        "tflite-runtime (Python)",
        "2.14.0",
        "2023-12-11",
        "github.com/trikset/trik-lobe-server/commit/0f52a885a34fa795335d7478199c4e47bba4a948; LiteRT took its place",
        level="2.14.0",
    ),
    Release(
        "TensorFlow Lite Micro",
        "",
        "",
        "github.com/tensorflow/tflite-micro: python_ops_resolver.cc at 85e19dd, micro_op_resolver.cc at 0cc6f98",
        micro=True,
    ),
)

MICRO: frozenset[str] = frozenset(
    """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV
    ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER
    GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT
    LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU
    QUANTIZE READ_VARIABLE REDUCE_MAX RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR ROUND RSQRT SELECT_V2
    SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE
    STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE
    ZEROS_LIKE
    DYNAMIC_UPDATE_SLICE REDUCE_ALL REDUCE_MIN REVERSE_V2
    """.split()  # noqa: SIM905 - a line for each would be a page
)
"""The builtin operators that TensorFlow Lite Micro has, for some types at least: those that its Python package
registers (python/tflite_micro/python_ops_resolver.cc at 85e19dd), and in the last line those that its
MicroMutableOpResolver got later (as in AmbiqAI/helia-rt at 1b6f554, a copy of 2025). FindOp takes no version
(micro_op_resolver.cc at 0cc6f98), and codes that no operator uses are not looked for (micro_interpreter.cc)."""
