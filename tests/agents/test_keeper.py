# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import Keeper, KeeperSettings
from simulation.config import Distribution, stream
from simulation.messages import (
    DELEVERAGE,
    IMMEDIATE,
    INSOLVENT,
    NOTICE,
    REDUCE_ONLY,
    SOLVENT,
    AuctionRules,
    Bid,
    CallMargin,
    Deleverage,
    Intent,
    MarkDeleverage,
    MarkInsolvent,
    PlaceOrder,
    Receipt,
    Reprice,
    StartAuction,
    Status,
    StopAuction,
    View,
    WriteOff,
)
from tests.agents import views

KEEPER, TARGET, OTHER = 1, 2, 3
RULES = AuctionRules(reward_rate=0.02, reward_cap=500.0)
GWEI = 10**9


def keeper(**settings: Any) -> Keeper:
    chosen = {"calls": False, "housekeeping": False, **settings}
    return Keeper("keeper", np.array([KEEPER]), KeeperSettings(**chosen), stream(1, "k"))


def world(phase: int = SOLVENT, size: float = 100.0, **changes: Any) -> View:
    """The target holds `size` ETH; the auction asks 70 % of an equity of 1,000 USD."""
    sizes = np.zeros((6, 2))
    sizes[TARGET - 1, 0] = size
    state = {
        "size": sizes,
        "equity": [50_000.0, 1_000.0, 10_000.0, 10_000.0, 10_000.0, 10_000.0],
        "notional": [0.0, abs(size) * 100.0, 0.0, 0.0, 0.0, 0.0],
        "initial_margin": [0.0, abs(size) * 5.0, 0.0, 0.0, 0.0, 0.0],
        "maintenance_margin": [0.0, abs(size) * 3.0, 0.0, 0.0, 0.0, 0.0],
        "liquidating": [False, True, False, False, False, False],
        **changes.pop("accounts", {}),
    }
    auction = {
        "account": TARGET,
        "phase": phase,
        "price": 700.0,
        "max_fraction": 1.0,
        "buffer_margin": -500.0,
        **changes.pop("auction", {}),
    }
    return views.view(accounts=views.accounts(**state), auctions=views.auctions(auction), **changes)


def decide(agent: Keeper, view: View) -> list[Intent]:
    return list(agent.decide(view, stream(1, "d")))


def test_it_starts_auctions_of_whoever_is_below_maintenance() -> None:
    state = views.accounts(
        equity=[50_000.0, 100.0, 200.0, 400.0, 100.0, 100.0],
        maintenance_margin=[0.0, 300.0, 300.0, 300.0, 300.0, 0.0],
        liquidating=[False, False, False, False, True, False],
    )
    intents = decide(keeper(), views.view(accounts=state, rules=RULES))
    assert [type(intent) for intent in intents] == [StartAuction, StartAuction]
    assert [intent.target for intent in intents if isinstance(intent, StartAuction)] == [3, 2]
    assert all(intent.account == KEEPER for intent in intents)


def test_starting_must_pay_for_its_gas() -> None:
    state = views.accounts(equity=[50_000.0] + [100.0] * 5, maintenance_margin=[0.0] + [300.0] * 5)
    cheap = views.view(accounts=state, rules=RULES)
    assert len(decide(keeper(), cheap)) == 5
    # 250,000 gas at 10 gwei and 100 USD cost 0.25 USD; at a hundred times that, more than 30 USD to win.
    assert decide(keeper(), replace(cheap, base_fee=2_000 * GWEI)) == []


def test_the_prize_is_the_reward_and_a_chance_in_the_auction() -> None:
    state = views.accounts(
        equity=[50_000.0, 1_000.0] + [400.0] * 4, maintenance_margin=[0.0, 2_000.0] + [0.0] * 4
    )
    world = views.view(accounts=state, rules=RULES, base_fee=0, eth_price=0.0)
    # Reward 2 % of 1,000; a slice of 1,300 / (1,300 + 700) at a discount of 30 %, shared with two rivals.
    assert keeper().prize(world, TARGET) == pytest.approx(20.0 + 0.65 * 300.0 / 3)
    assert keeper(rivals=0).prize(world, TARGET) == pytest.approx(20.0 + 0.65 * 300.0)
    ruined = replace(state, equity=np.array([50_000.0, -100.0] + [400.0] * 4))
    paid = replace(world, accounts=ruined)
    assert keeper(rivals=0).prize(paid, TARGET) == pytest.approx(2_000.0)
    broke = replace(paid, fund=replace(paid.fund, assets=2_099.0))
    assert keeper(rivals=0).prize(broke, TARGET) == 0.0


