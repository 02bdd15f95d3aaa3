# SPDX-License-Identifier: Apache-2.0
"""Block space: the external price follows its points, and demand pulls the base fee to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.config import GasSpec
from simulation.market.gas import external_gas, external_prices

GWEI = 10**9
LIMIT = 30_000_000


def test_without_noise_every_point_is_hit() -> None:
    spec = GasSpec(external_price=((0, 10 * GWEI), (600, 40 * GWEI), (1200, 20 * GWEI)), noise=0.0)
    prices = external_prices(spec, 1, 200, 12)
    assert prices[[0, 25, 50, 100, 200]].tolist() == pytest.approx(
        [10 * GWEI, 20 * GWEI, 40 * GWEI, 20 * GWEI, 20 * GWEI], rel=1e-12
    )


def test_noise_has_its_stated_size() -> None:
    spec = GasSpec(external_price=((0, 10 * GWEI),), noise=0.2)
    logs = np.log(external_prices(spec, 1, 50_000, 12) / (10 * GWEI))
    assert abs(logs.mean()) < 4 * 0.2 / np.sqrt(50_000)
    assert abs(logs.std() / 0.2 - 1) < 4 / np.sqrt(2 * 50_000)


@given(st.integers(1, 10**13), st.integers(0, 10**13), st.integers(21_000, 10**8), st.floats(0, 10))
def test_demand_lies_between_nothing_and_a_full_block(
    price: int, base_fee: int, limit: int, slope: float
) -> None:
    assert 0 <= external_gas(price, base_fee, limit, slope) <= limit


def test_demand_meets_the_target_at_the_external_price() -> None:
    assert external_gas(30 * GWEI, 30 * GWEI, LIMIT, 2.0) == LIMIT // 2
    assert external_gas(30 * GWEI, 29 * GWEI, LIMIT, 2.0) > LIMIT // 2
    assert external_gas(30 * GWEI, 31 * GWEI, LIMIT, 2.0) < LIMIT // 2


@pytest.mark.parametrize("start", [1 * GWEI, 500 * GWEI])
def test_the_base_fee_settles_at_the_external_price(start: int) -> None:
    base_fee = start
    for _ in range(200):
        excess = external_gas(30 * GWEI, base_fee, LIMIT, 2.0) - LIMIT // 2
        base_fee += base_fee * excess // (LIMIT // 2) // 8
    assert base_fee == pytest.approx(30 * GWEI, rel=0.001)
