"""What is generated from the code is up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def generated() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


@pytest.mark.parametrize(("path", "text"), generated().items(), ids=lambda v: v.name if isinstance(v, Path) else "")
def test_generated_pages_are_true(path: Path, text: str) -> None:
    assert path.read_text() == text, "run `make docs`"
