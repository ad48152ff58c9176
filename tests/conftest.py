"""Fixtures for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared corpus: `models/`, `cases/`, `data/`."""
    folder = Path(os.environ.get("TFLITE_AUDIT_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "models" / "manifest.json").is_file():
        pytest.skip(f"no shared corpus at {folder}; set TFLITE_AUDIT_SHARED to its folder")
    return folder
