# SPDX-License-Identifier: Apache-2.0
"""Units: exact where they promise it, and rounded the way their names say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.domain import units


@given(st.integers(-(10**14), 10**14))
def test_nano_survives_the_way_through_a_float(nano: int) -> None:
    assert units.to_nano(units.nano_to_float(nano)) == nano


@given(st.integers(-(10**30), 10**30))
def test_wad_survives_the_way_through_a_decimal(wad: int) -> None:
    assert units.to_wad(units.wad_to_decimal(wad)) == wad


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_never_reaches_the_chain(value: float) -> None:
    for convert in (units.to_nano, units.to_wad):
        with pytest.raises(ValueError, match="no finite number"):
            convert(value)


def test_halves_go_to_even() -> None:
    assert [units.to_nano(parts / 1024) for parts in (1, 2, 3)] == [976_562, 1_953_125, 2_929_688]
    assert [units.to_wad(Decimal(half).scaleb(-18)) for half in ("0.5", "1.5", "-0.5", "2.5")] == [0, 2, 0, 2]


def test_a_product_of_size_and_price_is_exact_money() -> None:
    assert units.notional_wad(3 * units.NANO, -2 * units.NANO) == -6 * units.WAD
    assert units.notional_wad(1, 1) == 1


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**10))
def test_multiples_of_a_step(value: int, step: int) -> None:
    down, near = units.floor_to(value, step), units.round_to(value, step)
    assert down % step == near % step == 0
    assert down <= value < down + step
    assert abs(2 * (near - value)) <= step


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_token_amounts_round_for_the_protocol(wad: int, decimals: int) -> None:
    down, up = units.wad_to_token_down(wad, decimals), units.wad_to_token_up(wad, decimals)
    assert units.token_to_wad(down, decimals) <= wad <= units.token_to_wad(up, decimals)
    assert up - down in (0, 1)


@pytest.mark.parametrize("decimals", [-1, 19])
def test_a_stable_token_has_at_most_18_decimals(decimals: int) -> None:
    with pytest.raises(ValueError, match="0 to 18 decimals"):
        units.token_to_wad(1, decimals)
