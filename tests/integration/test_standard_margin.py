# SPDX-License-Identifier: Apache-2.0
"""Options and futures through Oracle, Surface, RiskBoard, Instruments, Vault and Ledger to CrossMargin."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from simulation.domain.market_math import future, option
from tests.evm import reverts
from tests.option_world import OptionWorld
from tests.protocol import ISOLATED, NANO

DAY = 86_400
STRIKES = [(1_000 + 50 * place) * NANO for place in range(32)]
SERIES = 8


@cache
def _deployed() -> tuple[OptionWorld, Any]:
    world = OptionWorld()
    world.prices(ETH=2_000, BTC=30_000)
    for place in range(SERIES):
        world.list_series("ETH", (7 + 7 * place) * DAY, STRIKES)
    for series in range(1, SERIES + 1):
        world.refresh(series)
    return world, world.env.snapshot()


@pytest.fixture
def world() -> OptionWorld:
    deployed, snapshot = _deployed()
    deployed.env.revert(snapshot)
    return deployed


def filled(world: OptionWorld, positions: dict[int, int], engine: int = 1) -> tuple[int, int]:
    """Two accounts, the first with these sizes, bought and sold at mark."""
    first = world.account("trader", cash=10_000_000, engine=engine)
    second = world.account("maker", cash=10_000_000)
    marks = world.marks(list(positions))
    for market, size in positions.items():
        world.match(first, second, market, marks[market], size)
    return first, second


def test_an_account_is_checked_with_the_marks_of_the_board(world: OptionWorld) -> None:
    positions = {
        option(1, 20, True): -3 * NANO,
        option(1, 22, True): 2 * NANO,
        option(1, 10, False): -NANO,
        future(1): 4 * NANO,
        option(2, 30, True): 5 * NANO,
        1: -NANO,
    }
    for account in filled(world, positions):
        assessment, valid = world.ledger.assess(account)
        assert valid
        assert tuple(assessment) == world.expected(account)
        assert assessment.equity == 10_000_000 * 10**18
        assert assessment.initial_margin > assessment.maintenance_margin > 0


def test_after_a_move_of_spot_and_surface(world: OptionWorld) -> None:
    accounts = filled(
        world, {option(1, 20, True): -3 * NANO, option(3, 25, False): 2 * NANO, future(1): NANO}
    )
    world.advance(600, ETH=2_300, BTC=30_000)
    for account in accounts:
        assessment, valid = world.ledger.assess(account)
        # The boards are too old to add risk with, but the account is still valued.
        assert not valid
        assert assessment.maintenance_margin > 0
    for series in range(1, SERIES + 1):
        world.refresh(series, forward_difference=-3 * NANO)
    for account in accounts:
        assessment, valid = world.ledger.assess(account)
        assert valid
        assert tuple(assessment) == world.expected(account)
    losses = [world.ledger.assess(account)[0].equity - 10_000_000 * 10**18 for account in accounts]
    assert losses[0] == -losses[1] < 0


def test_an_option_without_cover_is_refused_where_a_spread_passes(world: OptionWorld) -> None:
    short, cover = option(1, 20, True), option(1, 21, True)
    seller = world.account("trader", cash=200)
    maker = world.account("maker", cash=10_000_000)
    marks = world.marks([short, cover])
    with reverts("ledger: below initial margin"):
        world.match(seller, maker, short, marks[short], -NANO)
    world.match(seller, maker, cover, marks[cover], NANO)
    world.match(seller, maker, short, marks[short], -NANO)
    assessment, _ = world.ledger.assess(seller)
    assert tuple(assessment) == world.expected(seller)
    with reverts("ledger: below initial margin"):
        world.match(seller, maker, cover, marks[cover], -NANO)


def test_an_isolated_account_stays_in_its_series(world: OptionWorld) -> None:
    held = {option(1, 20, True): NANO, option(1, 5, False): -NANO, future(1): NANO}
    account, maker = filled(world, held, engine=ISOLATED)
    assert tuple(world.ledger.assess(account)[0]) == world.expected(account)
    for market in (option(2, 20, True), future(3), 1):
        with reverts("ledger: market not permitted"):
            world.match(account, maker, market, world.marks([market])[market], NANO)
    other = world.account("trader", cash=1_000_000, engine=ISOLATED)
    world.match(other, maker, 1, 2_000 * NANO, NANO)
    call = option(1, 20, True)
    with reverts("ledger: market not permitted"):
        world.match(other, maker, call, world.marks([call])[call], NANO)


def test_gas_of_a_check_of_64_options_over_8_expiries(world: OptionWorld) -> None:
    markets = [option(1 + n // 8, 12 + n % 8 * 2, n % 3 != 0) for n in range(64)]
    account, _ = filled(world, {market: (-1) ** n * NANO for n, market in enumerate(markets)})
    assert tuple(world.ledger.assess(account)[0]) == world.expected(account)
    assert world.ledger.view_gas("assess", account) <= 670_000
