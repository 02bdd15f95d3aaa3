# SPDX-License-Identifier: Apache-2.0
"""Liquidation on the deployed protocol: auction, waterfall and socialised loss, reconciled to the wei."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from simulation.domain import auction_math
from tests.evm import reverts
from tests.protocol import BUY, ISOLATED, NANO, SELL, WAD, World, default_protocol, many_markets
from tests.published import published

ANY_PRICE = 2**200
IDLE, SOLVENT, INSOLVENT, DELEVERAGE = 1, 2, 4, 8
ETH, BTC = 1, 2
GAS_LIMIT = 16_777_216


@cache
def _deployed() -> tuple[World, Any]:
    world = World()
    world.prices(ETH=2_000, BTC=30_000)
    return world, world.env.snapshot()


@pytest.fixture
def world() -> World:
    """The protocol with prices of 2,000 and 30,000; deployed once, rewound for each test."""
    world, snapshot = _deployed()
    world.env.revert(snapshot)
    return world


class Market:
    """trader long 10 ETH at 2,000 with 2,500 of cash, maker short; keeper rich; fee of trades is small."""

    def __init__(self, world: World, cash: float = 2_500, size: float = 10, fund: int = 0) -> None:
        self.world = world
        self.account = world.account("trader", cash=cash)
        self.maker = world.account("maker", cash=50_000)
        self.bidder = world.account("keeper", cash=1_000_000)
        self.keeper = world.env.address("keeper")
        if fund:
            insure(world, fund)
        world.trade(self.account, self.maker, ETH, 2_000, size)

    def start(self) -> Any:
        return self.world.liquidator.start(self.account, sender=self.keeper)

    def bid(self, fraction: int = WAD, limit: int = ANY_PRICE) -> Any:
        return self.world.liquidator.bid(self.account, self.bidder, fraction, limit, sender=self.keeper)

    def state(self) -> Any:
        return self.world.liquidator.auction(self.account)

    def equity(self, account: int) -> int:
        return int(self.world.ledger.assess(account)[0].equity)

    def total_equity(self) -> int:
        return sum(self.equity(account) for account in (self.account, self.maker, self.bidder))


def insure(world: World, usd: int) -> str:
    depositor = world.env.address("depositor")
    world.cash.mint(depositor, usd * world.cash_unit)
    world.cash.approve(world.fund, 2**256 - 1, sender=depositor)
    world.fund.deposit(usd * world.cash_unit, depositor, sender=depositor)
    return str(depositor)


def test_solvent_auction_from_call_to_end(world: World) -> None:
    market = Market(world)
    world.place("trader", market.account, ETH, BUY, 1_500, 1)
    world.advance(60, ETH=1_900, BTC=30_000)
    called = world.liquidator.call_margin(market.account).named("MarginCalled")
    assert called[0]["initial_margin"] > called[0]["equity"]

    world.advance(60, ETH=1_830, BTC=30_000)
    before = world.ledger.assess(market.account)[0]
    assert 0 < before.equity < before.maintenance_margin
    total, fees = market.total_equity(), world.vault.reconcile().fees
    receipt = market.start()
    assert receipt.named("OrderRemoved")[0]["reason"] == 6
    fee = world.vault.reconcile().fees - fees
    assert fee > 0 and market.total_equity() == total - fee
    world.check()
    for attempt in (
        lambda: world.place("trader", market.account, ETH, SELL, 1_830, 1),
        lambda: world.vault.withdraw(market.account, 0, 1, market.keeper, sender=world.env.address("trader")),
    ):
        with reverts():
            attempt()

    world.advance(450, ETH=1_830, BTC=30_000)
    state = market.state()
    taken, paid = market.bid(state.max_fraction // 3).value
    assert taken == state.max_fraction // 3
    assert paid == auction_math.slice_price_up(state.bid_price, taken)
    world.check()
    second = market.state()
    assert second.buffer_margin > state.buffer_margin and second.reserved == paid

    world.advance(3_000, ETH=1_830, BTC=30_000)
    ended = market.bid().named("AuctionEnded")
    assert ended == [{"account": market.account, "reason": 1}]
    after = world.ledger.assess(market.account)[0]
    assert after.equity >= after.maintenance_margin
    assert abs(market.state().buffer_margin) < WAD * 15
    assert not world.ledger.in_liquidation(market.account)
    world.check()
    # The owner is in charge again.
    world.place("trader", market.account, ETH, SELL, 1_830, 1)


def test_equal_slices_cost_the_same_in_any_order(world: World) -> None:
    """Two bidders race: whoever comes second at the same time pays the same for the same."""
    market = Market(world, cash=2_400)
    rival = world.account("rival", cash=1_000_000)
    world.advance(60, ETH=1_830, BTC=30_000)
    market.start()
    size = market.state().max_fraction // 4
    first = market.bid(size).value
    left = WAD - size
    # A quarter of the original portfolio is a larger part of what is left.
    again = world.liquidator.bid(
        market.account,
        rival,
        -(-size * WAD // left),
        ANY_PRICE,
        sender=world.env.address("rival"),
    ).value
    assert abs(again[1] - first[1]) <= 10**12
    world.check()


def test_a_deposit_ends_the_auction(world: World) -> None:
    market = Market(world)
    world.advance(60, ETH=1_830, BTC=30_000)
    market.start()
    world.deposit("trader", market.account, 0, 1_000 * world.cash_unit)
    world.liquidator.stop(market.account)
    assert market.state().phase == IDLE
    world.check()


def test_stale_prices_hold_everything(world: World) -> None:
    market = Market(world)
    world.advance(60, ETH=1_830, BTC=30_000)
    market.start()
    world.env.advance(7_200)
    for call in (market.bid, lambda: world.liquidator.mark_insolvent(market.account)):
        with reverts("liquidator: stale price"):
            call()
    world.prices(ETH=1_830, BTC=30_000)
    market.bid()
    world.check()


def test_insolvent_auction_paid_by_the_fund(world: World) -> None:
    market = Market(world, fund=10_000)
    world.advance(60, ETH=1_700, BTC=30_000)
    market.start()
    state = market.state()
    assert state.phase == INSOLVENT and state.equity < 0
    assert world.liquidator.total_insolvent() == state.maintenance_margin - state.equity
    world.advance(1_800, ETH=1_700, BTC=30_000)
    worth = market.equity(market.bidder)
    deficit = -market.equity(market.account)
    receipt = market.bid()
    taken, price = receipt.value
    assert taken == WAD
    assert -price == deficit + state.maintenance_margin // 2
    assert market.equity(market.bidder) == worth - deficit - price
    drawn = receipt.named("InsuranceDrawn")[0]["amount"]
    assert drawn == -(price // 10 ** (18 - world.protocol.cash.decimals))
    assert world.fund.totalAssets() == 10_000 * world.cash_unit - drawn
    assert receipt.named("BadDebtRealised") == [
        {"account": market.account, "amount": deficit, "socialised": 0}
    ]
    assert market.state().phase == IDLE and world.liquidator.total_insolvent() == 0
    assert world.vault.reconcile().deficit == 0
    world.check()


def test_the_fund_is_locked_while_an_insolvency_exceeds_it(world: World) -> None:
    depositor = insure(world, 1_000)
    market = Market(world)
    world.advance(60, ETH=1_700, BTC=30_000)
    market.start()
    assert world.fund.locked()
    with reverts("insurance_fund: above maximum"):
        world.fund.withdraw(1, depositor, depositor, sender=depositor)
    with reverts("liquidator: fund can still pay"):
        world.liquidator.mark_deleverage(market.account)
    market.bid()
    assert not world.fund.locked()
    world.fund.withdraw(1, depositor, depositor, sender=depositor)
    world.check()


def test_the_whole_waterfall(world: World) -> None:
    """The fund pays what it has; the maker forgoes part of its profit; nothing is left to socialise."""
    market = Market(world, fund=200)
    world.advance(60, ETH=1_700, BTC=30_000)
    market.start()
    with reverts("liquidator: fund is empty"):
        market.bid()
    deficit = -market.equity(market.account)
    receipt = world.liquidator.mark_deleverage(market.account, sender=market.keeper)
    assert receipt.named("BadDebtRealised")[0]["amount"] == 200 * WAD
    assert world.fund.totalAssets() == 0
    worth = market.equity(market.maker)
    receipt = world.liquidator.deleverage(market.account, ETH, [market.maker], sender=market.keeper)
    (event,) = receipt.named("Deleveraged")
    assert event["size"] == -10 * NANO and event["price"] > 1_700 * NANO
    given_up = worth - market.equity(market.maker)
    left = -market.equity(market.account)
    assert given_up + left == deficit - 200 * WAD
    assert 0 <= left <= 10 * NANO
    world.check()
    if left:
        assert world.liquidator.write_off(market.account).value == left
    assert market.state().phase == IDLE
    assert world.ledger.open_interest(ETH) == 0
    world.check()


def socialise(world: World, deposits: int, loss: int) -> tuple[int, int]:
    """Leaves exactly `loss` USD of bad debt behind `deposits` USD of backing: (account in debt, winner).

    The winner takes its profit out of the market before the loser is liquidated, so that the one who is
    deleveraged has none to give.
    """
    fall, own = 1_500, 35_000
    size = (own + loss) / fall
    world.exchange.set_fees(0, 0)
    loser = world.account("trader", cash=own)
    winner = world.account("maker", cash=50_000)
    last = world.account("holder", cash=deposits - own - 50_000)
    world.trade(loser, winner, ETH, 2_000, size)
    world.advance(60, ETH=2_000 - fall, BTC=30_000)
    world.trade(winner, last, ETH, 2_000 - fall, size)
    keeper = world.env.address("keeper")
    world.liquidator.start(loser, sender=keeper)
    world.liquidator.mark_deleverage(loser, sender=keeper)
    world.liquidator.deleverage(loser, ETH, [last], sender=keeper)
    receipt = world.liquidator.write_off(loser, sender=keeper)
    assert receipt.value == loss * WAD
    assert receipt.named("DeficitSocialised")[0]["amount"] == loss * WAD
    world.check()
    return loser, winner


def test_published_socialised_loss(world: World) -> None:
    """derivexyz/v2-core test/.../cashAsset/WithdrawFee.t.sol: the exchange rate after a socialised loss."""
    figures = published(
        "settlement_twap",
        {
            "socialised": [
                {"deposits": 100000, "loss": 100000, "exchange_rate": 0.5},
                {
                    "deposits": 100000,
                    "loss": 25000,
                    "exchange_rate": 0.8,
                    "withdraw": 100,
                    "cash_burnt": 125,
                },
            ]
        },
    )
    for case in figures["socialised"]:
        with world.env.anchor():
            _, winner = socialise(world, case["deposits"], case["loss"])
            assert world.vault.exchange_rate() == round(case["exchange_rate"] * 100) * WAD // 100
            assert world.vault.reconcile().assets == case["deposits"] * WAD
            if "withdraw" in case:
                cash = world.vault.cash(winner)
                maker = world.env.address("maker")
                world.vault.withdraw(winner, 0, case["withdraw"] * world.cash_unit, maker, sender=maker)
                assert cash - world.vault.cash(winner) == case["cash_burnt"] * WAD
                assert world.cash.balanceOf(maker) >= case["withdraw"] * world.cash_unit
                world.check()


def test_collateral_of_an_insolvent_account(world: World) -> None:
    """A loan against collateral that fell, and an empty fund: it is sold and what is missing written off."""
    account = world.account("trader")
    world.deposit("trader", account, 1, 10 * WAD)
    lender = world.account("lender", cash=100_000)
    bidder = world.account("keeper", cash=100_000)
    trader, keeper = world.env.address("trader"), world.env.address("keeper")
    world.vault.withdraw(account, 0, 15_000 * world.cash_unit, trader, sender=trader)
    world.advance(60, ETH=1_400, BTC=30_000)
    world.liquidator.start(account, sender=keeper)
    world.liquidator.mark_deleverage(account, sender=keeper)
    world.advance(3_600, ETH=1_400, BTC=30_000)
    worth = world.ledger.assess(bidder)[0].equity
    taken, price = world.liquidator.bid(account, bidder, WAD, ANY_PRICE, sender=keeper).value
    assert taken == WAD and price < 0
    assert world.vault.collateral(bidder, 1) == 10 * WAD
    gained = world.ledger.assess(bidder)[0].equity - worth
    assert abs(gained - 1_400 * WAD) < 10**12
    debt = -world.vault.cash(account)
    assert world.liquidator.write_off(account, sender=keeper).value == debt == world.vault.reconcile().deficit
    assert world.vault.exchange_rate() < WAD
    assert world.ledger.assess(lender)[0].equity > 0
    world.check()


def test_fees_reach_the_fund(world: World) -> None:
    market = Market(world, fund=1_000)
    world.advance(60, ETH=1_830, BTC=30_000)
    market.start()
    fees = world.vault.reconcile().fees
    swept = world.vault.sweep_fees().value
    assert swept == fees // 10 ** (18 - world.protocol.cash.decimals) > 0
    assert world.fund.totalAssets() == 1_000 * world.cash_unit + swept
    world.check()


def test_an_isolated_account_is_liquidated_alone(world: World) -> None:
    """Invariant 14: the owner's other account keeps every wei."""
    isolated = world.account("trader", cash=2_500, engine=ISOLATED)
    other = world.account("trader", cash=100_000)
    maker = world.account("maker", cash=50_000)
    insure(world, 10_000)
    bidder = world.account("keeper", cash=1_000_000)
    world.trade(isolated, maker, ETH, 2_000, 10)
    world.advance(60, ETH=1_600, BTC=30_000)
    keeper = world.env.address("keeper")
    world.liquidator.start(isolated, sender=keeper)
    world.liquidator.bid(isolated, bidder, WAD, ANY_PRICE, sender=keeper)
    assert 0 <= world.vault.cash(isolated) < 10**13
    assert world.vault.cash(other) == 100_000 * WAD
    world.check()


