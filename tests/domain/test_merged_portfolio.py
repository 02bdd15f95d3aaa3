# SPDX-License-Identifier: Apache-2.0
"""Portfolios of one owner as one."""

from __future__ import annotations

import pytest

from simulation.domain.margin_math import CollateralRisk, Portfolio, PositionRisk
from simulation.domain.merged_portfolio import merged

ETH = PositionRisk(1, 5, 2_000, 2_001, 100, 70, 3, 1)
LESS = PositionRisk(1, -7, 1_999, 2_000, 90, -30, 0, 2)
BTC = PositionRisk(2, 4, 9_000, 9_000, 100, 0)
COIN, MORE = CollateralRisk(1, 600, 100, 10, 20), CollateralRisk(1, 50, 100, 10, 20)


def test_everything_adds_up_and_prices_are_those_of_the_first() -> None:
    one, other = Portfolio(-5, 10**9, (ETH,), (COIN,)), Portfolio(8, 9 * 10**8, (BTC, LESS), (MORE,))
    together = merged([one, other])
    assert together == Portfolio(
        3,
        10**9,
        (PositionRisk(1, -2, 2_000, 2_001, 100, 40, 3, 3), BTC),
        (CollateralRisk(1, 650, 100, 10, 20),),
    )


def test_one_portfolio_stays_as_it_is() -> None:
    alone = Portfolio(1, 10**9, (ETH, BTC), (COIN,))
    assert merged([alone]) == alone
    with pytest.raises(ValueError, match="no portfolio"):
        merged([])
