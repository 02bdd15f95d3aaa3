# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import NANO, WAD, World

PRICE = 2_000 * NANO


def rest(desk: World, account: int, size: int, market: int = 1) -> None:
    caller = desk.vault.account(account).owner
    desk.as_exchange(("fill_taker", caller, account, market, 0, 0, 0, size))


def test_a_trade_sums_to_zero(desk: World) -> None:
    taker = desk.account("trader", cash=10_000)
    makers = [desk.account("maker", cash=10_000) for _ in range(3)]
    fills = [(NANO, 2_000), (2 * NANO, 2_001), (NANO // 2, 2_003)]
    quote = sum(size * price * NANO for size, price in fills)
    size = sum(size for size, _ in fills)
    desk.as_exchange(
        *(
            ("fill_maker", maker, 1, -size, price * NANO, 0, False)
            for maker, (size, price) in zip(makers, fills, strict=True)
        ),
        ("fill_taker", desk.env.address("trader"), taker, 1, size, quote, 11, 0),
    )
    position = desk.ledger.position(taker, 1)
    assert (position.size, position.entry_price) == (size, quote // size)
    # What the floored entry leaves is in cash: worth at the trade is nothing but the fee.
    assert desk.vault.cash(taker) == 10_000 * WAD + size * (quote // size) - quote - 11
    assert desk.ledger.open_interest(1) == size
    desk.check()


def test_orders_are_reserved_at_their_worst(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    rest(desk, account, 3 * NANO)
    rest(desk, account, -4 * NANO)
    assert tuple(desk.ledger.position(account, 1)) == (0, 0, 0, 3 * NANO, 4 * NANO)
    margin = desk.ledger.assess(account)[0]
    assert (margin.initial_margin, margin.maintenance_margin) == (800 * WAD, 0)
    assert desk.ledger.markets_of(account) == [1]
    with desk.refuses("ledger: below initial margin"):
        rest(desk, account, 6 * NANO)
    rest(desk, account, 2 * NANO)


def test_margin_is_checked_to_the_wei(desk: World) -> None:
    taker, maker = desk.account("trader", cash=200), desk.account("maker", cash=10_000)
    with desk.refuses("ledger: below initial margin"):
        desk.match(taker, maker, 1, PRICE, NANO, fee=1)
    desk.match(taker, maker, 1, PRICE, NANO)
    margin = desk.ledger.assess(taker)[0]
    assert margin.equity == margin.initial_margin == 200 * WAD


def test_below_margin_only_what_does_not_grow_the_shortfall(desk: World) -> None:
    taker, maker = desk.account("trader", cash=220), desk.account("maker", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.advance(60, ETH=1_900, BTC=30_000)
    margin = desk.ledger.assess(taker)[0]
    assert margin.equity < margin.initial_margin
    with desk.refuses("ledger: below initial margin"):
        desk.match(taker, maker, 1, 1_900 * NANO, NANO // 100)
    with desk.refuses("ledger: below initial margin"):
        rest(desk, taker, NANO // 100)
    # Selling half frees 95 USD of margin: a price 200 below the mark would cost 100.
    with desk.refuses("ledger: below initial margin"):
        desk.match(taker, maker, 1, 1_700 * NANO, -NANO // 2)
    desk.match(taker, maker, 1, 1_720 * NANO, -NANO // 2)
    after = desk.ledger.assess(taker)[0]
    assert after.initial_margin - after.equity <= margin.initial_margin - margin.equity
    desk.check()


def test_flipping_is_adding_risk(desk: World) -> None:
    """The position is no larger afterwards, but it is another."""
    taker, maker = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    other = desk.account("keeper", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.match(other, maker, 1, PRICE, 2 * NANO)
    desk.env.advance(3_601)
    with desk.refuses("ledger: stale price"):
        desk.match(taker, maker, 1, PRICE, -2 * NANO)
    desk.match(taker, maker, 1, PRICE, -NANO)
    assert desk.ledger.position(taker, 1).size == 0


def test_a_flip_starts_at_the_trade_price(desk: World) -> None:
    taker, maker = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.match(taker, maker, 1, 2_050 * NANO, -3 * NANO)
    position = desk.ledger.position(taker, 1)
    assert (position.size, position.entry_price) == (-2 * NANO, 2_050 * NANO)
    assert desk.vault.cash(taker) == 1_050 * WAD
    assert desk.ledger.open_interest(1) == 2 * NANO
    desk.check()


def test_adding_risk_can_be_paused_and_reducing_cannot(desk: World) -> None:
    taker, maker = desk.account("trader", cash=1_000), desk.account("maker", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.ledger.pause(4, sender=desk.env.address("guardian"))
    for size in (NANO // 10, -3 * NANO):
        with desk.refuses("guarded: action is paused"):
            desk.match(taker, maker, 1, PRICE, size)
    with desk.refuses("guarded: action is paused"):
        rest(desk, taker, NANO)
    desk.match(taker, maker, 1, PRICE, -NANO // 2)
    # Closing orders that the position already covers add nothing to its worst size.
    rest(desk, taker, -NANO // 2)
    desk.match(taker, maker, 1, PRICE, -NANO // 2)


def test_a_stale_price_is_named(desk: World) -> None:
    account = desk.account("trader", cash=1_000)
    desk.env.advance(3_601)
    with desk.refuses("ledger: stale price"):
        rest(desk, account, NANO)
    desk.prices(ETH=2_000)
    desk.deposit("trader", account, 2, 1)
    # The market is fresh, the account's collateral is not.
    with desk.refuses("ledger: stale price"):
        rest(desk, account, NANO)
    desk.prices(BTC=30_000)
    rest(desk, account, NANO)


def test_the_open_interest_cap(desk: World) -> None:
    desk.instruments.set_open_interest_cap(1, NANO)
    taker, maker = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    third = desk.account("keeper", cash=10_000)
    with desk.refuses("ledger: open interest cap"):
        desk.match(taker, maker, 1, PRICE, NANO + 1)
    desk.match(taker, maker, 1, PRICE, NANO)
    with desk.refuses("ledger: open interest cap"):
        desk.match(third, maker, 1, PRICE, 1)
    # A position may change hands at the cap, and shrink above it.
    desk.match(third, taker, 1, PRICE, NANO // 2)
    desk.instruments.set_open_interest_cap(1, 0)
    desk.match(taker, maker, 1, PRICE, -NANO // 2)
    assert desk.ledger.open_interest(1) == NANO // 2
    desk.check()


def test_a_market_that_only_reduces(desk: World) -> None:
    taker, maker = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    desk.match(taker, maker, 1, PRICE, NANO)
    desk.instruments.set_active(1, False)
    with desk.refuses("ledger: open interest cap"):
        desk.match(taker, maker, 1, PRICE, 1)
    desk.match(taker, maker, 1, PRICE, -NANO)
    assert desk.ledger.open_interest(1) == 0


@pytest.mark.parametrize(
    ("size", "quote", "market"),
    [
        (NANO - 1, 2_000 * WAD, 1),
        (NANO, 2_000 * WAD - 1, 1),
        (-NANO, -2_000 * WAD, 1),
        (NANO, 2_000 * WAD, 2),
        (0, 0, 1),
    ],
)
def test_what_does_not_sum_to_zero_is_refused(desk: World, size: int, quote: int, market: int) -> None:
    taker, maker = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    with desk.refuses("ledger: trade is not zero-sum"):
        desk.as_exchange(
            ("fill_maker", maker, 1, -NANO, PRICE, 0, False),
            ("fill_taker", desk.env.address("trader"), taker, market, size, quote, 0, 0),
        )


def test_a_taker_without_makers_is_refused(desk: World) -> None:
    taker = desk.account("trader", cash=10_000)
    with desk.refuses("ledger: trade is not zero-sum"):
        desk.as_exchange(("fill_taker", desk.env.address("trader"), taker, 1, NANO, 2_000 * WAD, 0, 0))


def test_who_may_trade(desk: World) -> None:
    taker, maker = desk.account("trader", cash=10_000), desk.account("maker", cash=10_000)
    delegate = desk.env.address("delegate")
    fills = [("fill_maker", maker, 1, -NANO, PRICE, 0, False)]
    for role in ("delegate", "attacker", "owner", "guardian"):
        with desk.refuses("ledger: caller not authorised"):
            desk.as_exchange(
                *fills, ("fill_taker", desk.env.address(role), taker, 1, NANO, 2_000 * WAD, 0, 0)
            )
    desk.vault.set_delegate(taker, delegate, True, sender=desk.env.address("trader"))
    desk.as_exchange(*fills, ("fill_taker", delegate, taker, 1, NANO, 2_000 * WAD, 0, 0))
    for role in ("trader", "owner", "liquidator", "attacker"):
        with desk.refuses("ledger: caller is not exchange"):
            caller = desk.env.address(role)
            desk.ledger.fill_taker(caller, taker, 1, 0, 0, 0, NANO, sender=caller)


def test_an_account_in_liquidation_cannot_trade(desk: World) -> None:
    taker = desk.account("trader", cash=10_000)
    desk.ledger.begin_liquidation(taker, sender=desk.env.address("liquidator"))
    with desk.refuses("ledger: account in liquidation"):
        rest(desk, taker, NANO)


def test_markets_that_the_engine_does_not_permit(desk: World) -> None:
    cross = desk.account("trader", cash=10_000)
    with desk.refuses("ledger: market not permitted"):
        rest(desk, cross, NANO, market=3)
    isolated = desk.account("trader", cash=10_000, engine=2)
    rest(desk, isolated, NANO, market=2)
    with desk.refuses("ledger: market not permitted"):
        rest(desk, isolated, NANO, market=1)


def test_orders_out_of_range(desk: World) -> None:
    """Totals of resting size have 128 bits; the engine refuses what it cannot value long before."""
    account = desk.account("trader", cash=10**12)
    for size in (2**128, -(2**128), 2**255 - 1, -(2**255)):
        with desk.refuses(None):
            rest(desk, account, size)
