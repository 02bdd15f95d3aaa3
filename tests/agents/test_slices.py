# SPDX-License-Identifier: Apache-2.0
"""Slices at the prices that a transaction will meet, not at those that the view still shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import Keeper, KeeperSettings
from simulation.agents.slices import expected_equity, expected_marks, later_slice, live_slices
from simulation.config import stream
from simulation.messages import INSOLVENT, SOLVENT, AuctionRules, StartAuction, View
from tests.agents import views

KEEPER, TARGET = 1, 2
RULES = AuctionRules(reward_rate=0.02, reward_cap=500.0)


def world(reference: float = 100.0, size: float = 50.0, phase: int = SOLVENT, **auction: Any) -> View:
    """The target is worth 400 USD on 50 ETH at 100, asked at 90 %; MM is 3 % of 5,000."""
    sizes = np.zeros((6, 2))
    sizes[TARGET - 1, 0] = size
    state = views.accounts(
        size=sizes,
        equity=[10_000.0, 400.0] + [10_000.0] * 4,
        notional=[0.0, 5_000.0] + [0.0] * 4,
        maintenance_margin=[0.0, 450.0] + [0.0] * 4,
        liquidating=np.arange(6) == 1,
    )
    row = {
        "account": TARGET,
        "phase": phase,
        "price": 360.0,
        "max_fraction": 0.5,
        "buffer_margin": 400.0 - 450.0 * 1.15,
    }
    return views.view(
        markets=(views.market(1, reference=reference), views.market(2, 5_000.0)),
        accounts=state,
        auctions=views.auctions({**row, **auction}),
        rules=RULES,
    )


def test_a_mark_follows_the_outside_once_an_update_is_due() -> None:
    assert expected_marks(world(99.8), 0.003).tolist() == [100.0, 5_000.0]
    assert expected_marks(world(99.0), 0.003).tolist() == pytest.approx([99.0, 5_000.0])
    premium = replace(world(), markets=(views.market(1, reference=98.0, mark=101.0),))
    assert expected_marks(premium, 0.003).tolist() == pytest.approx([98.98])


def test_equity_follows_the_marks() -> None:
    view = world(98.0)
    equity = expected_equity(view, expected_marks(view, 0.003))
    assert equity[TARGET - 1] == pytest.approx(300.0) and equity[KEEPER - 1] == 10_000.0


def test_a_solvent_slice_is_quoted_at_the_price_on_its_way() -> None:
    view = world(98.0)
    (quote,) = live_slices(view, KEEPER, expected_marks(view, 0.003))
    assert (quote.value, quote.price) == (pytest.approx(300.0), pytest.approx(270.0))
    missing = 450.0 * 1.15 - 300.0
    assert quote.max_fraction == pytest.approx(missing / (missing + 270.0))


def test_nothing_is_offered_where_the_next_price_takes_the_equity() -> None:
    view = world(91.0)
    assert live_slices(view, KEEPER, expected_marks(view, 0.003)) == []


def test_an_insolvent_slice_pays_for_the_fall_if_the_fund_can() -> None:
    view = world(91.0, phase=INSOLVENT, price=-30.0, max_fraction=1.0)
    (quote,) = live_slices(view, KEEPER, expected_marks(view, 0.003))
    assert (quote.value, quote.price, quote.max_fraction) == (
        pytest.approx(-50.0),
        pytest.approx(-80.0),
        1.0,
    )
    poor = replace(view, fund=replace(view.fund, assets=79.0))
    assert live_slices(poor, KEEPER, expected_marks(view, 0.003)) == []


def test_what_owns_something_again_has_to_be_started_first() -> None:
    """Now, and once the price on its way has come."""
    view = world(phase=INSOLVENT, price=380.0, max_fraction=0.0)
    assert live_slices(view, KEEPER, expected_marks(view, 0.003)) == []
    view = world(101.0, phase=INSOLVENT, price=-30.0, max_fraction=1.0)
    equity = view.accounts.equity.copy()
    equity[TARGET - 1] = -30.0
    view = replace(view, accounts=replace(view.accounts, equity=equity))
    assert live_slices(view, KEEPER, expected_marks(view, 0.003)) == []
    assert len(live_slices(view, KEEPER, expected_marks(view, 0.5))) == 1


def test_small_accounts_go_whole() -> None:
    view = replace(world(98.0), rules=replace(RULES, equity_cutoff=500.0))
    assert [quote.max_fraction for quote in live_slices(view, KEEPER, expected_marks(view, 0.003))] == [1.0]
    later = later_slice(view, TARGET, 400.0)
    assert later is not None and (later.price, later.max_fraction) == (pytest.approx(280.0), 1.0)


def test_nobody_bids_for_his_own_account() -> None:
    view = world()
    assert live_slices(view, TARGET, expected_marks(view, 0.003)) == []


def test_a_keeper_starts_what_the_next_price_makes_liquidatable() -> None:
    def starts(reference: float) -> list[int]:
        view = world(reference)
        calm = replace(view.accounts, liquidating=np.zeros(6, np.bool_), equity=view.accounts.equity + 100.0)
        agent = Keeper("keeper", np.array([KEEPER]), KeeperSettings(), stream(1, "k"))
        view = replace(view, accounts=calm, auctions=views.auctions(), base_fee=0)
        intents = agent.decide(view, stream(1, "d"))
        return [intent.target for intent in intents if isinstance(intent, StartAuction)]

    assert starts(100.0) == [] and starts(98.0) == [TARGET]
