# SPDX-License-Identifier: Apache-2.0
"""Values with units: what is read, what is refused, and that what is written reads back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.config import kinds
from simulation.config.schema import FAILED, Kind, Problems


def read(kind: Kind, raw: object) -> Any:
    problems = Problems("file.toml")
    value = kind.read(raw, "section.key", problems)
    problems.raise_if_any()
    return value


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (kinds.SECONDS, "12 s", 12),
        (kinds.SECONDS, "5min", 300),
        (kinds.SECONDS, "10 h 45 min", 38_700),
        (kinds.SECONDS, "1.5 h", 5_400),
        (kinds.SECONDS, "2 d", 172_800),
        (kinds.MOMENT, "2020-03-12T00:00:00Z", 1_583_971_200),
        (kinds.USD_WAD, "250 USD", 250 * 10**18),
        (kinds.USD_WAD, "0.000000000000000001 USD", 1),
        (kinds.USD, "-2_500.5 USD", -2500.5),
        (kinds.PRICE_NANO, "0.01 USD", 10_000_000),
        (kinds.SIZE_NANO, "1e-9 base", 1),
        (kinds.BPS, "0.5 %", 50),
        (kinds.BPS, "7 bps", 7),
        (kinds.SHARE, "25 bps", 0.0025),
        (kinds.YEARLY_WAD, "8 %/year", 8 * 10**16),
        (kinds.HOURLY_WAD, "0.75 %/h", 75 * 10**14),
        (kinds.EVENTS_PER_YEAR, "2 /day", 730.0),
        (kinds.WEI, "30 gwei", 30 * 10**9),
        (kinds.NUMBER, 3, 3.0),
    ],
)
def test_a_value_with_its_unit_is_read_exactly(kind: Kind, raw: object, value: object) -> None:
    assert read(kind, raw) == value
    assert read(kind, kind.show(value)) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (kinds.SECONDS, 12),
        (kinds.SECONDS, "12"),
        (kinds.SECONDS, ""),
        (kinds.SECONDS, "12 apples"),
        (kinds.SECONDS, "0.5 s"),
        (kinds.MOMENT, "2020-03-12"),
        (kinds.MOMENT, "yesterday"),
        (kinds.USD_WAD, "250"),
        (kinds.USD_WAD, "250 EUR"),
        (kinds.USD_WAD, "1e-19 USD"),
        (kinds.USD, "nan USD"),
        (kinds.BPS, "0.001 %"),
        (kinds.BPS, 0.05),
        (kinds.WEI, "30 Gwei"),
        (kinds.INTEGER, 1.0),
        (kinds.INTEGER, True),
        (kinds.NUMBER, float("nan")),
        (kinds.NUMBER, "3"),
        (kinds.FLAG, 1),
        (kinds.TEXT, 7),
        (kinds.choice("prints", "close"), "open"),
    ],
)
def test_a_wrong_unit_or_type_names_key_and_expectation(kind: Kind, raw: object) -> None:
    problems = Problems("file.toml")
    assert kind.read(raw, "section.key", problems) is FAILED
    (problem,) = problems.found
    assert str(problem).startswith("file.toml: section.key: got ")
    assert str(problem).endswith(f"; expected {kind.expected}")
    assert "\n" not in str(problem)


@given(st.integers(min_value=0, max_value=10**27))
def test_money_survives_writing_and_reading(wad: int) -> None:
    assert read(kinds.USD_WAD, kinds.USD_WAD.show(wad)) == wad


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_survive_writing_and_reading(seconds: int) -> None:
    assert read(kinds.SECONDS, kinds.SECONDS.show(seconds)) == seconds


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_shares_survive_writing_and_reading(share: float) -> None:
    assert read(kinds.SHARE, kinds.SHARE.show(share)) == share


def test_waypoints_must_rise_in_time() -> None:
    problems = Problems("file.toml")
    points = [["0 s", "10 USD"], ["1 h", "9 USD"], ["1 h", "8 USD"], ["2 h", "-1 USD"], ["3 h"]]
    assert kinds.WAYPOINTS_NANO.read(points, "assets.ETH.points", problems) is FAILED
    assert [problem.key for problem in problems.found] == [
        f"assets.ETH.points[{place}]" for place in (2, 3, 4)
    ]
