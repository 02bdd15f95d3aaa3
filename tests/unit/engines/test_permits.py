# SPDX-License-Identifier: Apache-2.0
"""permits: CrossMargin any markets with parameters; IsolatedMargin a perpetual, or one series."""

from __future__ import annotations

import pytest

from simulation.domain.market_math import future, option
from tests.evm import Contract, Env
from tests.unit.engines.option_markets import STRIKES, add_boards
from tests.unit.engines.portfolios import RISK


@pytest.mark.parametrize("listed", [0, 1, 63, 64])
@pytest.mark.parametrize(("market", "known"), [(1, True), (64, True), (65, False), (255, False), (200, True)])
def test_which_perpetuals_an_account_may_list(
    engine: Contract, market: int, known: bool, listed: int
) -> None:
    engine.set_markets([200], [RISK])
    room = engine.name == "CrossMargin" or listed == 0
    assert engine.permits(7, market, listed) is (known and room)


@pytest.mark.parametrize("market", [0, 256, 257, 511, 2**16, 2**256 - 1])
def test_a_market_that_cannot_exist_is_not_permitted(engine: Contract, market: int) -> None:
    """Without boards no dated market can."""
    assert engine.permits(7, market, 0) is False


@pytest.mark.parametrize(
    ("market", "known"),
    [
        (future(1), True),
        (future(3), False),
        (future(4), False),
        (option(1, 0, True), True),
        (option(2, len(STRIKES) - 1, False), True),
        (option(2, len(STRIKES), True), False),
        (option(3, 0, True), False),
        (option(4, 0, True), False),
        (future(1) + 255, False),
        (future(1) + 2**16, False),
    ],
)
def test_dated_markets_need_a_board_with_their_strike_and_parameters(
    engine: Contract, market: int, known: bool
) -> None:
    add_boards(engine)
    assert engine.permits(7, market, 0) is known


@pytest.mark.parametrize(
    ("held", "market", "permitted"),
    [
        ([], option(1, 0, True), True),
        ([option(1, 0, True)], option(1, 5, False), True),
        ([option(1, 0, True), future(1)], option(1, 5, False), True),
        ([option(1, 0, True)], future(1), True),
        ([option(2, 0, True)], option(1, 0, True), False),
        ([option(1, 0, True), option(2, 0, True)], option(1, 1, True), False),
        ([1], option(1, 0, True), False),
        ([option(1, 0, True)], 1, False),
        ([1], 2, False),
        ([option(1, n, False) for n in range(20)], option(1, 0, True), True),
    ],
)
def test_an_isolated_account_stays_in_one_series(
    engine: Contract, env: Env, held: list[int], market: int, permitted: bool
) -> None:
    add_boards(engine)
    ledger = env.deploy("MockMarketList")
    ledger.set_markets(held)
    assert ledger.permits(engine, 7, market) is (permitted or engine.name == "CrossMargin")


def test_nobody_but_a_ledger_learns_more_of_a_series(engine: Contract) -> None:
    """Who has no list of markets to show is refused a second one."""
    add_boards(engine)
    assert engine.permits(7, option(1, 0, True), 1) is (engine.name == "CrossMargin")