def test_it_joins_every_race_that_pays_for_losing_and_few_others() -> None:
    agent, rng, world = keeper(rivals=4), stream(1, "races"), views.view()
    risk = agent.gas_cost(world, 100_000)
    assert all(agent.joins(world, 5.0 * risk, 100_000, rng) for _ in range(100))
    assert 100 < sum(agent.joins(world, risk, 100_000, rng) for _ in range(1_000)) < 300


def test_what_reverted_is_left_alone_twice_as_long_each_time() -> None:
    state = views.accounts(
        equity=[50_000.0, 100.0] + [400.0] * 4, maintenance_margin=[0.0, 300.0] + [0.0] * 4
    )
    agent, tries = keeper(policy="static", max_fee=100.0), []
    for block in range(10, 40):
        for intent in decide(agent, views.view(accounts=state, rules=RULES, block=block)):
            tries.append(block)
            agent.on_receipt(
                Receipt(intent, Status.REVERTED, block, 100_000, 1, "liquidator: wrong phase"), stream(1, "r")
            )
    assert tries == [10, 12, 15, 20, 29]


def test_a_lost_race_makes_an_adaptive_keeper_offer_more() -> None:
    agent = keeper(policy="adaptive", profit_share=0.1, most_share=0.2)
    (bid,) = decide(agent, world(size=10.0))
    for _ in range(10):
        agent.on_receipt(Receipt(bid, Status.REVERTED, 10, 1, 1, ""), stream(1, "r"))
    assert agent.share == pytest.approx(0.2)
    for _ in range(100):
        agent.on_receipt(Receipt(bid, Status.SUCCESS, 10, 1, 1, ""), stream(1, "r"))
    assert agent.share == pytest.approx(0.1)


def test_each_keeper_draws_its_own_capital_and_thresholds() -> None:
    plan = KeeperSettings(
        capital=Distribution("lognormal", (100_000.0, 0.5)), min_profit=Distribution("uniform", (10.0, 60.0))
    )
    firms = [
        Keeper(f"k{n}", np.array([n]), plan, stream(1, "agents", f"k{n}", "tastes")) for n in range(1, 6)
    ]
    assert len({firm.capital for firm in firms}) == len({firm.min_profit for firm in firms}) == 5
    assert [gift.cash for firm in firms for gift in firm.endowments()] == [firm.capital for firm in firms]


def test_it_does_not_repeat_what_is_in_the_pool() -> None:
    state = views.accounts(equity=[50_000.0, 100.0] + [400.0] * 4, maintenance_margin=[0.0] + [300.0] * 5)
    agent = keeper(policy="static")
    state = views.view(accounts=state, rules=RULES)
    first = decide(agent, state)
    assert len(first) == 1 and decide(agent, state) == []
    agent.on_receipt(Receipt(first[0], Status.EXPIRED, 11, 0, 0, ""), stream(1, "r"))
    assert len(decide(agent, state)) == 1


def test_it_bids_when_the_discount_pays() -> None:
    intents = decide(keeper(), world(size=10.0))
    assert [type(intent) for intent in intents] == [Bid]
    bid = intents[0]
    assert isinstance(bid, Bid)
    assert (bid.target, bid.fraction) == (TARGET, 10**18)
    assert 700 * 10**18 <= bid.max_price <= 703 * 10**18


