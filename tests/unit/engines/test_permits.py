# SPDX-License-Identifier: Apache-2.0
"""permits: CrossMargin any number of markets with parameters, IsolatedMargin one."""

from __future__ import annotations

import pytest

from tests.evm import Contract


@pytest.mark.parametrize("listed", [0, 1, 63, 64])
@pytest.mark.parametrize(("market", "known"), [(1, True), (64, True), (65, False), (255, False)])
def test_which_markets_an_account_may_list(engine: Contract, market: int, known: bool, listed: int) -> None:
    room = engine.name == "CrossMargin" or listed == 0
    assert engine.permits(7, market, listed) is (known and room)


@pytest.mark.parametrize("market", [0, 256, 2**256 - 1])
def test_a_market_that_cannot_exist_is_not_permitted(engine: Contract, market: int) -> None:
    assert engine.permits(7, market, 0) is False
