"""The recurrent layers of the shared corpus, as a person reads them from the graphs.

A file that is not listed has none: among these are loops (`litert_multi_subgraphs_while` scales a number,
`litert_while_op_with_forwarding_input` counts and hands a string on), streaming convolutions (`pymicro_wakeword_alexa`
keeps ring buffers in six variables), and gates without a state (`basic_pitch_nmp`, `mediapipe_selfie_segmentation`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A recurrent layer.

    Attributes:
        form, cell, variant, steps, units: as in RecurrentLayer.
        arithmetic: what the products with the recurrent kernel compute in.
        why: what in the graph shows it.
        times: how many such layers the file has.
    """

    form: str
    cell: str
    steps: int
    units: int
    arithmetic: str
    why: str
    variant: tuple[str, ...] = ()
    times: int = 1


_ALL_GATES = "inputs 1 to 8 are all there, 9 to 11 (peepholes) are not, 16 and 20 to 23 are"
_PROJECTED = ("projection", "layer normalization")

LABELS: dict[str, tuple[Label, ...]] = {
    "coral_keras_lstm_mnist_ptq": (
        Label("fused", "LSTM", 28, 20, "int8", "int8[1, 28, 28], recurrent weights [20, 20], no layer normalization"),
    ),
    "litert_lstm": (Label("fused", "LSTM", 1, 2, "float32", f"LSTM: one step; {_ALL_GATES}", _PROJECTED),),
    "litert_lstm_quantized": (Label("fused", "LSTM", 1, 2, "int8", f"LSTM: one step; {_ALL_GATES}", _PROJECTED),),
    "litert_svdf_quantized": (Label("fused", "SVDF", 1, 6, "int8", "feature weights [6, 4], rank 1"),),
    "litert_unidirectional_sequence_lstm": (
        Label("fused", "LSTM", 2, 2, "float32", f"float32[1, 2, 2]; {_ALL_GATES}", _PROJECTED),
    ),
    "litert_unidirectional_sequence_lstm_calibrated": (
        Label("fused", "LSTM", 2, 2, "float32", f"the same with ranges; {_ALL_GATES}", _PROJECTED),
    ),
    "tflm_keyword_scrambled": (
        Label("fused", "SVDF", 1, 64, "int8", "feature weights [64, ...], rank 1", times=4),
        Label("fused", "SVDF", 1, 32, "int8", "feature weights [32, ...], rank 1", times=3),
    ),
    "tflm_trained_lstm_int8": (
        Label("fused", "LSTM", 28, 20, "int8", "int8[1, 28, 28], recurrent weights [20, 20], no layer normalization"),
    ),
}
