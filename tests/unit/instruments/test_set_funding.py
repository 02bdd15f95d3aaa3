# SPDX-License-Identifier: Apache-2.0
"""Instruments.set_funding: the past is settled at the old rate, the new parameters hold from now on."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts
from tests.prices import push

NANO = 10**9
HOUR = 3_600
SPOT = 1_500 * NANO
RATE = 5 * 10**14


def test_the_parameters_change_with_their_event(instruments: Contract) -> None:
    receipt = instruments.set_funding(1, 24, -(10**12), 10**15)
    funding = instruments.funding(1)
    assert (funding.convergence_hours, funding.static_rate, funding.max_rate) == (24, -(10**12), 10**15)
    assert receipt.named("FundingSet") == [
        {"market": 1, "convergence_hours": 24, "static_rate": -(10**12), "max_rate": 10**15}
    ]
    assert instruments.spec(1).max_open_interest == instruments.spec(2).max_open_interest


def test_the_past_keeps_the_old_rate(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, 1_506 * NANO)
    instruments.touch(1)
    env.advance(100)
    receipt = instruments.set_funding(1, 16, 0, 10**16)
    [event] = receipt.named("FundingAccrued")
    assert (event["funding_index"], event["funding_rate"]) == (RATE * 100 * SPOT // (HOUR * NANO), RATE // 2)
    assert instruments.funding(1).rate == RATE // 2


def test_a_lower_bound_holds_at_once_even_without_a_valid_price(
    instruments: Contract, oracle: Contract, env: Env
) -> None:
    env.advance(1)
    push(oracle, 1, SPOT, 1_494 * NANO)
    instruments.touch(1)
    env.advance(10_000)
    assert not oracle.tick(1).valid
    instruments.set_funding(1, 8, 0, 10**14)
    assert instruments.funding(1).rate == -(10**14)


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(instruments: Contract, env: Env, role: str) -> None:
    before = instruments.funding(1)
    with reverts("ownable: caller is not the owner"):
        instruments.set_funding(1, 8, 0, 0, sender=env.address(role))
    assert instruments.funding(1) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((4, 8, 0, 0), "instruments: unknown market"),
        ((1, 0, 0, 0), "instruments: convergence out of range"),
        ((1, 169, 0, 0), "instruments: convergence out of range"),
        ((1, 8, 1, 0), "instruments: funding rate out of range"),
        ((1, 8, -1, 0), "instruments: funding rate out of range"),
        ((1, 8, 0, 2 * 10**16 + 1), "instruments: funding rate out of range"),
    ],
)
def test_out_of_range_is_refused(instruments: Contract, arguments: tuple[int, ...], reason: str) -> None:
    before = instruments.funding(1)
    with reverts(reason):
        instruments.set_funding(*arguments)
    assert instruments.funding(1) == before
