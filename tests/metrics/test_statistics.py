# SPDX-License-Identifier: Apache-2.0
"""Intervals hold what they promise, and say so when there are too few runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulation.metrics.statistics import expected_shortfall, mean, paired_difference, proportion, quantile

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def test_mean_has_students_interval() -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    found = mean(values)
    low, high = stats.t.interval(0.95, 3, loc=4.0, scale=stats.sem(values))
    assert (found.value, found.low, found.high, found.runs) == pytest.approx((4.0, low, high, 4))


def test_one_run_has_no_interval() -> None:
    found = mean([3.0])
    assert (found.value, found.low, found.high, found.runs) == (3.0, None, None, 1)
    assert not found.excludes_zero


def test_pairing_removes_common_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 100, 30)
    baseline, treated = list(noise), list(noise + 5 + np.random.default_rng(2).normal(0, 1, 30))
    paired = paired_difference(treated, baseline)
    assert paired.excludes_zero
    assert paired.low is not None and paired.high is not None and paired.low < 5 < paired.high
    assert paired.high - paired.low < 2


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError, match="2 treated and 1 baseline"):
        paired_difference([1.0, 2.0], [1.0])


def test_quantile_interval_is_between_order_statistics() -> None:
    found = quantile([float(n) for n in range(1, 101)], 0.5)
    assert (found.value, found.low, found.high) == (50, 40, 61)


def test_a_tail_quantile_of_few_runs_is_open_above() -> None:
    found = quantile([float(n) for n in range(20)], 0.99)
    assert found.value == 19 and found.high is None and found.low is not None


def test_quantile_interval_covers_the_true_quantile_as_often_as_promised() -> None:
    rng = np.random.default_rng(3)
    truth, hits = stats.expon.ppf(0.9), 0
    for _ in range(400):
        found = quantile(list(rng.exponential(size=80)), 0.9)
        assert found.low is not None and found.high is not None
        hits += found.low <= truth <= found.high
    assert hits / 400 >= 0.93


@given(VALUES, st.floats(0.01, 0.99))
def test_quantile_lies_inside_its_interval(values: list[float], q: float) -> None:
    found = quantile(values, q)
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.value <= found.high


def test_expected_shortfall_is_the_mean_of_the_worst() -> None:
    found = expected_shortfall([float(n) for n in range(100)], 0.95)
    assert found.value == pytest.approx(np.mean([95, 96, 97, 98, 99]))
    assert found.low is not None and found.high is not None
    assert found.low < found.value <= found.high <= 99


def test_expected_shortfall_is_the_same_every_time() -> None:
    values = list(np.random.default_rng(4).lognormal(size=50))
    assert expected_shortfall(values, 0.9) == expected_shortfall(values, 0.9)


def test_expected_shortfall_of_too_few_runs_has_no_interval() -> None:
    found = expected_shortfall([1.0, 2.0, 3.0], 0.95)
    assert (found.value, found.low, found.high) == (3.0, None, None)


@given(VALUES)
def test_expected_shortfall_is_at_least_the_quantile(values: list[float]) -> None:
    assert expected_shortfall(values, 0.9, resamples=2).value >= quantile(values, 0.9).value - 1e-6


@pytest.mark.parametrize(("successes", "runs"), [(0, 10), (10, 10), (3, 10)])
def test_a_share_stays_between_0_and_1(successes: int, runs: int) -> None:
    found = proportion(successes, runs)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.2


@pytest.mark.parametrize("statistic", [mean, lambda values: quantile(values, 0.5)])
def test_nothing_has_no_statistic(statistic: object) -> None:
    with pytest.raises(ValueError, match="no values"):
        statistic([])  # type: ignore[operator]
