"""The report as one HTML page that fetches nothing."""

from __future__ import annotations

from tflite_audit.reports.html.page import render

__all__ = ["render"]
