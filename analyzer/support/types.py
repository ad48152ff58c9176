"""The measured support matrix, as frozen facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class Form(StrEnum):
    """What became of an operator that was converted by itself, with one recipe."""

    INTEGER = "integer"
    """It computes in integers, and the model runs."""
    HYBRID = "hybrid"
    """Float activations with integer weights, and the model runs."""
    FLOAT = "float"
    """It converts, stays float and runs: what a float recipe asks for, and what an integer recipe leaves."""
    PLAIN = "plain"
    """It has no real numbers to quantize (shapes, indices, booleans, strings), and the model runs."""
    GONE = "gone"
    """It converts to other operators, or is folded away."""
    REFUSED = "refused"
    """The converter refuses the model; `message` says how."""
    NO_KERNEL = "no kernel"
    """It converts, and a runtime does not run it; `message` says how."""
    CRASHED = "crashed"
    """The converter or the interpreter died."""


class Kernel(StrEnum):
    """What a runtime's kernel does with quantized tensors of a type."""

    COMPUTES = "computes"
    """It answers what the float kernel answers, within what the scales allow."""
    WRONG = "wrong"
    """It runs, and takes the integers for the numbers they stand for, or answers something else."""
    MISSING = "missing"
    """It refuses the type; `message` says how."""
    CRASHES = "crashes"
    """It kills the process."""


@dataclass(frozen=True, slots=True)
class Converted:
    """One operator, converted with one recipe.

    Attributes:
        message: the converter's or the runtime's, in one line; empty where nothing was refused.
        operators: name → count in the model that came of it, those at its border included; empty where there is none.
    """

    form: Form
    message: str = ""
    operators: Mapping[str, int] | None = None


ZEROED = "with zero points of 0"
"""How a probe with all zero points 0 is told of."""


@dataclass(frozen=True, slots=True)
class Probed:
    """One kernel of one runtime, called with quantized tensors of one type.

    Attributes:
        message: the runtime's, in one line; for `wrong`, what differs.
    """

    kernel: Kernel
    message: str = ""

    @property
    def right_if_zeroed(self) -> bool:
        """It answers wrongly with other zero points than 0, and only then."""
        return self.kernel is Kernel.WRONG and self.message.startswith(f"right only {ZEROED}:")


@dataclass(frozen=True, slots=True)
class OperatorSupport:
    """What was measured of one builtin operator.

    Attributes:
        name: as in a file: `SQUARED_DIFFERENCE`.
        sources: TensorFlow's operators that the smallest model is made of, without dialect (`SquaredDifference`).
        conversions: recipe (a name of `recipe.BUILT_IN`, or of a variant that `measure` adds) → what became of it.
        kernels: type of the activations (`int8`, `int16`; variants such as `int8, per channel` or `int4 weights`) →
            runtime (`tensorflow`, `ai-edge-litert`) → what its kernel does. A type that makes no sense is left out.
        notes: what the reader should know, such as that TensorFlow cannot produce it.
        since: version of the operator → the first TensorFlow Lite that has it, `2.3.0`, as the converter knows it.
        accepted: runtime → the oldest and the newest version that it accepts; None where it has no such operator.
    """

    name: str
    sources: tuple[str, ...]
    conversions: Mapping[str, Converted]
    kernels: Mapping[str, Mapping[str, Probed]]
    notes: tuple[str, ...] = ()
    since: Mapping[int, str] = field(default_factory=dict[int, str])
    accepted: Mapping[str, tuple[int, int] | None] = field(default_factory=dict[str, "tuple[int, int] | None"])

    def form(self, recipe: str) -> Form | None:
        """None where it was not measured."""
        found = self.conversions.get(recipe)
        return None if found is None else found.form

    def runtimes_with(self, dtype: str) -> tuple[str, ...]:
        """The runtimes whose kernel computes with quantized tensors of this type."""
        return tuple(name for name, probed in self.kernels.get(dtype, {}).items() if probed.kernel is Kernel.COMPUTES)

    def accepts(self, version: int) -> Mapping[str, bool]:
        """Runtime → whether it takes a file that lists the operator in this version; {} where that was not measured."""
        return {
            runtime: versions is not None and versions[0] <= version <= versions[1]
            for runtime, versions in self.accepted.items()
        }

    def lacks(self, dtype: str) -> bool:
        """It was measured, and no runtime has such a kernel."""
        return bool(self.kernels.get(dtype)) and not self.runtimes_with(dtype)


@dataclass(frozen=True)
class Support:
    """The whole matrix.

    Attributes:
        versions: package → version it was measured with: `tensorflow`, `ai-edge-litert`, `keras`.
        operators: name → what was measured.
    """

    versions: Mapping[str, str]
    operators: Mapping[str, OperatorSupport]

    def of(self, name: str) -> OperatorSupport | None:
        """None for an operator that was not measured."""
        return self.operators.get(name)

    def made_from(self, source: str) -> tuple[OperatorSupport, ...]:
        """The builtins that TensorFlow's operator `source` becomes, as measured."""
        return self._by_source.get(source, ())

    @cached_property
    def _by_source(self) -> Mapping[str, tuple[OperatorSupport, ...]]:
        found: dict[str, list[OperatorSupport]] = {}
        for operator in self.operators.values():
            for source in dict.fromkeys(operator.sources):
                found.setdefault(source, []).append(operator)
        return {source: tuple(operators) for source, operators in found.items()}

    @property
    def measured_with(self) -> str:
        """`TensorFlow 2.21.0 and LiteRT 2.3.0`, for sentences."""
        return f"TensorFlow {self.versions['tensorflow']} and LiteRT {self.versions['ai-edge-litert']}"

    def other_version(self, versions: Mapping[str, str]) -> str:
        """How a conversion's TensorFlow differs from the measured one: a sentence, or empty.

        Args:
            versions: of the conversion, by package.
        """
        used = next((versions[name] for name in _TENSORFLOWS if name in versions), None)
        if used is None or used == self.versions["tensorflow"]:
            return ""
        return f"Measured with TensorFlow {self.versions['tensorflow']}; this was converted with {used}."

    def note(self, versions: Mapping[str, str]) -> str:
        """The same for the record of the conversion; empty where it was made with the measured version."""
        other = self.other_version(versions)
        return f"the support matrix is of another version: {other}" if other else ""

    def titled(self, runtime: str) -> str:
        """`LiteRT 2.3.0` for `ai-edge-litert`."""
        return f"{RUNTIMES.get(runtime, runtime)} {self.versions.get(runtime, '')}".rstrip()


RUNTIMES: Mapping[str, str] = {"tensorflow": "TensorFlow", "ai-edge-litert": "LiteRT"}
"""Package → what it is called."""

_TENSORFLOWS: Iterable[str] = ("tensorflow", "tensorflow-cpu", "tf-nightly")
