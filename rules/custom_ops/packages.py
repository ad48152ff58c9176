"""Which custom operators the interpreters of the TensorFlow and LiteRT packages on PyPI run, as measured.

A model of one such operator was given to each interpreter. `tests/rules/custom_ops/test_packages.py` measures it again
with what is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

VERSIONS = "TensorFlow 2.21 and LiteRT 2.3"
"""The packages that were measured; both answer alike."""


class How(StrEnum):
    """How an interpreter comes by a kernel."""

    BRINGS = "has it"
    XNNPACK = "runs it by XNNPACK"
    REGISTERED = "has it, to be registered"
    LACKS = "does not have it"


_FOUND = {
    How.BRINGS: (
        "AudioSpectrogram",
        "Mfcc",
        "NumericVerify",
        "TFLite_Detection_PostProcess",
        "aeq.hadamard_rotation",
    ),
    How.XNNPACK: (
        "Convolution2DTransposeBias",
        "MaxPoolingWithArgmax2D",
        "MaxUnpooling2D",
        "odml.scaled_dot_product_attention",
    ),
    How.REGISTERED: ("odml.update_external_kv_cache", "odml.update_kv_cache"),
}

FOUND: Mapping[str, How] = MappingProxyType({name: how for how, names in _FOUND.items() for name in names})
"""Custom code → how; every other one ends in `Encountered unresolved custom op`. XNNPACK takes float32 tensors only; it
is there unless the interpreter is made without default delegates, and there is no kernel besides."""


def how(name: str, dtypes: frozenset[str] = frozenset()) -> How:
    """Of the custom code `name`, used on tensors of these types."""
    found = FOUND.get(name, How.LACKS)
    return How.LACKS if found is How.XNNPACK and dtypes - {"float32"} else found
