"""C002."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.rule import Finding, Remedy, Severity, rule


@dataclass(frozen=True, slots=True)
class Provider:
    """Who registers a custom operator.

    Attributes:
        who: in words.
        severity: of needing it.
    """

    who: str
    severity: Severity


_MEDIAPIPE = Provider("MediaPipe, and the TensorFlow and LiteRT packages' own interpreters", Severity.INFO)

PROVIDERS = {
    "Convolution2DTransposeBias": _MEDIAPIPE,
    "DISPATCH_OP": Provider("LiteRT, for code that an NPU compiler made for one chip", Severity.WARNING),
    "MaxPoolingWithArgmax2D": _MEDIAPIPE,
    "MaxUnpooling2D": _MEDIAPIPE,
    "Landmarks2TransformMatrix": Provider("MediaPipe", Severity.WARNING),
    "TransformLandmarks": Provider("MediaPipe", Severity.WARNING),
    "TransformTensorBilinear": Provider("MediaPipe", Severity.WARNING),
    "TFLite_Detection_PostProcess": Provider("the interpreter itself", Severity.INFO),
    "edgetpu-custom-op": Provider("the Edge TPU delegate", Severity.WARNING),
    "ethos-u": Provider("TensorFlow Lite Micro with the Ethos-U driver", Severity.WARNING),
}
"""Custom codes whose implementation is public: lite/core/kernels/register.cc, mediapipe/util/tflite/operations,
the Coral runtime, tflite-micro."""

PREFIXES = {
    "Signal": Provider("the signal library of TensorFlow Lite Micro", Severity.WARNING),
    "tftext:": Provider("TensorFlow Text", Severity.WARNING),
}
"""Likewise, by the beginning of the custom code."""


@rule("C002", "custom-op", Severity.WARNING)
def custom_op(model: Model, locations: Locations) -> Iterator[Finding]:
    """An operator is not TensorFlow Lite's own, and the application has to bring its implementation.

    ## What it does
    Finds the operators of the schema's CUSTOM kind, Flex operators left out (C001), and says who provides the
    implementation where that is known.

    ## Why is this bad
    A runtime without the implementation refuses the model (`Encountered unresolved custom op`). Delegates leave custom
    operators to the CPU, so they also cut the model in parts.

    ## Example
        Sinh float32[1,4] -> float32[1,4]

    ## Fix
    Register the implementation with the resolver of the application, or write the layer with builtin operators.
    Operators that the usual interpreters bring along are reported for information.
    """
    custom = ((op.name, subgraph, op) for subgraph, op in model.operators if op.custom and not op.flex)
    for name, where in places.grouped(custom, locations).items():
        provider = _provider(name)
        known = f"it is provided by {provider.who}" if provider else "who provides it is not known"
        many = "is a custom operator" if len(where) == 1 else f"is a custom operator at {len(where)} places"
        yield Finding(
            message=f"{name or '(no name)'}{places.named(where)} {many}; {known}.",
            location=where[0],
            evidence=(places.listed(f"{name} operators", where),),
            remedy=Remedy(
                "Register the implementation where the model is run.",
                "# C++\n"
                "tflite::ops::builtin::BuiltinOpResolver resolver;\n"
                f'resolver.AddCustom("{_escaped(name)}", Register_OP());',
            ),
            severity=provider.severity if provider else None,
            key=(name,),
        )


def _provider(name: str) -> Provider | None:
    return PROVIDERS.get(name) or next((p for prefix, p in PREFIXES.items() if name.startswith(prefix)), None)


def _escaped(name: str) -> str:
    """For a C string literal."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
