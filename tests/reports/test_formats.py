from __future__ import annotations

import subprocess
import sys

import pytest

from tests.builders import report as sample
from tflite_audit.reports.document import decode
from tflite_audit.reports.formats import FORMATS, render


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("build", [sample.digits, sample.empty, sample.hostile])
def test_every_format_gives_utf8(name: str, build: object) -> None:
    assert callable(build)
    assert render(build(), name).decode()


def test_json_is_the_document() -> None:
    assert decode(render(sample.digits(), "json")) == sample.digits()


def test_colour_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b" not in render(sample.digits(), "text")
    assert b"\x1b" in render(sample.digits(), "text", terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in render(sample.digits(), "text", terminal=True)


def test_a_format_is_loaded_when_it_is_asked_for() -> None:
    program = (
        "import sys; from tests.builders import report; from tflite_audit.reports.formats import render\n"
        "render(report.checked(), 'json'); render(report.checked(), 'text')\n"
        "print({'jinja2', 'rich', 'networkx', 'tflite'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout == "set()\n"
