# SPDX-License-Identifier: Apache-2.0
"""The Ledger's views against what was done, and the margin check against the engine's own answer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evm import reverts
from tests.protocol import BUY, EXCHANGE_AND_LIQUIDATOR, NANO, SELL, WAD, World, fresh_world, many_markets
from tests.unit.ledger.test_fill_taker import PRICE, rest


def test_small_ones(world: World) -> None:
    account = world.account("trader")
    assert (world.ledger.exchange(), world.ledger.liquidator()) == (
        world.exchange.address,
        world.liquidator.address,
    )
    assert tuple(world.ledger.position(account, 1)) == (0, 0, 0, 0, 0)
    assert (world.ledger.listed(account), world.ledger.markets_of(account)) == (0, [])
    assert not world.ledger.in_liquidation(account)
    assert world.ledger.authorised(account, world.env.address("trader"))
    assert not world.ledger.authorised(account, world.env.address("attacker"))


def test_the_portfolio_is_what_the_engine_judges(world: World) -> None:
    account, other = world.account("trader", cash=1_000), world.account("maker", cash=10_000)
    world.deposit("trader", account, 1, WAD)
    world.trade(account, other, 1, 2_000, 1)
    world.place("trader", account, 1, BUY, 1_900, 0.5)
    world.place("trader", account, 2, SELL, 31_000, 0.01)
    world.advance(60, ETH=2_050, BTC=30_000)
    view, valid = world.ledger.portfolio(account)
    assert valid
    assert [tuple(position) for position in view.positions] == [
        (1, NANO, 2_050 * NANO, 2_050 * NANO, 10**8, 50 * WAD, NANO // 2, 0),
        (2, 0, 30_000 * NANO, 30_000 * NANO, 10**8, 0, 0, NANO // 100),
    ]
    assert (view.cash, view.stable_price) == (world.vault.cash(account), NANO)
    assert [tuple(risk) for risk in view.collaterals] == [(1, 2_050 * WAD, 10**8, 1_000, 2_000)]
    assert world.ledger.assess(account) == (world.contracts["CrossMargin"].assess(view), True)


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(-30, 30), min_size=1, max_size=5),
    orders=st.lists(st.tuples(st.integers(1, 2), st.integers(-20, 20)), max_size=4),
    prices=st.tuples(st.integers(1_200, 3_000), st.integers(20_000, 45_000)),
    seconds=st.integers(1, 5_000),
)
def test_assess_is_the_engine_s_answer_to_the_portfolio(
    sizes: list[int], orders: list[tuple[int, int]], prices: tuple[int, int], seconds: int
) -> None:
    """The hot path builds its own portfolio: it must be the one the view tells."""
    desk = fresh_world(EXCHANGE_AND_LIQUIDATOR)
    account, other = desk.account("trader", cash=500_000), desk.account("maker", cash=500_000)
    desk.deposit("trader", account, 2, 10**7)
    for place, size in enumerate(sizes):
        if size:
            market = 1 + place % 2
            desk.match(account, other, market, (2_000, 30_000)[market - 1] * NANO, size * NANO // 10)
    for market, size in orders:
        rest(desk, account, size * NANO // 10, market)
    desk.advance(seconds, ETH=prices[0])
    for held in (account, other):
        view, valid = desk.ledger.portfolio(held)
        assert desk.ledger.assess(held) == (desk.contracts["CrossMargin"].assess(view), valid)
        fresh = seconds <= 3_600 or all(position.market == 1 for position in view.positions)
        assert valid == (fresh and (held == other or seconds <= 3_600))


def test_check_outflow(desk: World) -> None:
    account, other = desk.account("trader", cash=200), desk.account("maker", cash=10_000)
    desk.match(account, other, 1, PRICE, NANO)
    assert desk.ledger.check_outflow(account)
    desk.advance(60, ETH=1_999)
    assert not desk.ledger.check_outflow(account)
    desk.env.advance(3_601)
    with reverts("ledger: stale price"):
        desk.ledger.check_outflow(account)


def test_words_of(desk: World) -> None:
    account, other = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.match(account, other, 2, 30_000 * NANO, -NANO // 10)
    rest(desk, account, 5)
    header, *words = desk.ledger.words_of(account, 1, [1, 2])
    # flags 0 | two markets | 2, 1
    assert header == (2 << 8) | (2 << 16) | (1 << 32)
    assert words[0] == (1 << 240) | (3 << 248)
    assert words[1] == 5
    assert words[2] == (-NANO // 10) % 2**80 | (30_000 * NANO << 80) | (2 << 248)
    assert words[3] == 0
    assert desk.ledger.words_of(account, 2, []) == [header, (1 << 8) | (2 << 16)]
    desk.ledger.begin_liquidation(account, sender=desk.env.address("liquidator"))
    assert desk.ledger.words_of(account, 1, []) == [header | 1]
    with reverts():
        desk.ledger.words_of(1, 8193, [])


def test_sixty_four_markets_and_not_one_more() -> None:
    """Lists over several words, swap-removal included, against a plain Python list."""
    world = World(many_markets(65), wiring=dict(EXCHANGE_AND_LIQUIDATOR))
    world.prices(**{f"A{i}": 100 for i in range(1, 66)})
    account = world.account("trader", cash=100_000)
    listed: list[int] = []
    for market in range(1, 65):
        rest(world, account, NANO, market)
        listed.append(market)
    assert world.ledger.markets_of(account) == listed
    with reverts("ledger: too many positions"):
        rest(world, account, NANO, 65)
    for market in (1, 64, 33, 16, 15, 17, 48, 2, 63):
        world.as_exchange(("release_orders", account, market, NANO, 0))
        place = listed.index(market)
        listed[place] = listed[-1]
        listed.pop()
        assert world.ledger.markets_of(account) == listed
    for market in (65, 1, 16):
        rest(world, account, NANO, market)
        listed.append(market)
        assert world.ledger.markets_of(account) == listed
    while listed:
        world.as_exchange(("release_orders", account, listed[0], NANO, 0))
        listed[0] = listed[-1]
        listed.pop()
        assert world.ledger.markets_of(account) == listed
    assert world.ledger.listed(account) == 0
