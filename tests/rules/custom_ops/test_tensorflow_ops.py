"""The lists of TensorFlow's operators are those of the installed TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tflite_audit.analyzer.isolation import Limits, Replied, Worker
from tflite_audit.rules.conversion.operators import BUILTINS
from tflite_audit.rules.conversion.rewrites import REWRITES
from tflite_audit.rules.custom_ops.tensorflow_ops import ALLOWED, LOWERED, OTHERS


def test_the_lists_are_apart() -> None:
    assert not ALLOWED & OTHERS
    assert LOWERED <= ALLOWED | OTHERS
    assert not LOWERED & BUILTINS.keys()


def test_every_rewrite_is_of_an_operator_of_tensorflow() -> None:
    assert REWRITES.keys() <= ALLOWED | OTHERS


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("tests.rules.custom_ops.tensorflow_child", {"PYTHONPATH": str(REPOSITORY)}) as worker:
        yield worker


def ask(worker: Worker, what: str, value: Any) -> Any:
    end = worker.request(what, value, limits=Limits(seconds=180))
    assert isinstance(end, Replied), end
    return end.value


@pytest.mark.tensorflow
@pytest.mark.slow
def test_flex_takes_what_is_listed(worker: Worker) -> None:
    answers = ask(worker, "allowed", sorted(ALLOWED | OTHERS))
    assert {name for name, allowed in answers.items() if allowed} == ALLOWED
    assert answers.keys() == ALLOWED | OTHERS, "operators of TensorFlow, all of them"


@pytest.mark.tensorflow
@pytest.mark.slow
def test_what_is_lowered_converts(worker: Worker) -> None:
    ends = ask(worker, "lowered", None)
    assert ends == dict.fromkeys(LOWERED)
