"""The user's own operators, as the configuration declares them."""

from __future__ import annotations

from dataclasses import dataclass

from tflite_audit.analyzer.custom_kernels import KernelLibrary

Types = tuple[tuple[str, ...], ...]
"""For each tensor, the dtypes that it may have; () for any."""


@dataclass(frozen=True, slots=True)
class DeclaredOp:
    """An operator of the user's.

    Attributes:
        name: its custom code.
        versions: those that its implementation takes.
        inputs: None where the declaration does not say.
        outputs: likewise.
        variadic: the last of the inputs stands for any number of them, none included.
        implemented: where, in words or as a path, shown as it is.
        library: that brings it to the interpreters; None where it cannot be run here.
    """

    name: str
    versions: tuple[int, ...] = (1,)
    inputs: Types | None = None
    outputs: Types | None = None
    variadic: bool = False
    implemented: str = ""
    library: KernelLibrary | None = None


@dataclass(frozen=True, slots=True)
class Declarations:
    """All of them.

    Attributes:
        file: where they stand.
    """

    operators: tuple[DeclaredOp, ...] = ()
    file: str = ""

    def named(self, name: str) -> DeclaredOp | None:
        """The one of this custom code."""
        return next((op for op in self.operators if op.name == name), None)
