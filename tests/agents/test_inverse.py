# SPDX-License-Identifier: Apache-2.0
"""Agents in an inverse market: contracts of one USD, coin for margin, settlement in coin, debts in coin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import (
    Agent,
    BasisTraders,
    CarryTraders,
    Keeper,
    MarketMaker,
    MarketMakerSettings,
    NoiseSettings,
    NoiseTraders,
    ProtocolOperator,
    SliceQuote,
    SpreadTraders,
    Whale,
    WhaleSettings,
)
from simulation.agents.carry_traders import CarrySettings
from simulation.agents.option_traders import BasisSettings
from simulation.agents.settlement import CoinRounds
from simulation.agents.slices import expected_equity
from simulation.agents.waterfall import counterparties, next_step
from simulation.config import stream
from simulation.messages import (
    DELEVERAGE,
    CloseDebt,
    Deleverage,
    Fees,
    Intent,
    MarketView,
    PlaceOrder,
    SettleCoin,
    View,
    WriteOff,
)
from tests.agents.views import accounts, auctions, market, view

FEES = Fees()
NUMBER, COLUMN = 128, 1
PRICE = 2_000.0


def inverse(price: float = PRICE, **changes: Any) -> MarketView:
    """Contracts of 1 USD on ETH, settled in asset 1, lots of 1."""
    base = {"market": NUMBER, "symbol": "ETH-USD", "lot_size": 1.0, "settled_in": 1}
    return replace(market(1, price, lots=5_000_000), **{**base, **changes})


def world(now: MarketView | None = None, **columns: Any) -> View:
    """A linear and an inverse market on ETH at 2,000; `size` and `delta` are those of the inverse one."""
    for name in ("size", "delta", "unrealised"):
        if name in columns:
            full = np.zeros((6, 2))
            full[:, COLUMN] = columns[name]
            columns[name] = full
    if "coin" in columns:
        columns["collateral"] = np.reshape(columns.pop("coin"), (6, 1))
    columns.setdefault("delta", np.zeros((6, 2)))
    changes = {name: columns.pop(name) for name in ("auctions", "timestamp") if name in columns}
    now = now or inverse()
    return view(markets=(market(1, now.reference), now), accounts=accounts(**columns), **changes)


def agent(cls: type[Agent], settings: Any, first: int = 1, count: int = 6) -> Any:
    numbers = np.arange(first, first + count, dtype=np.int64)
    return cls("trial", numbers, settings, stream(1, "t"))


def orders(found: Any) -> list[PlaceOrder]:
    return [one for one in found if isinstance(one, PlaceOrder)]


def test_units_of_a_market() -> None:
    one, other = inverse(), market(1, PRICE)
    assert (one.inverse, one.worth, other.inverse, other.worth) == (True, 1.0, False, PRICE)
    assert (one.size_of(500.0, 2_500.0), other.size_of(500.0, 2_500.0)) == (500.0, 0.2)
    assert (one.size_for(2.0, PRICE), other.size_for(2.0, PRICE)) == (4_000.0, 2.0)
    assert (one.base(5_000.0, PRICE), other.base(5_000.0, PRICE)) == (2.5, 5_000.0)
    assert (one.notional(5_000.0, PRICE), other.notional(2.0, PRICE)) == (5_000.0, 4_000.0)


def test_traders_count_contracts_and_keep_to_their_markets() -> None:
    settings = NoiseSettings(markets=("ETH-USD",), interval=1, passive=0.0, closes=0.0)
    found = orders(agent(NoiseTraders, settings).decide(world(), stream(2, "d")))
    assert len(found) == 6 and {one.market for one in found} == {NUMBER}
    crowd = agent(NoiseTraders, settings)
    # 10,000 of equity at half to all of its leverage, in contracts of one USD.
    for one in found:
        most = crowd.leverage[one.account - 1] * 10_000
        assert 0.5 * most - 1 <= one.lots <= most
    linear = NoiseSettings(markets=("ETH",), interval=1, passive=0.0, closes=0.0)
    assert {one.market for one in orders(agent(NoiseTraders, linear).decide(world(), stream(2, "d")))} == {1}


def test_makers_quote_contracts() -> None:
    settings = MarketMakerSettings(size=0.05, levels=2, collateral_share=0.4, markets=("ETH-USD",))
    maker = agent(MarketMaker, settings, count=1)
    found = orders(maker.decide(world(), stream(1, "d")))
    assert {(one.market, one.lots) for one in found} == {(NUMBER, 500)} and len(found) == 4
    (gift,) = maker.endowments()
    assert (gift.cash, gift.collateral) == (pytest.approx(1_200_000), pytest.approx(800_000))


def test_a_hedge_of_a_maker_is_its_coin_balance() -> None:
    maker = agent(MarketMaker, MarketMakerSettings(), count=1)
    held = {"size": [5_000.0] + 5 * [0.0], "delta": [2.5] + 5 * [0.0]}
    for price in (2_000.0, 2_000.0, 2_200.0):
        maker.decide(world(inverse(price), **held), stream(1, "d"))
    assert maker.measure()["hedge_pnl_usd"] == pytest.approx(-2.5 * 200)


def test_equity_moves_by_the_coin_balance() -> None:
    """Three coins against 5,000 contracts: half a coin of it is profit that moves with the price."""
    here = world(size=[5_000.0] + 5 * [0.0], delta=[3.0] + 5 * [0.0])
    equity = expected_equity(here, np.array([2_000.0, 1_900.0]))
    assert equity.tolist() == [10_000 - 300, *5 * [10_000]]


def test_a_keeper_knows_what_leaving_costs() -> None:
    """10,000 contracts sold at 1,900 instead of 2,000 take 10,000 / 1,900 coins, worth 2,000 each."""
    keeper = agent(Keeper, None, first=2, count=1)
    keeper.settings = replace(keeper.settings, taker_fee=0.0, risk=0.0, collateral_discount=0.0)
    bids = np.array([190_000], np.int64)
    now = inverse(bid_ticks=bids, bid_lots=np.array([50_000], np.int64))
    here = replace(world(now, size=[10_000.0] + 5 * [0.0], delta=[5.0] + 5 * [0.0]), base_fee=0)
    keeper.least_tip = 0
    profit = keeper.profit(here, SliceQuote(1, 1_000.0, 200.0, 1.0), 1.0)
    assert profit == pytest.approx(800.0 - (10_000 / 1_900 - 5.0) * 2_000)


def settled(found: Any) -> list[tuple[int, int]]:
    return [(one.target, one.market) for one in found if isinstance(one, SettleCoin)]


def test_rounds_of_settlement_take_losers_first() -> None:
    # PnL in coin: +0.5, -0.2 with coin, -0.3 with coin, -0.1 without, +0.001 (2 USD), -0.4 in liquidation.
    size = np.array([4_000.0, -2_000.0, 0.0, 0.0, 0.0, 0.0])
    delta = np.array([2.5, -1.2, -0.3, -0.1, 0.001, -0.4])
    coin = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]
    stuck = np.array([False] * 5 + [True])
    rounds = CoinRounds(every=3_600, least=10.0)
    here = world(size=size, delta=delta, coin=coin, liquidating=stuck)
    assert settled(rounds.steps(here, 6, FEES, 9)) == []
    later = replace(here, timestamp=here.timestamp + 3_600)
    assert settled(rounds.steps(later, 6, FEES, 3)) == [(3, NUMBER), (2, NUMBER)]
    assert settled(rounds.steps(later, 6, FEES, 3)) == [(1, NUMBER)]
    assert settled(rounds.steps(later, 6, FEES, 3)) == []
    again = replace(here, timestamp=here.timestamp + 7_200)
    assert len(settled(rounds.steps(again, 6, FEES, 9))) == 3


def test_winners_wait_while_nobody_can_pay() -> None:
    delta = [0.5, -0.5, 0.0, 0.0, 0.0, 0.0]
    for pool, expected in ((0.0, []), (0.1, [(1, NUMBER)])):
        rounds = CoinRounds(every=60, least=10.0)
        here = world(inverse(pool=pool), delta=delta)
        assert settled(rounds.steps(here, 6, FEES, 9)) == []
        assert settled(rounds.steps(replace(here, timestamp=here.timestamp + 60), 6, FEES, 9)) == expected


def test_the_operator_settles() -> None:
    operator = agent(ProtocolOperator, None, first=6, count=1)
    here = world(delta=[0.5, -0.5, 0.0, 0.0, 0.0, 0.0], coin=[0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert settled(operator.decide(here, stream(1, "d"))) == []
    later = replace(here, timestamp=here.timestamp + operator.settings.coin_settlement)
    assert settled(operator.decide(later, stream(1, "d"))) == [(2, NUMBER), (1, NUMBER)]


def given_up(**columns: Any) -> View:
    """Account 1 is under water and given up for deleveraging."""
    live = auctions(
        {"account": 1, "phase": DELEVERAGE, "started": 1, "buffer_margin": -500.0, "max_fraction": 1.0}
    )
    equity = [-500.0, *5 * [10_000.0]]
    return world(auctions=live, equity=equity, liquidating=[True] + 5 * [False], **columns)


def step(here: View) -> Intent | None:
    return next_step(here, 0, 6, FEES)


def test_a_debt_in_coin_is_closed_against_the_largest_claim() -> None:
    claims = [-0.25, 0.1, 0.4, -0.3, 0.05, 0.0]
    found = step(given_up(delta=claims, cash=[0.0, *5 * [1.0]]))
    assert isinstance(found, CloseDebt)
    assert (found.target, found.creditor, found.market, found.account) == (1, 3, NUMBER, 6)
    # With coin of its own it is sold to bidders, debt and all, and nothing is written off meanwhile.
    assert step(given_up(delta=claims, coin=[1.0, *5 * [0.0]], cash=[-1.0, *5 * [1.0]])) is None
    # A debt that is cash is written off.
    assert isinstance(step(given_up(delta=[0.0, *claims[1:]], cash=[-1.0, *5 * [1.0]])), WriteOff)


def test_coin_that_is_left_is_not_written_off() -> None:
    assert step(given_up(delta=[0.25, *5 * [0.0]], cash=[-900.0, *5 * [1.0]])) is None


def test_deleveraging_counts_contracts() -> None:
    """10,000 contracts are less than 6 ETH at 2,000, and more than 4."""
    for ether, expected in ((6.0, 1), (4.0, NUMBER)):
        size = np.zeros((6, 2))
        size[0], size[1] = (ether, 10_000.0), (-ether, -10_000.0)
        here = given_up()
        held = replace(here.accounts, size=size, delta=size / [1.0, 2_000.0])
        found = step(replace(here, accounts=held))
        assert isinstance(found, Deleverage) and found.market == expected


def test_counterparties_of_contracts_rank_by_profit_and_leverage() -> None:
    """Profit over contracts times contracts over equity: 2 and 3 alike but for equity, 4 has lost."""
    here = given_up(
        size=[9_000.0, -4_000.0, -4_000.0, -8_000.0, 5_000.0, 0.0],
        unrealised=[-900.0, 400.0, 400.0, -1.0, 9.0, 0.0],
    )
    equity = np.array([-500.0, 8_000.0, 4_000.0, 1_000.0, 1_000.0, 1_000.0])
    here = replace(here, accounts=replace(here.accounts, equity=equity))
    assert counterparties(here, 1, COLUMN).tolist() == [3, 2, 4]


def carry(rate: float, **columns: Any) -> list[PlaceOrder]:
    settings = CarrySettings(interval=1, piece=1.0)
    crowd = agent(CarryTraders, settings, count=1)
    return orders(crowd.decide(world(inverse(funding_rate=rate / 8_760), **columns), stream(1, "d")))


def test_carry_traders_sell_their_coin_forward() -> None:
    """Three coins at 2,000 are 6,000 contracts; one coin short already leaves 4,000."""
    first = [3.0] + 5 * [0.0]
    assert [(one.is_bid, one.lots) for one in carry(0.2, coin=first)] == [(False, 6_000)]
    held = {"size": [-2_000.0] + 5 * [0.0], "delta": [-1.0] + 5 * [0.0]}
    assert [(one.is_bid, one.lots) for one in carry(0.2, coin=first, **held)] == [(False, 4_000)]
    # Between the two rates a hedge is kept, and none begun.
    assert carry(0.0, coin=first) == []
    assert [(one.is_bid, one.lots) for one in carry(0.0, coin=first, **held)] == [(False, 4_000)]
    assert [(one.is_bid, one.lots) for one in carry(-0.2, coin=first, **held)] == [(True, 2_000)]


def test_a_basis_trader_hedges_with_contracts() -> None:
    """Short two of a dear future: four thousand contracts long, of which half a coin is there already."""
    dated = replace(market(1, 2_100.0), market=256, symbol="F", feed=1, series=1, expiry=1_000_000 + 86_400)
    settings = BasisSettings(markets=("ETH-USD",), interval=1, piece=0.0)
    crowd = agent(BasisTraders, settings, count=1)
    size, delta = np.zeros((6, 3)), np.zeros((6, 3))
    size[0], delta[0] = (0.0, 1_000.0, -2.0), (0.0, 0.5, -2.0)
    zeros = {name: np.zeros((6, 3)) for name in ("entry", "unrealised", "bids", "asks")}
    here = view(
        markets=(market(1, PRICE), inverse(), dated), accounts=accounts(size=size, delta=delta, **zeros)
    )
    found = orders(crowd.decide(here, stream(1, "d")))
    assert [(one.market, one.is_bid, one.lots) for one in found] == [(NUMBER, True, 3_000)]


def test_a_book_over_venues_is_of_linear_markets() -> None:
    spread = agent(SpreadTraders, None)
    found = orders(spread.decide(world(), stream(1, "d")))
    assert len(spread.prices) == 1 and {one.market for one in found} <= {1}


def test_a_whale_finds_an_inverse_market_by_its_number() -> None:
    whale = agent(Whale, WhaleSettings(market=NUMBER, capital=10_000.0, leverage=3.0, building=12), count=1)
    (order,) = orders(whale.decide(world(), stream(1, "d")))
    assert (order.market, order.lots) == (NUMBER, 30_000)
