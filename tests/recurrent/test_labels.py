"""Every file of the shared corpus: its recurrent layers are named right, and none is seen where there is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.recurrent.labels import LABELS, Label
from tflite_audit.analyzer.model import debug_info, flatbuffer
from tflite_audit.rules import precision
from tflite_audit.rules.recurrent import forms
from tflite_audit.rules.recurrent.forms import RecurrentLayer

UNREADABLE = 3
"""Files of the corpus that are no models, by intention."""


@pytest.mark.shared
def test_corpus(shared: Path) -> None:
    unreadable = 0
    for path in sorted((shared / "models").glob("*.tflite")):
        try:
            model = flatbuffer.read(path)
        except flatbuffer.InvalidModel:
            unreadable += 1
            continue
        found = forms.of_model(model, debug_info.locate(model), precision.of_model(model)).layers
        expected = Counter({_told(label): label.times for label in LABELS.get(path.stem, ())})
        assert Counter(_told(layer) for layer in found) == expected, path.stem
    assert unreadable == UNREADABLE


@pytest.mark.shared
def test_labels_have_files(shared: Path) -> None:
    assert {name for name in LABELS if (shared / "models" / f"{name}.tflite").is_file()} == LABELS.keys()


def _told(layer: Label | RecurrentLayer) -> tuple[object, ...]:
    return layer.form, layer.cell, layer.variant, layer.steps, layer.units, layer.arithmetic
