# SPDX-License-Identifier: Apache-2.0
"""Stressed deficits of random systems with every instrument and collateral: Lens and twin, exactly equal."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from simulation.domain import black76, stress, svi
from simulation.domain.ledger_math import coin
from simulation.domain.market_math import (
    Kind,
    future,
    is_call,
    is_inverse,
    kind,
    option,
    series,
    strike_index,
)
from simulation.engine.dated import black
from tests.evm import Reverted
from tests.inverse import BTC_USD, ETH_USD, inverse_protocol
from tests.option_world import OptionWorld
from tests.protocol import FIRST_INVERSE, NANO
from tests.surfaces import SurfaceUpdate

DAY = 86_400
STRIKES = [price * NANO for price in (1_200, 1_600, 2_000, 2_400, 3_200)]
DATED = [
    future(1),
    future(2),
    *(option(number, place, call) for number in (1, 2) for place in range(5) for call in (True, False)),
]
MARKETS = [1, 2, ETH_USD, BTC_USD, *DATED]
LADDERS = (stress.LADDER, (-10_000, -1, 0, 1, 100_000), tuple(range(-8_000, 8_000, 1_000)))


@cache
def _deployed() -> tuple[OptionWorld, Any]:
    world = OptionWorld(protocol=inverse_protocol())
    world.prices(ETH=2_000, BTC=30_000)
    for days in (7, 60):
        world.list_series("ETH", days * DAY, STRIKES)
    for number in (1, 2):
        world.refresh(number)
    return world, world.env.snapshot()


@pytest.fixture
def world() -> OptionWorld:
    deployed, snapshot = _deployed()
    deployed.env.revert(snapshot)
    return deployed


def populate(world: OptionWorld, rng: random.Random, accounts: int) -> list[int]:
    """Accounts with cash, coin and whatever positions their margin allows, at prices around the market's."""
    found = []
    for place in range(accounts):
        account = world.account(f"trader {place}", cash=rng.choice((3_000, 20_000, 90_000)))
        if rng.random() < 0.5:
            world.deposit(f"trader {place}", account, 1, rng.randrange(1, 10**19))
        if rng.random() < 0.3:
            world.deposit(f"trader {place}", account, 2, rng.randrange(1, 10**8))
        found.append(account)
    marks = dict(zip(MARKETS, world.instruments.words(MARKETS), strict=True))
    for _ in range(12 * accounts):
        taker, maker = rng.sample(found, 2)
        market = rng.choice(rng.choice((MARKETS[:2], MARKETS[2:4], MARKETS[4:6], MARKETS[6:])))
        price = max(1, (marks[market] & (2**72 - 1)) * rng.randrange(9_900, 10_100) // 10_000)
        size = rng.randrange(1, 9) * rng.choice((-1, 1)) * NANO
        size *= 1_000 if is_inverse(market) else 1
        try:
            if is_inverse(market):
                coins = abs(size) * NANO // price
                quote = coins if size > 0 else -coins
                world.as_exchange(
                    ("fill_maker", maker, market, -size, price, 0, False),
                    ("fill_taker", world.vault.account(taker).owner, taker, market, size, quote, 0, 0),
                )
            else:
                world.match(taker, maker, market, price, size // 20 if market == 2 else size)
        except Reverted:
            continue
    return found


def dated_changes(world: OptionWorld, market: int, shocks: Sequence[int], made: tuple[int, int]) -> list[int]:
    """From what the Surface was told, not from the board: (time, spot) at which boards were made."""
    number = series(market)
    parts = world.surface.forward_parts(number)
    if kind(market) is Kind.DATED_FUTURE:
        return [stress.change(parts.variable, shock) for shock in shocks]
    timestamp, spot = made
    smile = SurfaceUpdate()
    strike = STRIKES[strike_index(market)]
    seconds = world.instruments.series(number).expiry - timestamp
    parameters = svi.Params(smile.a, smile.b, smile.rho, smile.m, smile.sigma)
    vol = svi.vol(parameters, smile.reference_forward, smile.reference_tau, strike) // NANO * NANO
    (mark,) = world.marks([market]).values()
    return [
        stress.option_change(
            is_call(market),
            strike,
            mark,
            0,
            spot + smile.forward_difference,
            vol,
            seconds,
            black76.discount(max(smile.rate, 0), seconds),
            shock,
        )
        for shock in shocks
    ]


def holdings(world: OptionWorld) -> list[stress.Holding]:
    """Equity as the engine has it, exposures from positions and balances."""
    found = []
    for account in range(1, world.vault.account_count() + 1):
        exposure, dated = 0, {}
        for market in world.ledger.markets_of(account):
            position = world.ledger.position(account, market)
            mark = world.marks([market])[market]
            if market >= 256:
                dated[market] = position.size
            else:
                units = coin(position.entry_price) if market >= FIRST_INVERSE else position.size
                exposure += units * mark
        for asset, symbol in ((1, "ETH"), (2, "BTC")):
            decimals = 18 if asset == 1 else 8
            spot = world.oracle.tick(world.feeds[symbol]).spot
            exposure += world.vault.collateral(account, asset) * spot * NANO // 10**decimals
        found.append(stress.Holding(world.ledger.assess(account)[0].equity, exposure, dated))
    return found


def check(world: OptionWorld, made: tuple[int, int]) -> int:
    """Every ladder, in one page and in several; the largest deficit met."""
    own, largest = holdings(world), 0
    for shocks in LADDERS:
        changes = {market: dated_changes(world, market, shocks, made) for market in DATED}
        told = world.lens.dated_changes(DATED, shocks)
        assert told == [change for market in DATED for change in changes[market]]
        expected = stress.stressed(own, changes, shocks)
        found = world.lens.stressed(shocks, 1, 1_024)
        assert found.accounts == len(own)
        assert [(row.shock, row.deficit, row.lines, row.insolvent) for row in found.rows] == [
            (row.shock, row.deficit, row.lines, row.insolvent) for row in expected
        ]
        pages = [world.lens.stressed(shocks, first, 3) for first in range(1, len(own) + 1, 3)]
        assert sum(page.accounts for page in pages) == len(own)
        for place, row in enumerate(expected):
            assert sum(page.rows[place].deficit for page in pages) == row.deficit
        largest = max(largest, *(row.deficit for row in expected))
    return largest


@pytest.mark.parametrize("seed", range(6))
def test_random_systems(world: OptionWorld, seed: int) -> None:
    rng = random.Random(seed)
    made = (world.env.timestamp, 2_000 * NANO)
    populate(world, rng, 7)
    held = {kind(market) for account in range(1, 9) for market in world.ledger.markets_of(account)}
    assert held >= {Kind.LINEAR_PERPETUAL, Kind.INVERSE_PERPETUAL, Kind.DATED_FUTURE, Kind.OPTION}
    assert check(world, made) > 0
    eth, btc = rng.randrange(1_500, 2_600), rng.randrange(20_000, 40_000)
    world.advance(120, ETH=eth, BTC=btc)
    # Boards are those of before the move: options move from where their marks are.
    check(world, made)
    for number in (1, 2):
        world.refresh(number)
    check(world, (world.env.timestamp, eth * NANO))


def test_the_whole_picture(world: OptionWorld) -> None:
    populate(world, random.Random(7), 6)
    changes = {m: dated_changes(world, m, stress.LADDER, (world.env.timestamp, 2_000 * NANO)) for m in DATED}
    rows = stress.stressed(holdings(world), changes, stress.LADDER)
    assert rows[6].deficit == sum(max(0, -holding.equity) for holding in holdings(world))
    # A fund that pays for the fall of 30 % but not for that of 50 %.
    seed = (rows[0].deficit + rows[2].deficit) // 2 // 10**12
    depositor = world.env.address("depositor")
    world.cash.mint(depositor, seed)
    world.cash.approve(world.fund.address, seed, sender=depositor)
    world.fund.deposit(seed, depositor, sender=depositor)
    state = world.lens.solvency()
    assert [(row.shock, row.deficit) for row in state.stressed.rows] == [(r.shock, r.deficit) for r in rows]
    down, up = stress.depletion(rows, seed * 10**12)
    assert down is not None and 3_000 < down < 5_000
    assert state.depletion_down == down
    assert state.depletion_up == (2**256 - 1 if up is None else up)
    assert state.accounts == state.stressed.accounts == world.vault.account_count()
    assert state.stressed.valid


def test_what_the_settlement_average_has_fixed_does_not_move(world: OptionWorld) -> None:
    """Ten minutes before expiry two thirds of a future are fixed, at expiry all of it and of the options."""
    markets = [future(1), option(1, 0, True), option(1, 4, False)]
    expiry = world.instruments.series(1).expiry
    first, second = world.account("trader", cash=9_000), world.account("maker", cash=9_000)
    for market in markets:
        world.match(first, second, market, world.marks([market])[market], NANO)
    for left in range(1_800, 450, -150):
        world.advance(expiry - left - world.env.timestamp, ETH=2_000, BTC=30_000)
        world.surface.accumulate([1])
    world.refresh(1)
    parts = world.surface.forward_parts(1)
    assert parts.fixed == pytest.approx(2 * parts.variable, rel=0.01)
    rise = world.lens.dated_changes(markets, [1_000])
    assert rise[0] == stress.change(parts.variable, 1_000) < (parts.fixed + parts.variable) // 25
    assert 0 < rise[1] <= rise[0] and -rise[0] <= rise[2] < 0
    for _ in range(4):
        world.advance(150, ETH=2_000, BTC=30_000)
        world.surface.accumulate([1])
    world.surface.finalise(1)
    assert world.lens.dated_changes(markets, [-5_000, 5_000]) == [0] * 6
    equity = sum(world.ledger.assess(account)[0].equity for account in (first, second))
    assert equity == 18_000 * 10**18
    assert [row.deficit for row in world.lens.stressed([-10_000, 100_000], 1, 9).rows] == [0, 0]


@pytest.mark.parametrize("shock", [-9_000, -5_000, -500, 700, 5_000, 40_000])
@pytest.mark.parametrize("strike", [1_200, 2_000, 3_200])
def test_options_are_worth_what_black_says_at_the_moved_forward(strike: int, shock: int) -> None:
    forward, vol, days, rate = 2_000.0, 0.8, 30, 0.05
    seconds, discount = days * DAY, black76.discount(5 * 10**16, days * DAY)
    width, factor = vol * math.sqrt(days / 365), math.exp(-rate * days / 365)
    for call in (True, False):
        before, after = (
            factor * black(call, price, strike, width)[0]
            for price in (forward, forward * (1 + shock / 10_000))
        )
        found = stress.option_change(
            call,
            strike * NANO,
            round(before * NANO),
            500 * NANO,
            1_500 * NANO,
            8 * 10**17,
            seconds,
            discount,
            shock,
        )
        part = factor * black(call, 500 + 1_500 * (1 + shock / 10_000), strike, width)[0]
        assert found == pytest.approx((part - before) * NANO, abs=2)
        assert abs(found) <= abs(after - before) * NANO + 2


def test_a_shock_beyond_the_range_is_refused_by_the_twin_too() -> None:
    for shock in (stress.LOWEST - 1, stress.HIGHEST + 1):
        with pytest.raises(ValueError, match="shock out of range"):
            stress.stressed([], {}, [shock])
