# SPDX-License-Identifier: Apache-2.0
"""Accounts 2 to 6 in the stages of a call, at 1,000,000 seconds, with grace and window of an hour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import Keeper, KeeperSettings, OperatorSettings, ProtocolOperator
from simulation.agents.margin_calls import admissible, admitted, call_steps, cures
from simulation.config import stream
from simulation.messages import (
    ESCALATED,
    HALF_TIME,
    NOTICE,
    QUIET,
    AuctionRules,
    CallMargin,
    CureCall,
    EscalateCall,
    Fees,
    Intent,
    StartAuction,
    View,
)
from tests.agents import views

NOW, HOUR = 1_000_000, 3_600
RULES = AuctionRules(grace=HOUR, window=HOUR, reward_rate=0.02, reward_cap=500.0)
STAGES = [QUIET, NOTICE, NOTICE, HALF_TIME, ESCALATED, QUIET]
SINCE = [0, 100, 1_900, 3_700, 4_000, 0]
"""Seconds since the notice, by account from 1."""


def world(rules: AuctionRules = RULES, since: list[int] = SINCE, **accounts: Any) -> View:
    called = NOW - np.array(since)
    state = {
        "equity": [0.0, 900.0, 800.0, 700.0, 600.0, 500.0],
        "initial_margin": [0.0] + [1_000.0] * 5,
        "maintenance_margin": [0.0] + [550.0] * 4 + [0.0],
        "called": np.where(np.array(STAGES) == QUIET, 0, called),
        "call_stage": STAGES,
        "call_deadline": called + rules.grace,
        "call_lapses": called + rules.grace + rules.window,
        **accounts,
    }
    return views.view(accounts=views.accounts(**state), rules=rules, timestamp=NOW)


def told(steps: Any) -> list[tuple[type, int]]:
    return [(type(step), step.target) for step in steps]


def test_steps_come_by_weight() -> None:
    """4 is past its deadline, 6 never called, 3 past half-time; 2 was called just now, 5 is escalated."""
    assert told(call_steps(world(), 1, Fees())) == [(EscalateCall, 4), (CallMargin, 6), (CallMargin, 3)]


def test_a_void_call_is_renewed() -> None:
    old = world(since=[0, 100, 1_900, 2 * HOUR, 2 * HOUR + 5, 0])
    assert told(call_steps(old, 1, Fees())) == [
        (CallMargin, 6),
        (CallMargin, 5),
        (CallMargin, 4),
        (CallMargin, 3),
    ]


def test_without_a_window_there_are_notices_alone() -> None:
    rules = replace(RULES, window=0)
    assert told(call_steps(world(rules), 1, Fees())) == [(CallMargin, 6), (CallMargin, 5), (CallMargin, 4)]
    auctioned = [0, NOW - 100, NOW - HOUR, 0, 0, 0]
    again = call_steps(world(rules, call_stage=[QUIET] * 6, called=auctioned), 1, Fees())
    assert [target for _, target in told(again)] == [6, 5, 4, 3]
    well = {"equity": [2_000.0] * 6}
    assert told(cures(world(rules, **well), 1, Fees())) == []
    assert told(cures(world(**well), 1, Fees())) == [
        (CureCall, 2),
        (CureCall, 3),
        (CureCall, 4),
        (CureCall, 5),
    ]


def test_accounts_in_liquidation_are_left_alone() -> None:
    closed = world(liquidating=[True] * 6)
    assert told(call_steps(closed, 1, Fees())) == []


@pytest.mark.parametrize("early", [True, False])
def test_whom_an_escalation_admits_to_auction(early: bool) -> None:
    """The buffer reaches to 632.5: 5 is below it and escalated, 4 past its deadline."""
    view = world(replace(RULES, early_auction=early))
    assert np.flatnonzero(admitted(view, view.accounts.equity)).tolist() == [4] * early
    assert not admissible(view, view.accounts.equity).any()
    lower = np.array([0.0, 600.0, 600.0, 600.0, 600.0, 600.0])
    assert np.flatnonzero(admissible(view, lower)).tolist() == [3] * early
    # Below maintenance margin nothing needs an escalation any more.
    assert not admissible(view, lower - 100.0).any()


def test_the_operator_cures_first_and_keeps_its_limit() -> None:
    agent = ProtocolOperator("o", np.array([1]), OperatorSettings(calls=3), stream(1, "o"))
    view = world(equity=[0.0, 2_000.0, 800.0, 700.0, 600.0, 500.0])
    steps = [step for step in agent.decide(view, stream(1, "d")) if hasattr(step, "target")]
    assert told(steps) == [(CureCall, 2), (EscalateCall, 4), (CallMargin, 6)]


def test_a_keeper_starts_what_is_admitted_and_escalates_what_would_be() -> None:
    def acts(**accounts: Any) -> list[Intent]:
        agent = Keeper("k", np.array([1]), KeeperSettings(), stream(1, "k"))
        view = world(**accounts)
        return list(agent.decide(view, stream(1, "d")))

    assert told(acts()) == [(StartAuction, 5)]
    low = [50_000.0, 2_000.0, 2_000.0, 600.0, 2_000.0, 2_000.0]
    assert told(acts(equity=low)) == [(EscalateCall, 4)]
    assert told(acts(equity=[50_000.0] + [700.0] * 5)) == []


def test_a_keeper_who_calls_takes_all_steps_in_turn() -> None:
    agent = Keeper("k", np.array([1]), KeeperSettings(calls=True, rivals=0), stream(1, "k"))
    view = world(equity=[50_000.0, 900.0, 800.0, 700.0, 900.0, 900.0])
    steps = told(agent.decide(view, stream(1, "d")))
    assert steps == [(EscalateCall, 4), (CallMargin, 6), (CallMargin, 3)]
