# SPDX-License-Identifier: Apache-2.0
"""A thinned trace keeps its ends, its peaks and its gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulation.reports.thin import thin


@given(st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), max_size=600), st.integers(4, 80))
def test_ends_extremes_and_order(values: list[float], limit: int) -> None:
    kept = thin(np.array(values), limit)
    assert len(kept) <= max(limit, 4)
    assert (np.diff(kept) > 0).all()
    if not values:
        return
    assert kept[0] == 0 and kept[-1] == len(values) - 1
    numbers = np.array(values)
    if not np.isnan(numbers).all():
        assert np.nanmax(numbers[kept]) == np.nanmax(numbers)
        assert np.nanmin(numbers[kept]) == np.nanmin(numbers)


def test_few_points_stay_as_they_are() -> None:
    assert list(thin(np.arange(10), 10)) == list(range(10))


def test_one_spike_in_a_million_survives() -> None:
    values = np.zeros(1_000_000)
    values[654_321] = 5
    kept = thin(values)
    assert 654_321 in kept and len(kept) <= 2_000


def test_a_long_gap_stays_a_gap() -> None:
    values = np.ones(10_000)
    values[4_000:6_000] = np.nan
    assert np.isnan(values[thin(values, 100)]).sum() >= 8
