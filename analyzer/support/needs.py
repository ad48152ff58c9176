"""Which runtimes a model needs, by the versions of its builtin operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tflite_audit.analyzer.model import schema
from tflite_audit.analyzer.model.types import OPTIONAL, Model, Operator, Subgraph
from tflite_audit.analyzer.support.releases import MICRO, Release
from tflite_audit.analyzer.support.types import OperatorSupport, Support

WITH_INT16: Mapping[str, int] = {
    "ABS": 3,
    "ADD": 3,
    "AVERAGE_POOL_2D": 3,
    "BATCH_MATMUL": 3,
    "BATCH_TO_SPACE_ND": 4,
    "BROADCAST_TO": 3,
    "CONCATENATION": 3,
    "CONV_2D": 4,
    "DEPTHWISE_CONV_2D": 5,
    "DEQUANTIZE": 3,
    "DYNAMIC_UPDATE_SLICE": 4,
    "EQUAL": 4,
    "EXP": 2,
    "FLOOR_DIV": 3,
    "FLOOR_MOD": 2,
    "FULLY_CONNECTED": 7,
    "GATHER": 4,
    "GATHER_ND": 3,
    "GREATER_EQUAL": 3,
    "LEAKY_RELU": 2,
    "LESS": 3,
    "LOG": 2,
    "LOGISTIC": 3,
    "MAXIMUM": 4,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MINIMUM": 4,
    "MIRROR_PAD": 3,
    "MUL": 4,
    "PACK": 3,
    "PAD": 3,
    "PADV2": 3,
    "REDUCE_MAX": 3,
    "REDUCE_MIN": 3,
    "REDUCE_PROD": 2,
    "RELU": 3,
    "RELU6": 3,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "RSQRT": 3,
    "SLICE": 4,
    "SOFTMAX": 3,
    "SPACE_TO_BATCH_ND": 4,
    "SPLIT": 4,
    "SUB": 5,
    "TANH": 3,
    "TOPK_V2": 3,
    "TRANSPOSE": 5,
    "UNPACK": 4,
}
"""Operator → the version in which it came to take quantized int16, where GetBuiltinOperatorVersion says so
(lite/tools/versioning/op_version.cc of LiteRT, at 22f0209; for the two convolutions and FULLY_CONNECTED in its
comments, since its conditions ask for int16 weights)."""

_READ_FIRST: Mapping[str, int] = {"SPLIT": 1}
"""The input that decides, where it is not the first."""

INT16 = "int16 activations"
_FLOAT16 = "float16 values"


@dataclass(frozen=True, slots=True)
class Use:
    """A builtin operator in one version.

    Attributes:
        count: of the operators in all subgraphs; 0 for a code that the file lists and does not use.
        feature: something about the operators that is a newer version than the file says; mostly empty.
        least: that version; `version` where there is no such feature.
        support: None for an operator newer than the schema known here.
    """

    name: str
    version: int
    count: int
    feature: str
    least: int
    support: OperatorSupport | None = field(repr=False, compare=False)

    @property
    def since(self) -> str | None:
        """The first TensorFlow Lite that has what the operators need, `2.3.0`; None where the converter knows none."""
        return None if self.support is None else self.support.since.get(self.least)

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" + (f" with {self.feature}" if self.feature else "")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a file asks of a runtime.

    Attributes:
        used: the builtin operators that the file uses, those that need the newest runtime first.
        unused: codes that it lists and no operator uses. The converter does not count them.
    """

    used: tuple[Use, ...]
    unused: tuple[Use, ...]

    @property
    def runtime(self) -> str | None:
        """The oldest TensorFlow Lite that has all of them; None where there are none, or `unknown` ones."""
        return None if self.unknown or not self.used else self.used[0].since

    @property
    def deciding(self) -> tuple[Use, ...]:
        """Those that need the newest runtime of all."""
        return tuple(use for use in self.used if use.since is not None and use.since == self.runtime)

    @property
    def unknown(self) -> tuple[Use, ...]:
        """Those in a version that the converter has no runtime for."""
        return tuple(use for use in self.used if use.since is None)

    def lacking(self, release: Release) -> tuple[Use, ...] | None:
        """What the runtime does not have of what it would look for; None where that is not known."""
        if release.micro:
            return tuple(use for use in self.used if use.name not in MICRO)
        listed = (*self.used, *self.unused)
        if release.measured:
            return tuple(use for use in listed if not _accepts(use, release.measured))
        if release.level:
            return tuple(use for use in listed if not _known_by(use, release.level))
        return None


def of(model: Model, support: Support) -> Needs:
    """What `model` needs, custom operators left out."""
    counts = Counter(
        (op.name, op.version, *_feature(model, graph, op)) for graph, op in model.operators if not op.custom
    )
    listed = {(code.name, code.version) for code in model.operator_codes if code.builtin != schema.CUSTOM}
    idle = sorted(listed - {(name, version) for name, version, *_ in counts})
    used = [Use(*key[:2], count, *key[2:], support.of(key[0])) for key, count in counts.items()]
    unused = [Use(name, version, 0, "", version, support.of(name)) for name, version in idle]
    return Needs(tuple(sorted(used, key=_age, reverse=True)), tuple(sorted(unused, key=_age, reverse=True)))


def number(version: str) -> tuple[int, ...]:
    """`2.14.0` as numbers that compare, without zeros at the end.

    Raises:
        ValueError: it is no such version.
    """
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _feature(model: Model, graph: Subgraph, op: Operator) -> tuple[str, int]:
    """What is newer than the version that the file says, and its version."""
    least = WITH_INT16.get(op.name, 0)
    if op.version >= least:
        return "", op.version
    at = _READ_FIRST.get(op.name, 0)
    tensor = graph.tensors[op.inputs[at]] if at < len(op.inputs) and op.inputs[at] != OPTIONAL else None
    if tensor is not None and tensor.dtype == "int16" and tensor.quantization is not None:
        # ADD and SUB took int16 from the start where all scales are powers of two.
        return (INT16, least) if not model.options(graph, op).get("pot_scale_int16") else ("", op.version)
    if tensor is not None and tensor.dtype == "float16" and op.name == "DEQUANTIZE":
        return _FLOAT16, least
    return "", op.version


def _age(use: Use) -> tuple[tuple[int, ...], int, str, int]:
    return number(use.since) if use.since else (1 << 32,), use.count, use.name, use.version


def _accepts(use: Use, runtime: str) -> bool:
    return use.support is not None and use.support.accepts(use.version).get(runtime, False)


def _known_by(use: Use, level: str) -> bool:
    """The converter's table has operators that are in no runtime (STABLEHLO_CBRT): a measured one must have it too."""
    return use.since is not None and number(use.since) <= number(level) and _accepts(use, "tensorflow")
