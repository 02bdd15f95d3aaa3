# SPDX-License-Identifier: Apache-2.0
"""Agents of dated markets: the relayer of surfaces, settlement, writers, buyers of puts, basis traders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import (
    Agent,
    BasisTraders,
    MarketMaker,
    OptionWriters,
    PutBuyers,
    SurfaceRelayer,
    SurfaceSigner,
    signing_key,
)
from simulation.agents.settlement import settlement_steps
from simulation.messages import (
    IMMEDIATE,
    AccumulatePrice,
    Fees,
    FinaliseSeries,
    MarketView,
    PlaceOrder,
    Purge,
    Receipt,
    RefreshBoard,
    SeriesView,
    SettleExpired,
    Status,
    UpdateSurface,
    View,
)
from simulation.messages.market import Smile
from tests.agents.views import accounts, market, orders, view

DAY, NOW = 86_400, 1_000_000
FUTURE, CALL, PUT = 256, 257, 258
SMILE = Smile(level=0.8, carry=0.1, wing=2.0, tilt=-0.3, width=0.1)


def dated(number: int, price: float, **changes: Any) -> MarketView:
    base = {"series": 1, "feed": 1, "expiry": NOW + 7 * DAY, "spot": 100.0, "symbol": "S"}
    return replace(market(1, price), market=number, **{**base, **changes})


def world(timestamp: int = NOW, expiry: int = NOW + 7 * DAY, **changes: Any) -> View:
    """ETH at 100, a future, a call at 110 and a put at 95."""
    columns = changes.pop("columns", {})
    size = np.zeros((6, 4))
    for (row, column), value in columns.items():
        size[row, column] = value
    zeros = {name: np.zeros((6, 4)) for name in ("entry", "unrealised", "bids", "asks")}
    state = accounts(6, size=size, **zeros, **changes.pop("accounts", {}))
    markets = changes.pop(
        "markets",
        (
            market(1),
            dated(FUTURE, 100.4, expiry=expiry),
            dated(CALL, 1.5, strike=110.0, is_call=True, delta=0.25, vega=5.0, expiry=expiry),
            dated(PUT, 2.0, strike=95.0, delta=-0.3, vega=5.0, expiry=expiry),
        ),
    )
    series = SeriesView(1, 1, expiry, 100.0, 100.4, SMILE, timestamp, 0.0)
    base = view(timestamp=timestamp, markets=markets, accounts=state)
    return replace(base, series=(changes.pop("one", series),), **changes)


def agent(cls: type[Agent], account: int = 1, **settings: Any) -> Any:
    chosen = cls.settings_class(**settings) if cls.settings_class else None
    return cls("a", np.array([account]), chosen, np.random.default_rng(1))


def relayer() -> SurfaceRelayer:
    found = agent(SurfaceRelayer)
    found.signer = SurfaceSigner([signing_key("one")], 1337, bytes(20))
    return found


def done(one: Agent, intents: Any, status: Status = Status.SUCCESS) -> None:
    for intent in intents:
        one.on_receipt(Receipt(intent, status, 10, 0, 0, ""), np.random.default_rng(0))


RNG = np.random.default_rng(3)


def test_a_relayer_signs_first_and_then_only_what_moved() -> None:
    one = relayer()
    first = one.decide(world(), RNG)
    assert [type(intent) for intent in first] == [UpdateSurface, RefreshBoard]
    update = first[0].update
    assert update[0] == 1 and update[1] == round(0.4 * 1e9) and update[8] == round(100.4 * 1e9)
    assert one.decide(world(), RNG) == [], "nothing while the first round is under way"
    done(one, first)
    assert list(one.decide(world(), RNG)) == []
    higher = replace(world().series[0], smile=replace(SMILE, level=0.9))
    again = one.decide(world(one=higher), RNG)
    assert [type(intent) for intent in again] == [UpdateSurface, RefreshBoard]
    done(one, again, Status.REVERTED)
    retried = one.decide(world(one=higher), RNG)
    assert isinstance(retried[0], UpdateSurface), "what was lost is sent again"


def test_a_relayer_records_prices_in_the_window_and_until_settled() -> None:
    one = relayer()
    for seconds, expected in ((-3_600, False), (-1_700, True), (60, True)):
        found = one.decide(world(expiry=NOW - seconds), RNG)
        assert any(isinstance(intent, AccumulatePrice) for intent in found) is expected
        done(one, found)
    settled = replace(world(expiry=NOW - 60).series[0], settlement=99.0)
    assert list(one.decide(world(expiry=NOW - 60, one=settled), RNG)) == []


def test_a_price_is_fixed_once_the_oracle_is_past_expiry() -> None:
    early = world(expiry=NOW - 5)
    assert list(settlement_steps(early, 9, Fees())) == []
    feeds = (replace(early.feeds[0], timestamp=NOW), early.feeds[1])
    (step,) = settlement_steps(replace(early, feeds=feeds), 9, Fees())
    assert isinstance(step, FinaliseSeries) and step.series == 1


def test_everyone_in_a_settled_market_is_settled_and_its_orders_purged() -> None:
    expired = world(expiry=NOW - 60, columns={(2, 2): 5.0, (2, 0): 1.0, (4, 2): -5.0, (4, 3): 2.0})
    markets = tuple(replace(one, settled=bool(one.series)) for one in expired.markets)
    series = (replace(expired.series[0], settlement=101.0),)
    resting = orders((7, 3, CALL, True, 9, 1), (8, 3, 1, True, 9, 1))
    found = list(
        settlement_steps(replace(expired, markets=markets, series=series, orders=resting), 9, Fees())
    )
    assert [type(step) for step in found] == [Purge, SettleExpired, SettleExpired]
    assert found[0].order_ids == (7,)  # type: ignore[attr-defined]
    assert [(step.target, step.series) for step in found[1:]] == [(3, 1), (5, 1)]  # type: ignore[attr-defined]


def test_a_writer_sells_out_of_the_money_and_never_past_its_aim() -> None:
    one = agent(OptionWriters)
    sold = list(one.act(world(), 0, RNG))
    assert len(sold) == 1 and not sold[0].is_bid and sold[0].market in (CALL, PUT)
    assert sold[0].options == IMMEDIATE and sold[0].lots > 0
    full = world(columns={(0, 2): -10_000.0})
    assert list(one.act(full, 0, RNG)) == []


@pytest.mark.parametrize("held", [-200.0, 200.0])
def test_a_writer_hedges_the_delta_of_all_it_holds(held: float) -> None:
    one = agent(OptionWriters)
    (hedge,) = one.hedge(world(columns={(0, 2): held, (0, 0): 10.0}), 0)
    # 200 calls of delta 0.25 and 10 of the perpetual: what is left of 60, or of -40.
    assert (hedge.market, hedge.is_bid) == (1, held < 0)
    assert hedge.lots == (40_000 if held < 0 else 60_000)
    assert list(one.hedge(world(columns={(0, 2): -40.0, (0, 0): 10.0}), 0)) == []


def test_a_buyer_of_puts_buys_the_perpetual_first_and_then_its_cover() -> None:
    one = agent(PutBuyers)
    (first,) = one.act(world(), 0, RNG)
    assert (first.market, first.is_bid) == (1, True)
    held = one.room(world(), 0) / 100.0
    (second,) = one.act(world(columns={(0, 0): held}), 0, RNG)
    assert (second.market, second.is_bid) == (PUT, True)
    assert second.lots == pytest.approx(held * 1_000, abs=1)
    assert list(one.act(world(columns={(0, 0): held, (0, 3): held}), 0, RNG)) == []


@pytest.mark.parametrize(("price", "sells"), [(101.0, True), (99.0, False)])
def test_a_basis_trader_sells_what_is_dear_and_hedges_it(price: float, sells: bool) -> None:
    one = agent(BasisTraders)
    markets = (market(1), dated(FUTURE, price), *world().markets[2:])
    legs = list(one.act(world(markets=markets), 0, RNG))
    assert [leg.market for leg in legs] == [FUTURE, 1]
    assert [leg.is_bid for leg in legs] == [not sells, sells]
    assert legs[0].lots == legs[1].lots


def test_a_basis_trader_leaves_when_the_basis_is_gone() -> None:
    one = agent(BasisTraders)
    markets = (market(1), dated(FUTURE, 100.0), *world().markets[2:])
    held = {(0, 1): -100.0, (0, 0): 100.0}
    legs = list(one.act(world(markets=markets, columns=held), 0, RNG))
    assert [(leg.market, leg.is_bid) for leg in legs] == [(FUTURE, True), (1, False)]


def test_nothing_is_opened_in_the_last_minutes() -> None:
    late = world(expiry=NOW + 300)
    assert list(agent(OptionWriters).act(late, 0, RNG)) == []
    held = agent(PutBuyers).room(late, 0) / 100.0
    assert list(agent(PutBuyers).act(world(expiry=NOW + 300, columns={(0, 0): held}), 0, RNG)) == []


def test_a_maker_quotes_both_sides_of_every_dated_market_until_it_expires() -> None:
    maker = agent(MarketMaker)
    rich = {"equity": np.full(6, 1e6)}
    found = [one for one in maker.decide(world(accounts=rich), RNG) if isinstance(one, PlaceOrder)]
    sides = {(one.market, one.is_bid): one.tick * 0.01 for one in found}
    for one in world().markets[1:]:
        assert sides[one.market, True] < one.reference < sides[one.market, False]
    assert sides[CALL, False] - sides[CALL, True] > 2 * 0.02 * 5.0, "the edge in volatility at least"
    over = agent(MarketMaker).decide(world(expiry=NOW - 1, accounts=rich), RNG)
    assert {one.market for one in over if isinstance(one, PlaceOrder)} == {1}
