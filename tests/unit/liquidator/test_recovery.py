# SPDX-License-Identifier: Apache-2.0
"""An account that owns something again while its auction is insolvent: nobody gets it for nothing."""

from __future__ import annotations

import pytest

from simulation.domain import auction_math
from tests.evm import reverts
from tests.unit.liquidator.world import (
    ANY_PRICE,
    DELEVERAGE,
    FROM_START,
    IDLE,
    INSOLVENT,
    MARKET,
    NANO,
    SOLVENT,
    WAD,
    World,
    wad,
)

CURVE = auction_math.Curve(*(FROM_START[key] for key in ("start", "cut", "fast", "slow")))
RUN_OUT = CURVE.fast + CURVE.slow
BELOW, ABOVE = 88, 92
"""Marks at which the usual account has equity of -200 and of 200."""


def recovered(world: World) -> None:
    """Insolvent at 88, then 92: equity is 200, maintenance margin 460."""
    world.insolvent()
    world.mark(ABOVE)


def restart(world: World, account: int | None = None) -> None:
    world.liquidator.start(account or world.account, sender=world.env.address("anybody"))


def collateral_left(world: World) -> int:
    """Deleveraged down to a collateral of 1,000 and a loan of 1,000; the haircut is 20 %."""
    world.vault.set_risk(500, 1_000, 2_000, 1)
    account = world.open("trader", cash=-400, size=100, collateral=1_000)
    world.mark(92)
    world.liquidator.start(account)
    world.liquidator.mark_deleverage(account)
    maker = world.open("maker", cash=1_000, size=-100)
    world.liquidator.deleverage(account, MARKET, [maker])
    assert world.vault.listed(account) == 0 and world.state(account).phase == DELEVERAGE
    assert world.equity(account) == 0
    return account


