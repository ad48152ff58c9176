"""The formats a report is shown in: a function each, whose module is loaded when it is asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from tflite_audit.reports.document import Report, encode


def text(report: Report, terminal: bool = False) -> bytes:
    """For reading in a terminal or a log: colour, and the terminal's width, only where there is a terminal."""
    from tflite_audit.reports.text import render

    if not terminal:
        return render(report).encode(errors="replace")
    width = shutil.get_terminal_size((100, 24)).columns
    return render(report, width=width, colour="NO_COLOR" not in os.environ).encode(errors="replace")


def json(report: Report, _terminal: bool = False) -> bytes:
    """The document itself."""
    return encode(report)


def html(report: Report, _terminal: bool = False) -> bytes:
    """One page that fetches nothing."""
    from tflite_audit.reports.html import render

    return render(report).encode()


# `terminal` is the same question to all; only text answers it.
FORMATS: dict[str, Callable[[Report, bool], bytes]] = {"text": text, "json": json, "html": html}


def render(report: Report, name: str, *, terminal: bool = False) -> bytes:
    """The report in the format of that name, which is a key of `FORMATS`."""
    return FORMATS[name](report, terminal)
