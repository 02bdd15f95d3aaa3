# SPDX-License-Identifier: Apache-2.0
"""Instruments.set_open_interest_cap: the owner alone, downward too."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts


@pytest.mark.parametrize("cap", [0, 1, 2**79 - 1])
def test_the_cap_changes_with_its_event(instruments: Contract, cap: int) -> None:
    before = instruments.funding(1)
    receipt = instruments.set_open_interest_cap(1, cap)
    assert instruments.spec(1).max_open_interest == instruments.touch(1).value[1] == cap
    assert receipt.named("OpenInterestCapSet") == [{"market": 1, "max_open_interest": cap}]
    assert instruments.funding(1) == before


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(instruments: Contract, env: Env, role: str) -> None:
    before = instruments.spec(1)
    with reverts("ownable: caller is not the owner"):
        instruments.set_open_interest_cap(1, 0, sender=env.address(role))
    assert instruments.spec(1) == before


@pytest.mark.parametrize(
    ("market", "cap", "reason"),
    [
        (4, 1, "instruments: unknown market"),
        (0, 1, "instruments: unknown market"),
        (1, 2**79, "instruments: open interest cap too large"),
        (1, 2**256 - 1, "instruments: open interest cap too large"),
    ],
)
def test_out_of_range_is_refused(instruments: Contract, market: int, cap: int, reason: str) -> None:
    before = instruments.spec(1)
    with reverts(reason):
        instruments.set_open_interest_cap(market, cap)
    assert instruments.spec(1) == before