@pytest.mark.parametrize(
    ("settings", "changes"),
    [
        ({"min_profit": 400.0}, {}),
        ({}, {"auction": {"price": 995.0}}),
        ({}, {"auction": {"max_fraction": 0.0}}),
        ({}, {"auction": {"over": 1}}),
        ({}, {"base_fee": 10_000 * GWEI}),
        ({}, {"accounts": {"equity": [1.0, 1_000.0, 0.0, 0.0, 0.0, 0.0]}}),
    ],
)
def test_it_does_not_bid_where_nothing_is_left(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    assert decide(keeper(**settings), world(size=10.0, **changes)) == []


def test_a_thin_book_lowers_the_slice_and_then_the_appetite() -> None:
    deep_world, thin_world = (
        world(size=40.0, markets=(views.market(1, lots=lots), views.market(2, 5_000.0)))
        for lots in (50_000, 10)
    )
    deep = keeper().profit(deep_world, keeper().quotes(deep_world)[0], 1.0)
    thin = keeper().profit(thin_world, keeper().quotes(thin_world)[0], 1.0)
    assert deep > 0 > thin
    assert decide(keeper(), thin_world) == []


def test_capital_and_inventory_bound_a_slice() -> None:
    poor = world(
        size=1_000.0, accounts={"equity": [1_000.0, 30_000.0] + [0.0] * 4}, auction={"price": 20_000.0}
    )
    bids = [intent for intent in decide(keeper(inventory=5.0), poor) if isinstance(intent, Bid)]
    assert len(bids) == 1 and bids[0].fraction <= 5_000 / 100_000 * 10**18
    full = world(accounts={"notional": [300_000.0, 10_000.0, 0.0, 0.0, 0.0, 0.0]})
    assert decide(keeper(inventory=5.0), full) == []


def test_what_is_still_in_the_pool_counts_against_its_inventory() -> None:
    agent = keeper(policy="static", max_fee=100.0, inventory=1.0)
    rich = world(
        size=400.0, accounts={"equity": [50_000.0, 16_000.0] + [0.0] * 4}, auction={"price": 1_000.0}
    )
    (first,) = decide(agent, rich)
    assert isinstance(first, Bid) and first.fraction >= 10**18
    other = replace(
        rich,
        auctions=views.auctions(
            {
                "account": TARGET,
                "phase": SOLVENT,
                "price": 1_000.0,
                "max_fraction": 1.0,
                "buffer_margin": -500.0,
            },
            {
                "account": OTHER,
                "phase": SOLVENT,
                "price": 1_000.0,
                "max_fraction": 1.0,
                "buffer_margin": -500.0,
            },
        ),
    )
    size = rich.accounts.size.copy()
    size[OTHER - 1, 0] = 400.0
    state = replace(
        rich.accounts,
        size=size,
        equity=np.array([50_000.0, 16_000.0, 16_000.0, 0.0, 0.0, 0.0]),
        notional=np.array([0.0, 40_000.0, 40_000.0, 0.0, 0.0, 0.0]),
    )
    (second,) = decide(agent, replace(other, accounts=state))
    assert isinstance(second, Bid) and second.target == OTHER and second.fraction <= 0.25 * 10**18


def test_an_insolvent_auction_is_worth_a_bid_only_while_the_fund_can_pay() -> None:
    state = {"equity": [50_000.0, -1_000.0] + [10_000.0] * 4}
    auction = {"price": -1_300.0}
    paid = decide(keeper(), world(INSOLVENT, 10.0, accounts=state, auction=auction))
    assert [type(intent) for intent in paid] == [Bid]
    assert isinstance(paid[0], Bid) and paid[0].max_price < 0
    broke = views.view().fund
    poor = type(broke)(1_200.0, broke.shares, broke.share_decimals, True, 0.0)
    assert decide(keeper(), world(INSOLVENT, 10.0, accounts=state, auction=auction, fund=poor)) == []


def test_it_sells_what_it_took_over_as_far_as_the_book_reaches() -> None:
    size = np.zeros((6, 2))
    size[KEEPER - 1] = [10.0, -1.0]
    markets = (views.market(1, lots=1_000), views.market(2, 5_000.0, lots=5_000))
    intents = decide(keeper(slippage=0.002), views.view(accounts=views.accounts(size=size), markets=markets))
    assert all(
        isinstance(intent, PlaceOrder) and intent.options == IMMEDIATE | REDUCE_ONLY for intent in intents
    )
    sale, cover = (intent for intent in intents if isinstance(intent, PlaceOrder))
    assert (sale.is_bid, sale.lots, sale.tick) == (False, 2_000, 9_980)
    assert (cover.is_bid, cover.lots) == (True, 1_000)


def test_static_gas_never_moves_and_adaptive_gas_follows() -> None:
    static = keeper(policy="static", max_fee=50.0, tip=2.0)
    fees = [static.fees(views.view(base_fee=fee * GWEI), 1_000.0, 10**6) for fee in (10, 200)]
    assert fees[0] == fees[1] and fees[0].max_fee == 50 * GWEI
    adaptive = keeper(policy="adaptive", tip=2.0, profit_share=0.1)
    small = adaptive.fees(views.view(), 0.0, 10**6)
    large = adaptive.fees(views.view(), 1_000.0, 10**6)
    assert small.tip == 2 * GWEI and large.tip == 1_000 * GWEI
    assert small.max_fee == 2 * views.view().base_fee + small.tip


def test_a_stuck_bid_is_raised_until_it_is_done() -> None:
    agent = keeper(policy="adaptive", patience=2)
    (bid,) = decide(agent, world(size=10.0))
    assert decide(agent, world(size=10.0, block=11)) == []
    (raised,) = decide(agent, world(size=10.0, block=12))
    assert isinstance(raised, Reprice) and raised.tag == bid.tag
    assert raised.fees.tip * 100 >= bid.fees.tip * 110
    assert raised.fees.max_fee * 100 >= bid.fees.max_fee * 110
    agent.on_receipt(Receipt(bid, Status.SUCCESS, 12, 100, 7, ""), stream(1, "r"))
    assert agent.measure()["bids_won"] == 1.0 and agent.gas == 700
    assert not any(isinstance(intent, Reprice) for intent in decide(agent, world(size=10.0, block=20)))


def test_it_makes_no_margin_call_while_one_is_in_force() -> None:
    low = {"equity": [50_000.0, 400.0] + [10_000.0] * 4, "initial_margin": [0.0, 500.0] + [0.0] * 4}
    rng = stream(1, "d")

    def called(when: int) -> bool:
        calls = {"call_stage": [1, NOTICE, 1, 1, 1, 1], "call_lapses": [0, when, 0, 0, 0, 0]}
        state = views.accounts(**low, **calls)
        agent = keeper(calls=True)
        found = [intent for _ in range(30) for intent in agent.decide(views.view(accounts=state), rng)]
        return any(isinstance(intent, CallMargin) and intent.target == 2 for intent in found)

    assert called(views.view().timestamp) and not called(views.view().timestamp + 1)


FLAT = np.zeros((6, 2))


@pytest.mark.parametrize(
    ("phase", "accounts", "auction", "expected"),
    [
        (SOLVENT, {}, {"buffer_margin": 1.0}, StopAuction),
        (SOLVENT, {"equity": [1.0, -5.0] + [1.0] * 4}, {}, MarkInsolvent),
        (SOLVENT, {}, {"over": 1}, StartAuction),
        (SOLVENT, {}, {"reserved": 1_000.0}, StartAuction),
        (INSOLVENT, {}, {"price": -200_000.0}, MarkDeleverage),
        (INSOLVENT, {}, {"over": 1}, MarkDeleverage),
        (INSOLVENT, {}, {"max_fraction": 0.0}, StartAuction),
        (DELEVERAGE, {"size": FLAT, "collateral": np.ones((6, 1))}, {"max_fraction": 0.0}, StartAuction),
        (DELEVERAGE, {}, {}, Deleverage),
        (DELEVERAGE, {"size": FLAT, "notional": [0.0] * 6, "cash": [1.0, -5.0] + [1.0] * 4}, {}, WriteOff),
    ],
)
def test_housekeeping_moves_the_waterfall_on(
    phase: int, accounts: dict[str, Any], auction: dict[str, Any], expected: type
) -> None:
    if expected is Deleverage:
        size = np.zeros((6, 2))
        size[:4, 0] = [0.0, 100.0, -30.0, -50.0]
        gain = np.zeros((6, 2))
        gain[2:4, 0] = [10.0, 400.0]
        accounts = {"size": size, "unrealised": gain, "entry": np.full((6, 2), 100.0)}
    agent = keeper(housekeeping=True, min_profit=10**9)
    rng = stream(1, "d")
    intents = [
        intent
        for _ in range(20)
        for intent in agent.decide(world(phase, accounts=accounts, auction=auction), rng)
    ]
    assert [type(intent) for intent in intents] == [expected]
    if isinstance(intents[0], Deleverage):
        assert intents[0].counterparties == (4, 3)


def test_a_tame_market_asks_nothing_of_it() -> None:
    assert decide(keeper(calls=True, housekeeping=True), views.view()) == []


def test_a_wild_price_makes_it_ask_for_more() -> None:
    calm, wild = keeper(risk=1.0, deviation=0.5), keeper(risk=1.0, deviation=0.5)
    still = world(size=10.0)
    moved = replace(still, markets=(replace(still.markets[0], reference=103.0), still.markets[1]))
    for view in (still, moved, still):
        wild.observe(view)
        calm.observe(still)
    quote = calm.quotes(still)[0]
    charge = calm.profit(still, quote, 1.0) - wild.profit(still, quote, 1.0)
    assert charge == pytest.approx(float(wild.variance[0]) ** 0.5 * 1_000.0)