def largest(prices: float) -> tuple[World, int, int, int, dict[str, float]]:
    """64 positions and 8 collaterals, the largest account there can be, at a common price."""
    protocol = many_markets(64)
    weth = next(iter(default_protocol().collaterals.values()))
    protocol = replace(protocol, collaterals={f"C{i}": replace(weth, asset=f"A{i}") for i in range(1, 9)})
    world = World(protocol)
    every = {f"A{i}": prices for i in range(1, 65)}
    world.prices(**every)
    account = world.account("trader", cash=100_000)
    maker = world.account("maker", cash=10_000_000)
    bidder = world.account("keeper", cash=1_000_000)
    for asset in range(1, 9):
        world.deposit("trader", account, asset, WAD)
    for market in range(1, 65):
        world.trade(account, maker, market, prices, 150)
    assert len(world.ledger.markets_of(account)) == 64
    return world, account, maker, bidder, every


def test_the_largest_account_fits_into_a_transaction() -> None:
    """Invariant 44: every step of a liquidation of 64 positions and 8 collaterals, at cold storage."""
    world, account, maker, bidder, every = largest(100.0)
    keeper = world.env.address("keeper")
    snapshot = world.env.snapshot()

    world.advance(60, **{asset: 94.0 for asset in every})
    start = world.liquidator.start(account, sender=keeper)
    world.advance(300, **{asset: 94.0 for asset in every})
    bid = world.liquidator.bid(account, bidder, WAD, ANY_PRICE, sender=keeper)
    assert bid.named("AuctionEnded")
    assert len(bid.named("PositionModified")) >= 128
    world.check()
    assert start.gas_used + bid.gas_used <= 5_600_000

    world.env.revert(snapshot)
    insure(world, 1_000_000)
    world.advance(60, **{asset: 80.0 for asset in every})
    steps = [world.liquidator.start(account, sender=keeper)]
    world.advance(300, **{asset: 79.0 for asset in every})
    steps.append(world.liquidator.bid(account, bidder, WAD // 2, ANY_PRICE, sender=keeper))
    world.advance(3_600, **{asset: 79.0 for asset in every})
    steps.append(world.liquidator.mark_deleverage(account, sender=keeper))
    steps.append(world.liquidator.deleverage(account, 64, [maker], sender=keeper))
    assert world.ledger.position(account, 64).size == 0
    world.check()
    assert max(step.gas_used for step in steps) < GAS_LIMIT // 2


def test_eight_of_the_largest_counterparties_fit_into_a_transaction() -> None:
    """Invariant 44 for deleveraging: the account and eight others, all with 64 positions."""
    world = World(many_markets(64))
    every = {f"A{i}": 100.0 for i in range(1, 65)}
    world.prices(**every)
    account = world.account("trader", cash=100_000)
    others = [world.account("maker", cash=100_000) for _ in range(8)]
    for market in range(1, 65):
        world.trade(account, others[0], market, 100, 120)
        # The first passes most of it on; having paid more fees it has less equity and so the highest rank.
        for other in others[1:]:
            world.trade(others[0], other, market, 100, 15)
    world.advance(60, **dict.fromkeys(every, 80.0))
    keeper = world.env.address("keeper")
    world.liquidator.start(account, sender=keeper)
    world.liquidator.mark_deleverage(account, sender=keeper)
    receipt = world.liquidator.deleverage(account, 1, others, sender=keeper)
    assert len(receipt.named("Deleveraged")) == 8
    assert world.ledger.position(account, 1).size == 0
    world.check()
    assert receipt.gas_used < GAS_LIMIT // 2, receipt.gas_used
