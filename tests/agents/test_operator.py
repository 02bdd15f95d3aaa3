# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.agents import OperatorSettings, ProtocolOperator
from simulation.config import stream
from simulation.messages import (
    DELEVERAGE,
    NOTICE,
    SOLVENT,
    CallMargin,
    Deleverage,
    Intent,
    MarkInsolvent,
    Receipt,
    Status,
    SweepFees,
    View,
)
from tests.agents import views

GWEI = 10**9
RNG = stream(1, "operator")


def operator(**settings: Any) -> ProtocolOperator:
    return ProtocolOperator("operator", np.array([1]), OperatorSettings(**settings), stream(1, "o"))


def called(agent: ProtocolOperator, view: View) -> list[int]:
    return [intent.target for intent in agent.decide(view, RNG) if isinstance(intent, CallMargin)]


def low(**changes: Any) -> View:
    """Accounts 2, 3 and 4 stand below initial margin, 3 the deepest."""
    state = {
        "equity": [0.0, 900.0, 500.0, 800.0, 2_000.0, 2_000.0],
        "initial_margin": [0.0] + [1_000.0] * 5,
        **changes.pop("accounts", {}),
    }
    return views.view(accounts=views.accounts(**state), **changes)


def test_it_calls_the_deepest_first_and_nobody_twice_at_a_time() -> None:
    agent = operator(calls=2)
    assert called(agent, low()) == [3, 4]
    assert called(agent, low()) == []


def test_a_call_is_not_repeated_before_its_interval() -> None:
    calls = {"call_stage": [1, NOTICE, NOTICE, 1, 1, 1], "call_lapses": [0, 1_000_001, 1_000_000, 0, 0, 0]}
    assert called(operator(), low(accounts=calls)) == [3, 4]


def test_it_calls_nobody_when_gas_costs_more_than_it_may() -> None:
    dear = replace(low(), base_fee=2_000 * GWEI)
    assert dear.gas_cost(120_000) > 2.0
    assert called(operator(call_cost=2.0), dear) == []
    assert called(operator(call_cost=100.0), dear) == [3, 4, 2]


def test_it_sweeps_fees_once_an_interval() -> None:
    agent, found = operator(sweep=3_600), []
    for hour in range(4):
        world = views.view(timestamp=10**6 + 3_600 * hour)
        found.append([type(intent) for intent in agent.decide(world, RNG)])
        for kind in found[-1]:
            assert kind is SweepFees
            agent.on_receipt(Receipt(SweepFees(account=1), Status.SUCCESS, 10, 1, 1, ""), RNG)
    assert found == [[], [SweepFees], [SweepFees], [SweepFees]]


def test_it_moves_the_waterfall_on_and_waits_after_a_revert() -> None:
    state = views.accounts(equity=[0.0, -5.0] + [1_000.0] * 4, liquidating=np.arange(6) == 1)
    auction = views.auctions({"account": 2, "phase": SOLVENT, "buffer_margin": -10.0})
    agent = operator()
    world = views.view(accounts=state, auctions=auction)
    (step,) = agent.decide(world, RNG)
    assert isinstance(step, MarkInsolvent) and step.target == 2
    assert agent.decide(world, RNG) == []
    agent.on_receipt(Receipt(step, Status.REVERTED, 10, 1, 1, "liquidator: stale price"), RNG)
    assert agent.decide(replace(world, block=11), RNG) == []
    assert len(agent.decide(replace(world, block=12), RNG)) == 1


def test_one_deleveraging_a_market_and_block() -> None:
    size = np.zeros((6, 2))
    size[:, 0] = [0.0, 10.0, 10.0, 0.0, -30.0, -30.0]
    size[3, 1] = 1.0
    size[4, 1] = -5.0
    state = views.accounts(
        size=size,
        entry=np.full((6, 2), 100.0),
        equity=[0.0, -1.0, -1.0, -1.0, 900.0, 900.0],
        liquidating=[False, True, True, True, False, False],
    )
    live = [{"account": n, "phase": DELEVERAGE, "buffer_margin": -10.0} for n in (2, 3, 4)]
    found: list[Intent] = list(
        operator().decide(views.view(accounts=state, auctions=views.auctions(*live)), RNG)
    )
    assert [(i.target, i.market) for i in found if isinstance(i, Deleverage)] == [(2, 1), (4, 2)]
    assert len(found) == 2
