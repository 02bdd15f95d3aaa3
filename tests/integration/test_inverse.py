# SPDX-License-Identifier: Apache-2.0
"""Inverse perpetuals through the whole protocol: auctions, deleveraging, a debt in coin written off."""

from __future__ import annotations

import pytest

from simulation.domain.model.state import Phase
from tests.evm import reverts
from tests.inverse import ETH_USD, InverseWorld, fresh_inverse_world
from tests.protocol import BUY, IMMEDIATE, NANO, SELL, WAD

USD = NANO


@pytest.fixture
def world() -> InverseWorld:
    return fresh_inverse_world(by_hand=False)


def trade(world: InverseWorld, buyer: int, seller: int, price: float, contracts: int) -> None:
    world.place(world.owner(seller), seller, ETH_USD, SELL, price, contracts)
    assert world.place(world.owner(buyer), buyer, ETH_USD, BUY, price, contracts, IMMEDIATE)[1] == contracts
    world.check()


def claims(world: InverseWorld) -> int:
    """What all accounts together are worth, wad."""
    return sum(world.equity(account) for account in range(1, world.vault.account_count() + 1))


def test_an_auction_sells_contracts_and_coin(world: InverseWorld) -> None:
    long, short = world.account("trader", cash=1_200), world.account("maker", cash=20_000)
    bidder = world.account("keeper", cash=50_000)
    trade(world, long, short, 2_000, 10_000)
    world.advance(60, ETH=1_830, BTC=30_000)
    keeper = world.env.address("keeper")
    world.liquidator.start(long, sender=keeper)
    assert world.ledger.in_liquidation(long)
    world.env.advance(600)
    world.prices(ETH=1_830, BTC=30_000)
    total = claims(world)
    world.liquidator.bid(long, bidder, WAD, 10**24, sender=keeper)
    contracts, coin = world.held(bidder, ETH_USD)
    assert contracts > 0 and coin > 0
    assert contracts + world.held(long, ETH_USD)[0] == 10_000 * USD
    assert abs(coin * 10_000 * USD - contracts * 5 * NANO) < 10_000 * USD * 5 * NANO // 1_000
    assert claims(world) <= total
    world.check()


def insolvent(world: InverseWorld) -> tuple[int, int]:
    """A long of 10,000 contracts that lost more than it had, given up for deleveraging, and its winner."""
    long, short = world.account("trader", cash=1_100), world.account("maker", cash=20_000)
    trade(world, long, short, 2_000, 10_000)
    world.advance(60, ETH=1_500, BTC=30_000)
    world.liquidator.start(long)
    if world.liquidator.auction(long).phase == Phase.SOLVENT:
        world.liquidator.mark_insolvent(long)
    world.liquidator.mark_deleverage(long)
    assert world.liquidator.auction(long).phase == Phase.DELEVERAGE
    return long, short


def test_deleveraging_forgoes_profit_in_cash(world: InverseWorld) -> None:
    """The short has won 2,500 USD; it is paid what the long has left and forgoes the rest."""
    long, short = insolvent(world)
    deficit, before = -world.equity(long), world.equity(short)
    assert deficit > 0
    receipt = world.liquidator.deleverage(long, ETH_USD, [short])
    event = receipt.named("Deleveraged")[0]
    assert (event["size"], event["price"]) == (-10_000 * USD, 1_500 * NANO)
    # A share of the deficit in whole nano USD for each contract, down; what that leaves is less than a cent.
    assert world.ledger.markets_of(long) == [] == world.ledger.markets_of(short)
    left = -world.equity(long)
    assert 0 <= left < 10_000 * WAD // NANO
    assert before - world.equity(short) == deficit - left
    world.check()


