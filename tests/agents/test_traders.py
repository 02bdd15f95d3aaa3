# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from simulation.agents import (
    MeanReversionSettings,
    MeanReversionTraders,
    MomentumSettings,
    MomentumTraders,
    NoiseSettings,
    NoiseTraders,
    Traders,
)
from simulation.config import Distribution, stream
from simulation.messages import IMMEDIATE, POST_ONLY, REDUCE_ONLY, CancelAll, Deposit, PlaceOrder
from tests.agents import views

ACCOUNTS = np.arange(1, 7, dtype=np.int64)
ALWAYS = {"interval": 1, "passive": 0.0}


def noise(**settings: object) -> NoiseTraders:
    return NoiseTraders("noise", ACCOUNTS, NoiseSettings(**settings), stream(1, "noise"))  # type: ignore[arg-type]


def test_active_traders_take_toward_their_leverage() -> None:
    traders = noise(leverage=Distribution("constant", (4.0,)), long_share=1.0, closes=0.0, **ALWAYS)
    intents = traders.decide(views.view(), stream(1, "draws"))
    assert len(intents) == 6
    for intent in intents:
        assert isinstance(intent, PlaceOrder)
        assert intent.is_bid and intent.options == IMMEDIATE
        market = views.view().markets[intent.market - 1]
        notional = intent.lots * market.lot_size * market.mark
        assert 0.5 * 40_000 - 10 <= notional <= 40_000
        assert intent.tick * market.tick_size >= market.mid


def test_a_rare_trader_seldom_trades() -> None:
    traders = noise(interval=12 * 1_000)
    rng = stream(1, "draws")
    sent = sum(len(traders.decide(views.view(), rng)) for _ in range(1_000))
    assert 2 <= sent <= 16


def test_passive_orders_join_the_best_price_and_expire() -> None:
    traders = noise(interval=1, passive=1.0, closes=0.0)
    for intent in traders.decide(views.view(), stream(1, "draws")):
        assert isinstance(intent, PlaceOrder)
        market = views.view().markets[intent.market - 1]
        assert intent.options == POST_ONLY
        assert intent.tick == (market.best_bid if intent.is_bid else market.best_ask)
        assert intent.expiry > views.view().timestamp


def test_resting_orders_are_cancelled_before_the_next_trade() -> None:
    resting = np.zeros((6, 2))
    resting[2, 1] = 0.5
    world = views.view(accounts=views.accounts(bids=resting))
    intents = list(noise(closes=0.0, **ALWAYS).decide(world, stream(1, "draws")))
    mine = [intent for intent in intents if intent.account == 3]
    assert isinstance(mine[0], CancelAll) and isinstance(mine[1], PlaceOrder)
    assert sum(isinstance(intent, CancelAll) for intent in intents) == 1


def test_nobody_trades_at_an_invalid_price_or_in_liquidation() -> None:
    stale = tuple(views.market(number, 100.0, valid=False) for number in (1, 2))
    assert noise(**ALWAYS).decide(views.view(markets=stale), stream(1, "draws")) == []
    frozen = views.accounts(liquidating=np.ones(6, np.bool_))
    assert noise(**ALWAYS).decide(views.view(accounts=frozen), stream(1, "draws")) == []


@pytest.mark.parametrize(
    ("weights", "kind"), [((1, 0, 0), Deposit), ((0, 1, 0), PlaceOrder), ((0, 0, 1), None)]
)
def test_margin_calls_are_answered_by_temper(weights: tuple[int, int, int], kind: type | None) -> None:
    adds, reduces, ignores = map(float, weights)
    traders = noise(interval=10**9, watch=1, adds=adds, reduces=reduces, answers=1.0 - ignores)
    size = np.zeros((6, 2))
    size[:, 0] = 1_500.0
    world = views.view(
        accounts=views.accounts(size=size, equity=np.full(6, 5_000.0), initial_margin=np.full(6, 7_500.0))
    )
    intents = traders.decide(world, stream(1, "draws"))
    if kind is None:
        assert intents == []
        return
    assert len(intents) == 6
    for intent in intents:
        assert isinstance(intent, kind)
        if isinstance(intent, Deposit):
            assert intent.asset == 0 and 2_500 * 10**6 <= intent.amount <= 5_000 * 10**6
        elif isinstance(intent, PlaceOrder):
            assert intent.options == IMMEDIATE | REDUCE_ONLY and not intent.is_bid
            assert 0.2 * 1_500_000 <= intent.lots <= 1_500_000
    assert traders.decide(world, stream(1, "draws")) == []
    later = views.view(accounts=world.accounts, timestamp=world.timestamp + traders.settings.patience)
    assert len(traders.decide(later, stream(1, "draws"))) == 6


