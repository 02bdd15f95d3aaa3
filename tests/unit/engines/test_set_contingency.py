# SPDX-License-Identifier: Apache-2.0
"""set_contingency of both engines: the owner alone, within bounds; contingency shows the result."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, Reverted, reverts
from tests.unit.engines.portfolios import CONTINGENCY, RISK, portfolio, position

WIDEST = (10**8, 10_000, 10**9, 50_000)


def test_the_parameters_change_with_their_event(engine: Contract) -> None:
    receipt = engine.set_contingency(WIDEST)
    assert tuple(engine.contingency()) == WIDEST
    [event] = receipt.named("ContingencySet")
    assert tuple(event["contingency"]) == WIDEST
    assert tuple(engine.market_risk(1)) == RISK


def test_a_threshold_of_zero_switches_a_term_off(engine: Contract) -> None:
    engine.set_contingency((0, 10_000, 0, 50_000))
    assessment = engine.assess(portfolio(position(10**9, confidence=0), stable=0))
    assert assessment.initial_margin == 130 * 10**18


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(engine: Contract, env: Env, role: str) -> None:
    with reverts("ownable: caller is not the owner"):
        engine.set_contingency(WIDEST, sender=env.address(role))
    assert tuple(engine.contingency()) == CONTINGENCY


@pytest.mark.parametrize("place", range(4))
def test_values_out_of_range_are_refused(engine: Contract, place: int) -> None:
    for value in (WIDEST[place] + 1, 2**256 - 1):
        bad = tuple(value if i == place else kept for i, kept in enumerate(CONTINGENCY))
        with reverts("tiered_margin: contingency out of range"):
            engine.set_contingency(bad)
        with pytest.raises(Reverted, match="contingency out of range"):
            engine.env.deploy(engine.name, bad)
    assert tuple(engine.contingency()) == CONTINGENCY
