# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.agents import (
    DepositorSettings,
    InsuranceDepositors,
    OracleRelayer,
    RelayerSettings,
    Whale,
    WhaleSettings,
)
from simulation.config import Distribution, stream
from simulation.messages import (
    Deposit,
    FeedView,
    FundDeposit,
    FundRedeem,
    FundView,
    OracleUpdate,
    PlaceOrder,
    Receipt,
    Status,
)
from tests.agents import views

ONE = np.array([1], dtype=np.int64)
ALL = np.arange(1, 7, dtype=np.int64)


def whale(**settings: Any) -> Whale:
    return Whale("whale", ONE, WhaleSettings(**settings), stream(1, "w"))


def test_a_whale_builds_slowly_and_stops_at_its_goal() -> None:
    agent = whale(capital=100_000.0, leverage=5.0, building=1_200)
    rich = {"equity": np.full(6, 100_000.0)}
    (order,) = agent.decide(views.view(accounts=views.accounts(**rich)), stream(1, "d"))
    assert isinstance(order, PlaceOrder) and order.is_bid and order.lots == 50_000
    size = np.zeros((6, 2))
    size[0, 0] = 5_000.0
    full = views.accounts(**rich, size=size)
    assert agent.decide(views.view(accounts=full), stream(1, "d")) == []
    (short,) = whale(side="short", capital=100_000.0, leverage=5.0).decide(
        views.view(accounts=views.accounts(**rich)), stream(1, "d")
    )
    assert isinstance(short, PlaceOrder) and not short.is_bid


def test_a_whale_defends_with_its_reserve_or_not_at_all() -> None:
    called = views.view(
        accounts=views.accounts(equity=np.full(6, 1_000.0), initial_margin=np.full(6, 2_000.0))
    )
    (deposit,) = whale().decide(called, stream(1, "d"))
    assert isinstance(deposit, Deposit) and deposit.amount == 2_000 * 10**6
    assert whale(defends=False).decide(called, stream(1, "d")) == []


def depositors(**settings: Any) -> InsuranceDepositors:
    return InsuranceDepositors("fund", ALL, DepositorSettings(**settings), stream(1, "f"))


def fear(value: float) -> Distribution:
    return Distribution("constant", (value,))


def test_depositors_run_when_the_fund_loses_and_come_back_when_calm() -> None:
    agent = depositors(loss_fear=fear(0.05), price_fear=fear(0.9), interval=1, horizon=100)
    shares = {"fund_shares": np.full(6, 10.0)}
    rng = stream(1, "d")
    calm = views.view(accounts=views.accounts(**shares))
    assert all(isinstance(intent, FundDeposit) for intent in agent.decide(calm, rng))
    loss = FundView(assets=90_000.0, shares=100_000.0, share_decimals=12, locked=False, deficit=0.0)
    run = agent.decide(replace(calm, fund=loss), rng)
    assert len(run) == 6
    assert all(isinstance(intent, FundRedeem) and 9 * 10**12 < intent.shares <= 10**13 for intent in run)
    assert agent.measure()["frightened"] == 6.0
    whole = replace(calm, timestamp=calm.timestamp + 101)
    back = agent.decide(whole, rng)
    assert back and all(isinstance(intent, FundDeposit) for intent in back)


def test_depositors_fear_a_falling_price_and_knock_seldom_at_a_locked_fund() -> None:
    agent = depositors(loss_fear=fear(0.9), price_fear=fear(0.2), interval=10**9)
    state = views.accounts(fund_shares=np.full(6, 10.0))
    rng = stream(1, "d")
    agent.decide(views.view(accounts=state), rng)
    fallen = views.view(accounts=state, markets=(views.market(1, 70.0),))
    assert len(agent.decide(fallen, rng)) == 6
    locked = replace(fallen, fund=replace(fallen.fund, locked=True))
    tries = [len(agent.decide(locked, rng)) for _ in range(100)]
    assert 0 < sum(tries) < 150


class _Signer:
    def __init__(self) -> None:
        self.signed: list[tuple[int, ...]] = []

    def sign(
        self, feed: int, spot: int, mark: int, confidence: int, timestamp: int, deadline: int
    ) -> tuple[tuple[int, int], ...]:
        self.signed.append((feed, spot, mark, confidence, timestamp, deadline))
        return ((1, 2),)


def relayer(**settings: Any) -> OracleRelayer:
    agent = OracleRelayer("relayer", ONE, RelayerSettings(**settings), stream(1, "o"))
    agent.signer = _Signer()
    return agent


def feeds(reference: float = 100.0, **changes: Any) -> tuple[FeedView, ...]:
    return (replace(FeedView(1, 1, reference, 100.0, 100.0, 999_990, 0), **changes),)


def updates(agent: OracleRelayer, **changes: Any) -> list[OracleUpdate]:
    found = agent.decide(views.view(**changes), stream(1, "d"))
    assert all(isinstance(intent, OracleUpdate) for intent in found)
    return [intent for intent in found if isinstance(intent, OracleUpdate)]


def test_the_relayer_speaks_on_deviation_heartbeat_and_doubt() -> None:
    assert updates(relayer(), feeds=feeds()) == []
    (moved,) = updates(relayer(deviation=0.005), feeds=feeds(100.6))
    assert moved.spot == 100_600_000_000 and moved.timestamp == views.view().timestamp
    assert moved.deadline == moved.timestamp + 600
    assert updates(relayer(deviation=0.005), feeds=feeds(100.4), markets=(views.market(1, 100.4),)) == []
    assert len(updates(relayer(heartbeat=1_800), feeds=feeds(timestamp=1_000_000 - 1_800))) == 1
    assert len(updates(relayer(), feeds=feeds(flags=1))) == 1
    assert len(updates(relayer(), feeds=feeds(spot=0.0, mark=0.0))) == 1


def test_mark_is_a_bounded_blend_of_reference_and_book() -> None:
    book = (views.market(1, 101.0),)
    (half,) = updates(relayer(blend=0.5, bound=0.02, deviation=0.001), feeds=feeds(), markets=book)
    assert half.mark == 100_500_000_000
    (bound,) = updates(relayer(blend=1.0, bound=0.005, deviation=0.001), feeds=feeds(), markets=book)
    assert bound.mark == 100_500_000_000
    empty = (
        replace(views.market(1, 101.0), bid_ticks=np.zeros(0, np.int64), bid_lots=np.zeros(0, np.int64)),
    )
    (alone,) = updates(relayer(blend=1.0, heartbeat=1), feeds=feeds(), markets=empty)
    assert alone.mark == alone.spot == 100_000_000_000


def test_the_relayer_waits_for_what_it_has_sent() -> None:
    agent = relayer(deviation=0.001, lifetime=600)
    (first,) = updates(agent, feeds=feeds(101.0))
    assert updates(agent, feeds=feeds(102.0)) == []
    assert len(updates(agent, feeds=feeds(103.0), timestamp=1_000_600)) == 1
    agent.on_receipt(Receipt(first, Status.EXPIRED, 11, 0, 0, ""), stream(1, "r"))
    assert updates(agent, feeds=feeds(104.0), timestamp=1_000_700) == []