def test_a_loss_that_was_closed_is_a_debt_in_coin_until_it_is_cash(world: InverseWorld) -> None:
    """Nothing else left: deleveraging has no contracts to close, a write-off none to forgive."""
    long, short = world.account("trader", cash=1_100), world.account("maker", cash=20_000)
    trade(world, long, short, 2_000, 10_000)
    world.advance(60, ETH=1_850, BTC=30_000)
    trade(world, short, long, 1_850, 10_000)
    owed = world.held(long, ETH_USD)[1]
    assert world.held(long, ETH_USD)[0] == 0 and owed < 0
    # The debt is in coin: it grows with the price of the coin.
    world.advance(60, ETH=3_600, BTC=30_000)
    world.liquidator.start(long)
    if world.liquidator.auction(long).phase == Phase.SOLVENT:
        world.liquidator.mark_insolvent(long)
    world.liquidator.mark_deleverage(long)
    with reverts("liquidator: no position"):
        world.liquidator.deleverage(long, ETH_USD, [short])
    with reverts("liquidator: account not flat"):
        world.liquidator.write_off(long)
    worth = world.equity(short)
    assert world.pool.close_debt(long, short, ETH_USD).value == -owed
    assert world.equity(short) == worth and world.ledger.markets_of(short) == []
    assert world.ledger.markets_of(long) == []
    debt = -world.vault.cash(long)
    assert debt > 0
    assert world.liquidator.write_off(long).value == debt
    assert world.vault.reconcile().deficit == debt
    world.check()


def test_profit_in_coin_of_an_account_that_was_given_up_goes_to_a_bidder(world: InverseWorld) -> None:
    """No contracts to deleverage, no settlement in coin: the write-off waits until it is sold."""
    account, maker = world.account("trader", cash=4_000), world.account("maker", cash=10**6)
    keeper, bidder = world.env.address("keeper"), world.account("keeper", cash=10**6)
    trade(world, account, maker, 2_000, 10_000)
    world.advance(60, ETH=2_200, BTC=30_000)
    trade(world, maker, account, 2_200, 10_000)
    held, coin = world.held(account, ETH_USD)
    assert held == 0 and coin > 0
    world.trade(account, maker, 2, 30_000, 1)
    world.advance(60, ETH=2_200, BTC=20_000)
    world.liquidator.start(account, sender=keeper)
    world.liquidator.mark_deleverage(account)
    with reverts("liquidator: has positions"):
        world.liquidator.bid(account, bidder, WAD, 0, sender=keeper)
    # The winner has taken its profit: there is none to forgo.
    world.ledger.settle(maker)
    world.liquidator.deleverage(account, 2, [maker])
    assert world.equity(account) < 0 and world.held(account, ETH_USD) == (0, coin)
    with reverts("coin_pool: account in liquidation"):
        world.pool.settle(account, ETH_USD)
    with reverts("liquidator: account not flat"):
        world.liquidator.write_off(account)
    worth = world.equity(account) + world.equity(bidder)
    world.liquidator.bid(account, bidder, WAD, 0, sender=keeper)
    assert world.ledger.markets_of(account) == [] and world.held(bidder, ETH_USD) == (0, coin)
    assert world.equity(account) + world.equity(bidder) == worth
    assert world.liquidator.write_off(account).value > 0
    world.check()


def test_funding_on_one_dollar_whatever_the_price(world: InverseWorld) -> None:
    """`words`, `touch` and the stored index agree to the nano, with rates of both signs."""
    for mark in (2_010, 1_990):
        world.env.advance(60)
        world.price("ETH", 2_000 * NANO, mark * NANO)
        world.price("BTC", 30_000 * NANO, 30_000 * NANO)
        world.instruments.touch(ETH_USD)
        world.instruments.touch(1)
        linear, inverse = world.instruments.funding(1), world.instruments.funding(ETH_USD)
        assert inverse.rate == linear.rate != 0
        world.env.advance(3_600)
        world.prices(ETH=2_000, BTC=30_000)
        now = [word >> 144 & (2**80 - 1) for word in world.instruments.words([1, ETH_USD])]
        assert [world.instruments.touch(m).value[0] >> 144 & (2**80 - 1) for m in (1, ETH_USD)] == now
        after = world.instruments.funding(ETH_USD).index - inverse.index
        assert after == inverse.rate * 3_600 * NANO // 3_600 // NANO
        assert world.instruments.funding(1).index - linear.index == after * 2_000


