"""Child module: asks TensorFlow of its operators."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from tflite_audit.analyzer.isolation import Report, serve

_IS_ALLOWED = "_ZN6tflite4flex19IsAllowlistedFlexOpERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"


def allowed(value: list[str], report: Report) -> dict[str, bool]:
    """Operator → Flex takes it, of those that TensorFlow has: `tflite::flex::IsAllowlistedFlexOp`."""
    import tensorflow as tf

    ask = getattr(ctypes.CDLL(str(Path(tf.__file__).parent / "libtensorflow_cc.so.2")), _IS_ALLOWED)
    ask.restype, ask.argtypes = ctypes.c_bool, [ctypes.c_void_p]

    def answer(name: str) -> bool:
        text = ctypes.create_string_buffer(name.encode())
        string = (ctypes.c_uint64 * 4)(ctypes.addressof(text), len(name), len(name) + 1, 0)  # libstdc++'s std::string
        return ask(ctypes.addressof(string))

    return {name: answer(name) for name in value if hasattr(tf.raw_ops, name)}


def lowered(value: None, report: Report) -> dict[str, Any]:
    """Operator → how a function with it converts with builtin operators only."""
    import numpy as np
    import tensorflow as tf

    from tests.rules.rewriting import convert, outcome

    x = tf.TensorSpec([4, 4], tf.float32)
    i = tf.TensorSpec([4], tf.int32)
    functions: dict[str, Any] = {
        "DivNoNan": (lambda x: tf.math.divide_no_nan(x, x), x),
        "DynamicStitch": (lambda x: tf.dynamic_stitch([[0, 2], [1, 3]], [x[:2], x[2:]]), x),
        "Expm1": (tf.math.expm1, x),
        "InvertPermutation": (tf.math.invert_permutation, i),
        "IsFinite": (tf.math.is_finite, x),
        "IsInf": (tf.math.is_inf, x),
        "IsNan": (tf.math.is_nan, x),
        "Lgamma": (tf.math.lgamma, x),
        "Log1p": (tf.math.log1p, x),
        "MatrixBandPart": (lambda x: tf.linalg.band_part(x, 1, 1), x),
        "MulNoNan": (lambda x: tf.math.multiply_no_nan(x, x), x),
        "Rint": (tf.math.rint, x),
        "Selu": (tf.nn.selu, x),
        "Softplus": (tf.math.softplus, x),
        "Softsign": (tf.math.softsign, x),
        "Xdivy": (lambda x: tf.math.xdivy(x, x), x),
        "Xlog1py": (lambda x: tf.math.xlog1py(x, x), x),
        "Xlogy": (lambda x: tf.math.xlogy(x, x), x),
    }
    ends: dict[str, Any] = {}
    for name, (function, spec) in functions.items():
        traced = tf.function(function, input_signature=[spec]).get_concrete_function()
        assert name in {op.type for op in traced.graph.get_operations()}, name
        ends[name] = outcome(lambda traced=traced: convert(traced, ()))
    assert np.all([end is None or "error" in end for end in ends.values()])
    return ends


if __name__ == "__main__":
    serve({"allowed": allowed, "lowered": lowered})
