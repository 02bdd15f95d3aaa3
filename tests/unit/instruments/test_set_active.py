# SPDX-License-Identifier: Apache-2.0
"""Instruments.set_active: the owner opens and restricts, the guardian restricts."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts
from tests.markets import MARKET_TERMS

CAP = MARKET_TERMS["max_open_interest"]


def test_a_market_is_restricted_and_opened(instruments: Contract) -> None:
    before = instruments.funding(1)
    receipt = instruments.set_active(1, False)
    assert receipt.named("ActiveSet") == [{"market": 1, "active": False}]
    assert (instruments.spec(1).active, instruments.touch(1).value[1]) == (False, 0)
    assert instruments.spec(1).max_open_interest == CAP
    receipt = instruments.set_active(1, True)
    assert receipt.named("ActiveSet") == [{"market": 1, "active": True}]
    assert (instruments.spec(1).active, instruments.touch(1).value[1]) == (True, CAP)
    assert instruments.funding(1) == before


def test_a_restricted_market_still_accrues_and_has_a_valid_price(instruments: Contract, env: Env) -> None:
    instruments.set_active(1, False)
    env.advance(100)
    assert instruments.touch(1).value[0] >> 255 == 1
    assert instruments.funding(1).accrued_until == env.timestamp


def test_the_guardian_may_restrict_but_not_open(instruments: Contract, env: Env) -> None:
    instruments.set_active(1, False, sender=env.address("guardian"))
    assert not instruments.spec(1).active
    with reverts("instruments: caller not permitted"):
        instruments.set_active(1, True, sender=env.address("guardian"))
    assert not instruments.spec(1).active


@pytest.mark.parametrize("active", [True, False])
def test_others_are_refused(instruments: Contract, env: Env, active: bool) -> None:
    with reverts("instruments: caller not permitted"):
        instruments.set_active(1, active, sender=env.address("attacker"))
    assert instruments.spec(1).active


@pytest.mark.parametrize("market", [0, 4, 256])
def test_an_unknown_market_is_refused(instruments: Contract, market: int) -> None:
    with reverts("instruments: unknown market"):
        instruments.set_active(market, False)
    assert all(instruments.spec(known).active for known in (1, 2, 3))
