"""A loss of accuracy, and what chance has to do with it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.cases.a001 import error, evaluation
from tflite_audit.rules.accuracy.comparison import Accuracy


def accuracy(ours: int, theirs: int, samples: int, lost: int | None = None, gained: int = 0) -> Accuracy:
    return Accuracy(evaluation(ours, samples, lost, gained), evaluation(theirs, samples))


def test_loss_has_the_sign_of_worse() -> None:
    assert accuracy(90, 95, 100).loss == pytest.approx(0.05)
    assert accuracy(95, 90, 100).loss == pytest.approx(-0.05)
    assert Accuracy(error(0.3), error(0.1)).loss == pytest.approx(0.2)
    assert math.isnan(Accuracy(error(None), error(0.1)).loss)


def test_chance_is_that_of_the_exact_test() -> None:
    # 7 samples right for one of the models only, 6 of them lost: P(X >= 6 of 7 fair coins) = (7 + 1) / 2**7.
    assert accuracy(90, 95, 100, 6, 1).chance == pytest.approx(8 / 128)
    assert accuracy(95, 90, 100, 1, 6).chance == pytest.approx(127 / 128)
    assert accuracy(90, 90, 100, 0, 0).chance == 1.0


def test_chance_by_the_normal_approximation_is_near_the_exact_one() -> None:
    exact = sum(math.comb(1200, k) for k in range(620, 1201)) / 2**1200
    assert accuracy(8960, 9000, 10_000, 620, 580).chance == pytest.approx(exact, rel=0.02)


def test_pairs_that_contradict_the_counts_are_not_used() -> None:
    assert accuracy(90, 95, 100, 1, 1).chance == accuracy(90, 95, 100).chance


@pytest.mark.parametrize("paired", [True, False])
def test_equally_good_models_are_seldom_refused(paired: bool) -> None:
    random = np.random.default_rng(1)
    samples, refused, runs = 400, 0, 2000
    for _ in range(runs):
        theirs = random.random(samples) < 0.9
        ours = np.where(random.random(samples) < 0.1, random.random(samples) < 0.9, theirs)
        lost, gained = int((theirs & ~ours).sum()), int((ours & ~theirs).sum())
        found = accuracy(int(ours.sum()), int(theirs.sum()), samples, lost if paired else None, gained)
        refused += found.loss > 0 and found.significant
    assert refused / runs <= 0.05


def test_acceptable() -> None:
    assert accuracy(9650, 9700, 10_000, 75, 25).acceptable, "half a point"
    assert not accuracy(9400, 9700, 10_000, 400, 100).acceptable
    assert accuracy(47, 48, 50, 2, 1).acceptable, "chance explains it"
    assert not Accuracy(error(0.2), error(0.1)).acceptable, "no samples to count"
    assert not Accuracy(error(None), error(0.1)).acceptable


def test_all_or_none_right() -> None:
    assert accuracy(10, 10, 10).chance == 1.0
    assert Accuracy(evaluation(0, 10), evaluation(10, 10)).chance == pytest.approx(0.0, abs=1e-4)