LINEAR_VERSUS_INVERSE = {
    # price: equity, initial margin and PnL in USD of the linear account; the same of the inverse one, and its
    # PnL in nano coin. The table of docs/margin-systems.md.
    1_600: ((2_000, 800, -2_000), (1_200, 1_640, -2_000, -1_250_000_000)),
    2_000: ((4_000, 1_000, 0), (4_000, 1_800, 0, 0)),
    2_400: ((6_000, 1_200, 2_000), (6_800, 2_160, 2_000, 833_333_333)),
}


def test_linear_versus_inverse(world: InverseWorld) -> None:
    """Five ETH long at 2,000: on 4,000 USD, and on two ETH."""
    world.exchange.set_fees(0, 0)
    linear, inverse = world.account("trader", cash=4_000), world.account("trader")
    world.deposit("trader", inverse, 1, 2 * 10**18)
    maker = world.account("maker", cash=100_000)
    world.trade(linear, maker, 1, 2_000, 5)
    trade(world, inverse, maker, 2_000, 10_000)
    for price, (in_usd, in_coin) in LINEAR_VERSUS_INVERSE.items():
        world.advance(60, ETH=price, BTC=30_000)
        one, other = world.ledger.assess(linear)[0], world.ledger.assess(inverse)[0]
        profit = world.ledger.portfolio(linear)[0].positions[0].unrealised
        view = world.pool.view(inverse, ETH_USD)
        assert (one.equity, one.initial_margin, profit) == tuple(figure * WAD for figure in in_usd)
        assert (other.equity, other.initial_margin, view.profit_usd) == tuple(
            figure * WAD for figure in in_coin[:3]
        )
        assert view.profit_coin == in_coin[3]
        assert view.delta_coin == 10_000 * NANO // price**2
    world.check()


LIQUIDATION = {
    # Five ETH at 2,000: side, market, margin in USD and in ETH, and by hand the price at which equity falls
    # below maintenance margin. The table of docs/margin-systems.md.
    "long, linear, 4,000 USD": (1, "linear", 4_000, 0, 6_000 / 4.75),
    "long, inverse, 4,000 USD": (1, "inverse", 4_000, 0, 6_500 / 5),
    "long, linear, 2 ETH": (1, "linear", 0, 2, 10_000 / 6.55),
    "long, inverse, 2 ETH": (1, "inverse", 0, 2, 10_500 / 6.8),
    "short, linear, 4,000 USD": (-1, "linear", 4_000, 0, 14_000 / 5.25),
    "short, inverse, 4,000 USD": (-1, "inverse", 4_000, 0, 14_000 / 5.25),
    "short, linear, 2 ETH": (-1, "linear", 0, 2, 10_000 / 3.45),
    "short, inverse, 2 ETH": (-1, "inverse", 0, 2, 10_000 / 3.45),
}


@pytest.mark.parametrize("name", LIQUIDATION)
def test_liquidation_prices_by_margin_and_market(world: InverseWorld, name: str) -> None:
    """A long with coin for margin is liquidated first, a short last: its margin grows with what it loses."""
    side, kind, cash, coin, expected = LIQUIDATION[name]
    world.exchange.set_fees(0, 0)
    account, maker = world.account("trader", cash=cash), world.account("maker", cash=100_000)
    if coin:
        world.deposit("trader", account, 1, coin * 10**18)
    buyer, seller = (account, maker) if side > 0 else (maker, account)
    if kind == "inverse":
        trade(world, buyer, seller, 2_000, 10_000)
    else:
        world.trade(buyer, seller, 1, 2_000, 5)
    for price, healthy in ((expected * (1 + side * 0.002), True), (expected * (1 - side * 0.002), False)):
        world.advance(60, ETH=round(price, 2), BTC=30_000)
        found = world.ledger.assess(account)[0]
        assert (found.equity >= found.maintenance_margin) == healthy, (price, found)
