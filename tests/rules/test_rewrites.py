"""Every rewrite does what its operator does, and converts with builtins where that one does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.rules.rewrites_inputs import CASES, EDGES
from tflite_audit.analyzer.isolation import Limits, Replied, Worker
from tflite_audit.rules.conversion.rewrites import REWRITES

pytestmark = pytest.mark.tensorflow

ASKED_FOR = {
    "CropAndResize",
    "Erf",
    "ExtractImagePatches",
    "IRFFT",
    "MatrixInverse",
    "MaxPool3D",
    "ResizeBicubic",
    "RGBToHSV",
}
"""Run with the quick tests; each takes half a second."""


@pytest.fixture(scope="module")
def ask() -> Iterator[Callable[..., Any]]:
    with Worker("tests.rules.rewrites_child", {"PYTHONPATH": str(REPOSITORY)}) as worker:

        def check(op: str, edge: int | None = None) -> Any:
            end = worker.request("check", {"op": op, "edge": edge}, limits=Limits(seconds=120))
            assert isinstance(end, Replied), end
            return end.value

        yield check


def test_every_rewrite_is_tested() -> None:
    assert set(REWRITES) == set(CASES)


@pytest.mark.parametrize("op", [op if op in ASKED_FOR else pytest.param(op, marks=pytest.mark.slow) for op in REWRITES])
def test_rewrite(ask: Callable[..., Any], op: str) -> None:
    case, found = CASES[op], ask(op)
    assert (case.op or op) in found["ops"], "the reference holds the operator"
    assert "error" not in found["converted"], found["converted"]
    assert not [name for name in found["converted"]["operators"] if name.startswith("Flex")]
    assert found["converted"]["difference"] <= max(case.near, 1e-5)
    if not case.random:
        assert found["difference"] <= case.near, found
    if case.refused:
        codes = {code.partition(" ")[0] for code in found["needed"]["codes"]}
        assert codes & {"ERROR_NEEDS_FLEX_OPS", "ERROR_NEEDS_CUSTOM_OPS"}, "the operator itself does not convert"
        assert any(code.endswith(f"tf.{op}") for code in found["needed"]["codes"]), found["needed"]["codes"]


QUICK_EDGES = {"FFT", "MatrixInverse", "Softplus"}


@pytest.mark.parametrize(
    ("op", "edge"),
    [
        pytest.param(op, i, id=f"{op}-{i}", marks=[] if op in QUICK_EDGES else [pytest.mark.slow])
        for i, (op, _) in enumerate(EDGES)
    ],
)
def test_edges(ask: Callable[..., Any], op: str, edge: int) -> None:
    case, found = EDGES[edge][1], ask(op, edge)
    assert "error" not in found["converted"], found["converted"]
    assert not [name for name in found["converted"]["operators"] if name.startswith("Flex")]
    assert found["converted"]["difference"] <= max(case.near, 1e-5)
    assert found["difference"] <= case.near, found


@pytest.mark.slow
def test_what_shuffles_keeps_its_rows(ask: Callable[..., Any]) -> None:
    found = ask("RandomShuffle")
    assert sorted(found["replies"][0]) == sorted(found["expected"][0])


@pytest.mark.slow
def test_what_draws_keeps_to_its_range(ask: Callable[..., Any]) -> None:
    assert set(ask("RandomUniformInt")["replies"][0]) <= {2, 3, 4}
    assert all(abs(value) <= 2 for value in ask("TruncatedNormal")["replies"][0])
    assert all(0 <= value < 1 for value in ask("StatelessRandomUniformV2")["replies"][0])
