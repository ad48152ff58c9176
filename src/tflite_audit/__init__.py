"""A linter for `.tflite`, and the flight recorder of the conversion that made it.

    report = tflite_audit.check("model.tflite")
    report = tflite_audit.run("model.keras", recipes=["float32", "int8"], calibration="calibration.npz",
                              data="test.npz", output="audit")

Both return the report document, `tflite_audit.reports.document.Report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .audit import AuditError, check, run

__all__ = ["AuditError", "__version__", "check", "run"]


def __getattr__(name: str) -> Any:
    """Load the audit when it is first asked for: importing the package alone costs nothing."""
    if name in __all__:
        from . import audit

        return getattr(audit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
