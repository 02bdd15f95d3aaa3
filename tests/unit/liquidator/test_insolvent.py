# SPDX-License-Identifier: Apache-2.0
"""The insolvent phase: entering it, bids that the fund pays, stopping and refreshing."""

from __future__ import annotations

from tests.evm import reverts
from tests.unit.liquidator.world import IDLE, INSOLVENT, MARKET, NANO, SOLVENT, WAD, World, wad


def test_mark_insolvent_without_equity(world: World) -> None:
    world.solvent()
    world.bid(WAD // 20)
    world.mark(85)
    equity = world.equity(world.account)
    receipt = world.liquidator.mark_insolvent(world.account, sender=world.keeper)
    assert receipt.named("AuctionInsolvent") == [{"account": world.account, "equity": equity}]
    state = world.state(world.account)
    assert (state.phase, state.started, state.reserved) == (INSOLVENT, world.env.timestamp, 0)
    assert world.liquidator.total_insolvent() == world.shortfall(world.account)


def test_mark_insolvent_when_nobody_came(world: World) -> None:
    world.solvent()
    world.env.advance(44_099)
    with reverts("liquidator: margin not restored"):
        world.liquidator.mark_insolvent(world.account)
    world.env.advance(1)
    world.liquidator.mark_insolvent(world.account)
    state = world.state(world.account)
    assert (state.phase, state.bid_price, state.max_fraction) == (INSOLVENT, 0, WAD)


def test_mark_insolvent_refuses(world: World) -> None:
    with reverts("liquidator: wrong phase"):
        world.liquidator.mark_insolvent(world.account)
    world.solvent()
    with reverts("liquidator: margin not restored"):
        world.liquidator.mark_insolvent(world.account)
    world.env.advance(50_000)
    world.vault.set_cash(world.account, wad(2_000))
    with reverts("liquidator: account is healthy"):
        world.liquidator.mark_insolvent(world.account)
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.liquidator.mark_insolvent(world.account)
    assert world.state(world.account).phase == SOLVENT


def test_the_fund_pays_the_deficit_at_first(world: World) -> None:
    world.insure(1_000)
    world.insolvent()
    worth = world.equity(world.bidder)
    receipt = world.bid(WAD)
    assert receipt.value == (WAD, -wad(200))
    assert receipt.named("InsuranceDrawn") == [
        {"account": world.account, "amount": 200 * 10**6, "fund_left": 800 * 10**6}
    ]
    assert receipt.named("BadDebtRealised") == [
        {"account": world.account, "amount": wad(200), "socialised": 0}
    ]
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 2}]
    # A deficit for its amount: at the first price nobody gains by the purchase (invariant 26).
    assert world.equity(world.bidder) == worth
    assert world.vault.position(world.bidder, MARKET).size == 100 * NANO
    assert world.vault.cash(world.account) == 0
    assert world.liquidator.total_insolvent() == 0


def test_then_up_to_maintenance_margin_more(world: World) -> None:
    world.insure(1_000)
    world.insolvent()
    world.env.advance(1_800)
    assert world.state(world.account).bid_price == -wad(200 + 220)
    world.env.advance(1_800)
    assert world.state(world.account).bid_price == -wad(200 + 440)
    world.env.advance(10**6)
    worth = world.equity(world.bidder)
    assert world.bid(WAD).value == (WAD, -wad(640))
    assert world.equity(world.bidder) == worth + wad(440)


def test_a_part_takes_its_part_of_everything(world: World) -> None:
    world.insure(1_000)
    world.insolvent()
    receipt = world.bid(WAD // 4, -wad(50))
    assert receipt.value == (WAD // 4, -wad(50))
    assert receipt.named("BadDebtRealised")[0]["amount"] == wad(50)
    assert world.equity(world.account) == -wad(150)
    assert world.shortfall(world.account) == wad(480) == world.liquidator.total_insolvent()
    assert world.state(world.account).phase == INSOLVENT


def test_the_least_to_be_received(world: World) -> None:
    world.insure(1_000)
    world.insolvent()
    with reverts("liquidator: price above limit"):
        world.bid(WAD, -wad(200) - 1)


def test_the_fund_pays_in_full_or_not_at_all(world: World) -> None:
    world.insure(199)
    world.insolvent()
    with reverts("liquidator: fund is empty"):
        world.bid(WAD)
    assert world.fund.capacity() == 199 * 10**6
    assert world.bid(WAD * 9 // 10).value == (WAD * 9 // 10, -wad(180))


def test_premium_without_the_risk_is_refused(world: World) -> None:
    world.insure(10_000)
    world.vault.set_risk(500, 1_000, 0, 10 * NANO)
    world.insolvent()
    world.env.advance(3_600)
    with reverts("liquidator: slice below lots"):
        world.bid(WAD // 20)


def test_stop_gives_the_account_back(world: World) -> None:
    world.insolvent()
    with reverts("liquidator: margin not restored"):
        world.liquidator.stop(world.account)
    world.vault.set_cash(world.account, wad(1_200 + 440 * 1.15))
    receipt = world.liquidator.stop(world.account, sender=world.keeper)
    assert receipt.named("AuctionEnded") == [{"account": world.account, "reason": 1}]
    assert world.state(world.account).phase == IDLE
    assert not world.vault.in_liquidation(world.account)
    assert world.liquidator.total_insolvent() == 0
    with reverts("liquidator: wrong phase"):
        world.liquidator.stop(world.account)


def test_stop_needs_valid_prices(world: World) -> None:
    world.solvent()
    world.vault.set_cash(world.account, wad(5_000))
    world.vault.set_valid(False)
    with reverts("liquidator: stale price"):
        world.liquidator.stop(world.account)


def test_refresh_follows_the_price(world: World) -> None:
    world.insolvent()
    assert world.liquidator.total_insolvent() == wad(640)
    world.mark(86)
    world.liquidator.refresh(world.account)
    assert world.liquidator.total_insolvent() == wad(400 + 430)
    world.mark(99)
    world.liquidator.refresh(world.account)
    assert world.liquidator.total_insolvent() == 0


def test_refresh_refuses_solvent_auctions(world: World) -> None:
    with reverts("liquidator: wrong phase"):
        world.liquidator.refresh(world.account)
    world.solvent()
    with reverts("liquidator: wrong phase"):
        world.liquidator.refresh(world.account)


def test_total_over_accounts(world: World) -> None:
    other = world.open("trader", cash=500, size=100)
    world.insolvent()
    world.start(other)
    assert world.liquidator.total_insolvent() == wad(640) + wad(700 + 440)
    world.insure(10_000)
    world.bid(WAD)
    assert world.liquidator.total_insolvent() == wad(1_140)
