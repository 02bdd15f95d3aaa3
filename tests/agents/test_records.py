# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from simulation.agents import OperatorSettings, ProtocolOperator
from simulation.agents.records import RecordRounds
from simulation.config import stream
from simulation.messages import AccountsView, Receipt, RefreshContributions, Status
from tests.agents import views


def exposed(*notional: float, equity: float = 1_000.0, margin: float = 0.0) -> AccountsView:
    count = len(notional)
    return views.accounts(
        count,
        notional=np.array(notional),
        equity=np.full(count, equity),
        initial_margin=np.full(count, margin),
    )


def test_half_of_a_call_is_for_the_least_covered_and_half_goes_round() -> None:
    rounds = RecordRounds()
    accounts = exposed(1.0, 1.0, 9_000.0, 1.0, 5_000.0, 1.0)
    assert rounds.next_targets(accounts, 2) == (1, 3)
    assert rounds.next_targets(accounts, 2) == (2, 3)
    assert rounds.next_targets(accounts, 4) == (3, 4, 5, 6)
    assert rounds.next_targets(accounts, 2) == (1, 3)


def test_who_has_nothing_is_asked_about_once_more_and_then_left_alone() -> None:
    rounds = RecordRounds()
    assert rounds.next_targets(exposed(0.0, 5.0, 0.0), 8) == (2,)
    assert rounds.next_targets(exposed(0.0, 0.0, 0.0), 8) == (2,)
    assert rounds.next_targets(exposed(0.0, 0.0, 0.0), 8) == ()


def test_orders_alone_are_exposure_and_new_accounts_are_met() -> None:
    rounds = RecordRounds()
    assert rounds.next_targets(exposed(0.0, margin=5.0), 8) == (1,)
    assert rounds.next_targets(exposed(0.0, 0.0, 7.0), 8) == (1, 3)
    assert len(rounds.next_targets(exposed(*[1.0] * 100), 100)) == 64


def test_the_operator_refreshes_where_there_is_a_guard_one_call_at_a_time() -> None:
    rng = stream(1, "operator")
    agent = ProtocolOperator("operator", np.array([1]), OperatorSettings(refreshes=2), stream(1, "o"))
    world = views.view(accounts=exposed(*[1.0] * 4))

    def sent() -> list[RefreshContributions]:
        return [one for one in agent.decide(world, rng) if isinstance(one, RefreshContributions)]

    assert sent() == []
    agent.guarded = True
    (first,) = sent()
    assert first.targets == (1, 2)
    assert sent() == []
    agent.on_receipt(Receipt(first, Status.SUCCESS, 10, 21_000, 1, ""), rng)
    assert [one.targets for one in sent()] == [(3, 4)]
