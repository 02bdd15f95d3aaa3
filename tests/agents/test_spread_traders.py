# SPDX-License-Identifier: Apache-2.0
"""One book at one venue or spread over two: the same positions in all, cash brought to where it is short."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from simulation.agents import SpreadSettings, SpreadTraders, make_agents
from simulation.config import AgentSpec, Distribution, stream
from simulation.messages import (
    REDUCE_ONLY,
    Deposit,
    Intent,
    PlaceOrder,
    Receipt,
    Status,
    View,
    Withdraw,
)
from tests.agents import views

ACCOUNTS = np.arange(1, 4, dtype=np.int64)
BOTH = ("main", "far")


def traders(venues: tuple[str, ...] = BOTH, **settings: object) -> SpreadTraders:
    plain = {"capital": Distribution("constant", (10_000.0,)), "leverage": Distribution("constant", (2.0,))}
    made = SpreadTraders("spread", ACCOUNTS, SpreadSettings(**plain | settings), stream(1, "spread"))  # type: ignore[arg-type]
    made.venues = venues
    return made


def world(**columns: object) -> View:
    return views.view(accounts=views.accounts(3, **columns))


def sizes(intents: Sequence[Intent]) -> dict[tuple[int, int], float]:
    """Signed size by account and market."""
    found: dict[tuple[int, int], float] = {}
    for intent in intents:
        assert isinstance(intent, PlaceOrder)
        size = 0.001 * intent.lots * (1 if intent.is_bid else -1)
        found[intent.account, intent.market] = found.get((intent.account, intent.market), 0.0) + size
    return found


@pytest.mark.parametrize("split", ["legs", "even"])
def test_the_book_is_the_same_wherever_it_is_kept(split: str) -> None:
    whole = sizes(traders(("main",), split=split).decide(world(), stream(1, "draws")))
    parts = traders(split=split).decide_across([world(), world()], stream(1, "draws"))
    assert whole == pytest.approx(
        {
            key: sum(sizes(part).get(key, 0.0) for part in parts)
            for key in {(intent.account, intent.market) for part in parts for intent in part}  # type: ignore[attr-defined]
        },
        abs=0.002,
    )
    for account in ACCOUNTS.tolist():
        long, short = whole[account, 1] * 100.0, whole[account, 2] * world().markets[1].mark
        # Both legs of equal value and opposite sign up to a lot, half to all of 2 * 10,000 together.
        assert long * short < 0 and abs(long + short) < 5.1
        assert 9_990 <= abs(long) + abs(short) <= 20_001
    markets = [{intent.market for intent in part} for part in parts]  # type: ignore[attr-defined]
    assert markets == ([{1}, {2}] if split == "legs" else [{1, 2}, {1, 2}])


def test_opposite_positions_cancel_out_at_one_venue() -> None:
    parts = traders(split="opposite").decide_across([world(), world()], stream(1, "draws"))
    one, other = sizes(parts[0]), sizes(parts[1])
    assert one == {key: -size for key, size in other.items()} and len(one) == 3
    assert traders(("main",), split="opposite").decide(world(), stream(1, "draws")) == []


def test_capital_is_divided_and_the_wallet_is_one() -> None:
    both = traders(reserve=0.5)
    assert [(gift.cash, gift.wallet) for gift in both.endowments_at(0)] == [(5_000.0, 5_000.0)] * 3
    assert [(gift.cash, gift.wallet) for gift in both.endowments_at(1)] == [(5_000.0, 0.0)] * 3
    alone = traders(("far",), reserve=0.5)
    assert [(gift.cash, gift.wallet) for gift in alone.endowments_at(0)] == [(10_000.0, 5_000.0)] * 3


def ended(intent: Intent) -> Receipt:
    return Receipt(intent, Status.SUCCESS, 1, 0, 0, "")


def test_nobody_acts_again_before_it_has_heard() -> None:
    agent, rng = traders(interval=1), stream(1, "draws")
    first = agent.decide_across([world(), world()], rng)
    assert agent.decide_across([world(), world()], rng) == [[], []]
    for intent in (*first[0], *first[1]):
        agent.on_receipt(ended(intent), rng)
    assert sum(map(len, agent.decide_across([world(), world()], rng))) == 6


def test_margin_comes_from_the_wallet_then_from_the_other_venue_then_from_the_position() -> None:
    agent, rng = traders(interval=10**9, alert=1.5, spare=2.0), stream(1, "draws")
    agent.share[:] = 1e-9
    short = {"initial_margin": [0.0, 8_000.0, 0.0], "size": [[0.0, 0.0], [5.0, 0.0], [0.0, 0.0]]}
    near = agent.decide_across([world(**short), world()], rng)
    # (1.5 + 0.5) * 8,000 - 10,000, more than the wallet has.
    assert near == [[Deposit(account=2, asset=0, amount=5_000 * 10**6, fees=agent.urgent)], []]
    agent.on_receipt(ended(near[0][0]), rng)

    empty = {"wallet": np.zeros((3, 2))}
    later = world().timestamp + 10_000
    needy = views.view(timestamp=later, accounts=views.accounts(3, **short, **empty))
    rich = views.view(
        timestamp=later, accounts=views.accounts(3, initial_margin=[0.0, 2_500.0, 0.0], **empty)
    )
    moved = agent.decide_across([needy, rich], rng)
    # 10,000 - 2 * 2,500 to spare there.
    assert moved == [[], [Withdraw(account=2, asset=0, amount=5_000 * 10**6, fees=agent.urgent)]]
    agent.on_receipt(ended(moved[1][0]), rng)

    worse = {**short, **empty, "initial_margin": [0.0, 11_000.0, 0.0]}
    poor = views.view(timestamp=later + 10_000, accounts=views.accounts(3, **worse))
    bare = views.view(timestamp=later + 10_000, accounts=views.accounts(3, cash=np.zeros(3), **empty))
    reduced = agent.decide_across([poor, bare], rng)
    assert reduced[1] == [] and len(reduced[0]) == 1
    order = reduced[0][0]
    assert isinstance(order, PlaceOrder)
    assert (order.is_bid, order.lots, order.options & REDUCE_ONLY) == (False, 2_500, REDUCE_ONLY)
    assert agent.measure() == {
        "margin_added_usd": 5_000.0,
        "margin_moved_usd": 5_000.0,
        "margin_reductions": 1.0,
    }


def test_an_account_in_liquidation_is_left_alone() -> None:
    stuck = world(liquidating=np.ones(3, np.bool_), initial_margin=np.full(3, 99_000.0))
    parts = traders().decide_across([stuck, world()], stream(1, "draws"))
    assert parts[0] == [] and len(parts[1]) == 3


def test_twins_have_the_same_tastes_and_stream() -> None:
    specs = [
        AgentSpec("spread", "spread_trader", 3, {}, None, None, BOTH),
        AgentSpec("whole", "spread_trader", 3, {}, None, None, ("far",), "spread"),
        AgentSpec("other", "spread_trader", 3, {}),
    ]
    spread, whole, other = make_agents(specs, 7)
    assert isinstance(spread, SpreadTraders) and isinstance(whole, SpreadTraders)
    assert isinstance(other, SpreadTraders)
    assert (spread.capital == whole.capital).all() and (spread.side == whole.side).all()
    assert (spread.capital != other.capital).any()
    assert (spread.stream, whole.stream, other.stream) == ("spread", "spread", "other")
    assert (spread.venues, whole.venues, other.venues) == (BOTH, ("far",), ("main",))