def test_it_is_not_given_away(world: World) -> None:
    world.insure(1_000)
    recovered(world)
    for wait in (0, 1_800, 10**6):
        world.env.advance(wait)
        with reverts("liquidator: needs a restart"):
            world.bid(WAD, 0)
        with reverts("liquidator: needs a restart"):
            world.bid(WAD // 10)


def test_it_is_sold_as_a_solvent_one(world: World) -> None:
    """The whole story: what the owner has left is paid for at the discount of a new auction."""
    recovered(world)
    state = world.state(world.account)
    assert (state.phase, state.bid_price, state.max_fraction) == (INSOLVENT, wad(190), 0)
    world.env.advance(60)
    equity = world.equity(world.account)
    receipt = world.liquidator.start(world.account, sender=world.env.address("anybody"))
    assert receipt.named("AuctionStarted") == [
        {
            "account": world.account,
            "starter": world.env.address("anybody"),
            "equity": equity,
            "maintenance_margin": wad(460),
            "insolvent": False,
        }
    ]
    state = world.state(world.account)
    assert (state.phase, state.started, state.reserved) == (SOLVENT, world.env.timestamp, 0)
    assert (state.bid_price, state.paused) == (wad(190), 60)
    fraction = auction_math.max_fraction_up(wad(200 - 529), wad(200), 0, CURVE.start)
    assert state.max_fraction == fraction
    paid = world.bid(WAD)
    assert paid.value == (fraction, auction_math.slice_price_up(wad(190), fraction))
    assert not paid.named("InsuranceDrawn") and not paid.named("BadDebtRealised")
    assert paid.named("AuctionEnded") == [{"account": world.account, "reason": 1}]


def test_fee_and_reward_are_for_new_auctions(world: World) -> None:
    recovered(world)
    cash, fees = world.vault.cash(world.bidder), world.vault.fees()
    world.liquidator.start_for(world.account, world.bidder, sender=world.keeper)
    assert (world.vault.cash(world.bidder), world.vault.fees()) == (cash, fees)
    assert world.equity(world.account) == wad(200)


def test_the_fund_is_free_again(world: World) -> None:
    world.insure(100)
    recovered(world)
    assert world.fund.locked()
    restart(world)
    assert world.liquidator.total_insolvent() == 0
    assert not world.fund.locked()


def test_only_equity_makes_it_solvent(world: World) -> None:
    world.insolvent()
    for mark in (BELOW, 90):
        world.mark(mark)
        with reverts("liquidator: wrong phase"):
            restart(world)
    world.vault.set_cash(world.account, wad(2_000))
    with reverts("liquidator: account is healthy"):
        restart(world)


def test_it_needs_valid_prices(world: World) -> None:
    recovered(world)
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        restart(world)


def test_it_is_not_given_up(world: World) -> None:
    """Neither for an empty fund nor when the time is over."""
    recovered(world)
    for wait in (0, 3_600):
        world.env.advance(wait)
        with reverts("liquidator: needs a restart"):
            world.liquidator.mark_deleverage(world.account)
    world.mark(BELOW)
    world.liquidator.mark_deleverage(world.account)


def test_each_clock_goes_on_where_it_stood(world: World) -> None:
    world.insure(1_000)
    world.under_water()
    world.start()
    world.env.advance(600)
    world.mark(BELOW)
    world.liquidator.mark_insolvent(world.account)
    deficit = world.equity(world.account)
    assert world.state(world.account).bid_price == deficit
    world.env.advance(1_800)
    world.mark(ABOVE)
    restart(world)
    state = world.state(world.account)
    assert (state.started, state.paused) == (world.env.timestamp - 600, 1_800)
    equity = world.equity(world.account)
    assert state.bid_price == auction_math.bid_price_up(equity, 0, auction_math.discount(600, CURVE))
    world.env.advance(300)
    world.mark(BELOW)
    world.liquidator.mark_insolvent(world.account)
    state = world.state(world.account)
    assert (state.started, state.paused) == (world.env.timestamp - 1_800, 900)
    # Half the time, half the maintenance margin: the keepers who waited have lost nothing by the change.
    assert state.bid_price == deficit - wad(220)


@pytest.mark.parametrize("stay", [7, 600])
def test_changing_to_and_fro_gains_no_time(world: World, stay: int) -> None:
    """However often anybody changes the phase, what is asked has fallen with the time spent."""
    world.insolvent()
    for turn in range(1, 30):
        world.mark(ABOVE)
        restart(world)
        world.env.advance(stay)
        state = world.state(world.account)
        assert world.env.timestamp - state.started == stay * turn
        assert state.bid_price == auction_math.bid_price_up(
            wad(200), 0, auction_math.discount(stay * turn, CURVE)
        )
        world.mark(BELOW)
        world.liquidator.mark_insolvent(world.account)
        world.env.advance(11)
        assert world.env.timestamp - world.state(world.account).started == 11 * turn


def test_what_nobody_wanted_at_any_price_is_free(world: World) -> None:
    """The price must reach zero in the end, or nobody might ever take the risk."""
    recovered(world)
    restart(world)
    world.env.advance(RUN_OUT // 2)
    world.mark(BELOW)
    world.liquidator.mark_insolvent(world.account)
    world.mark(ABOVE)
    restart(world)
    world.env.advance(RUN_OUT - RUN_OUT // 2)
    with reverts("liquidator: auction is over"):
        world.bid()
    world.liquidator.mark_insolvent(world.account)
    with reverts("liquidator: wrong phase"):
        restart(world)
    receipt = world.bid(WAD)
    assert receipt.value == (WAD, 0)
    assert not receipt.named("InsuranceDrawn") and not receipt.named("BadDebtRealised")


def test_and_stays_free_through_another_fall(world: World) -> None:
    world.solvent()
    world.env.advance(RUN_OUT)
    world.liquidator.mark_insolvent(world.account)
    for mark in (BELOW, ABOVE):
        world.mark(mark)
        with reverts("liquidator: wrong phase"):
            restart(world)
    assert world.state(world.account).max_fraction == WAD
    world.env.advance(3_600)
    world.liquidator.mark_deleverage(world.account)


def test_one_second_before_the_end_it_is_not_free(world: World) -> None:
    world.solvent()
    world.mark(BELOW)
    world.env.advance(RUN_OUT - 1)
    world.liquidator.mark_insolvent(world.account)
    world.mark(ABOVE)
    with reverts("liquidator: needs a restart"):
        world.bid(WAD)
    restart(world)
    assert world.bid(WAD // 4).value[1] > 0


def test_earlier_payments_are_for_sale_again(world: World) -> None:
    world.solvent()
    world.bid(WAD // 20)
    assert world.state(world.account).reserved > 0
    world.mark(85)
    world.liquidator.mark_insolvent(world.account)
    world.mark(ABOVE)
    restart(world)
    assert world.state(world.account).reserved == 0


def test_deleveraging_goes_on_at_mark(world: World) -> None:
    """Once begun it costs nobody anything, and what the owner has left is the owner's."""
    world.deleveraging()
    maker = world.open("maker", cash=1_000, size=-100)
    world.mark(ABOVE)
    with reverts("liquidator: wrong phase"):
        restart(world)
    with reverts("liquidator: has positions"):
        world.bid()
    worth = world.equity(maker)
    receipt = world.liquidator.deleverage(world.account, MARKET, [maker])
    assert receipt.named("Deleveraged")[0]["price"] == ABOVE * NANO
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 1}]
    assert world.equity(maker) == worth
    assert world.vault.cash(world.account) == wad(200)
    assert world.state(world.account).phase == IDLE


def test_collateral_that_deleveraging_left(world: World) -> None:
    account = collateral_left(world)
    world.vault.set_cash(account, -wad(900))
    with reverts("liquidator: needs a restart"):
        world.bid(account=account)
    restart(world, account)
    state = world.state(account)
    assert (state.phase, state.bid_price) == (SOLVENT, wad(95))
    worth = world.equity(world.bidder)
    taken, price = world.bid(WAD, account=account).value
    assert price == auction_math.slice_price_up(wad(95), taken) > 0
    gain = wad(100) * taken // WAD - price
    assert abs(world.equity(world.bidder) - worth - gain) <= 1


def test_collateral_without_equity_goes_as_before(world: World) -> None:
    account = collateral_left(world)
    with reverts("liquidator: wrong phase"):
        restart(world, account)
    assert world.liquidator.simulate("bid", account, world.bidder, WAD, ANY_PRICE, sender=world.keeper) == (
        WAD,
        0,
    )