def test_a_margin_call_on_chain_reaches_a_trader_who_does_not_look() -> None:
    traders = noise(interval=10**9, watch=10**9, reduces=0.0, answers=1.0)
    low = {"equity": np.full(6, 5_000.0), "initial_margin": np.full(6, 7_500.0)}
    assert traders.decide(views.view(accounts=views.accounts(**low)), stream(1, "draws")) == []
    called = np.array([0, 999_990, 0, 0, 0, 0])
    world = views.view(accounts=views.accounts(**low, called=called))
    (deposit,) = traders.decide(world, stream(1, "draws"))
    assert isinstance(deposit, Deposit) and deposit.account == 2
    assert traders.measure()["margin_added_usd"] == deposit.amount / 10**6
    later = views.view(accounts=world.accounts, timestamp=world.timestamp + traders.settings.patience)
    assert [intent.account for intent in traders.decide(later, stream(1, "draws"))] == [2]
    well = views.accounts(equity=np.full(6, 9_000.0), initial_margin=np.full(6, 7_500.0), called=called)
    traders.decide(views.view(accounts=well), stream(1, "draws"))
    assert traders.decide(later, stream(1, "draws")) == []


def test_the_share_that_answers_and_how_they_do() -> None:
    many = np.arange(1, 1_001, dtype=np.int64)

    def tempers(**settings: float) -> list[int]:
        traders = NoiseTraders("many", many, NoiseSettings(**settings), stream(1, "many"))  # type: ignore[arg-type]
        return np.bincount(traders.temper, minlength=3).tolist()  # type: ignore[no-any-return]

    adding, reducing, ignoring = tempers(answers=0.7, adds=3.0)
    assert 480 < adding < 570 and 145 < reducing < 205 and 265 < ignoring < 335
    assert tempers(answers=1.0)[2] == 0 and tempers(answers=0.0)[2] == 1_000
    halves = tempers(answers=1.0, adds=0.0, reduces=0.0)
    assert 450 < halves[0] < 550 and sum(halves) == 1_000


def test_an_answer_takes_its_time_from_when_the_call_is_heard() -> None:
    wait = Distribution("constant", (90.0,))
    traders = noise(interval=10**9, watch=10**9, reduces=0.0, answers=1.0, delay=wait)
    low = {"equity": np.full(6, 5_000.0), "initial_margin": np.full(6, 7_500.0)}
    called = views.accounts(**low, called=[0, 999_990, 0, 0, 0, 0])

    def answered(seconds: int) -> list[int]:
        view = views.view(accounts=called, timestamp=1_000_000 + seconds)
        return [intent.account for intent in traders.decide(view, stream(1, "draws"))]

    assert [answered(seconds) for seconds in (0, 12, 84)] == [[], [], []]
    assert answered(96) == [2]


def test_nobody_reduces_into_an_empty_book_or_trades_crumbs() -> None:
    size = np.zeros((6, 2))
    size[:, 0] = 1_500.0
    low = {"size": size, "equity": np.full(6, 5_000.0), "initial_margin": np.full(6, 7_500.0)}
    empty = views.market(1, bid_ticks=np.zeros(0, np.int64), bid_lots=np.zeros(0, np.int64))
    world = views.view(accounts=views.accounts(**low), markets=(empty, views.market(2, 5_000.0)))
    traders = noise(interval=10**9, watch=1, adds=0.0, answers=1.0)
    assert traders.decide(world, stream(1, "draws")) == []
    assert traders.measure()["margin_calls_answered"] == 0.0
    assert noise(minimum=10.0**9, **ALWAYS).decide(views.view(), stream(1, "draws")) == []


@pytest.mark.parametrize(
    ("kind", "settings", "buys"),
    [
        (MomentumTraders, MomentumSettings, True),
        (MeanReversionTraders, MeanReversionSettings, False),
    ],
)
def test_trend_traders_follow_or_oppose(kind: type[Traders], settings: type, buys: bool) -> None:
    traders = kind("trend", ACCOUNTS, settings(sensitivity=0.02, horizon=3_600, **ALWAYS), stream(1, "trend"))
    traders.decide(views.view(), stream(1, "draws"))
    risen = tuple(views.market(number, price) for number, price in ((1, 110.0), (2, 5_500.0)))
    intents = traders.decide(views.view(markets=risen), stream(1, "draws"))
    assert len(intents) == 6
    assert all(isinstance(intent, PlaceOrder) and intent.is_bid == buys for intent in intents)


def test_equal_streams_give_equal_decisions_and_draws_do_not_depend_on_what_happens() -> None:
    first, second = noise(interval=30), noise(interval=30)
    one, other = stream(5, "a"), stream(5, "a")
    for _ in range(20):
        assert first.decide(views.view(), one) == second.decide(views.view(), other)
    assert [gift.cash for gift in first.endowments()] == [gift.cash for gift in second.endowments()]
    assert np.isclose(sum(gift.cash + gift.collateral for gift in first.endowments()), first.capital.sum())
