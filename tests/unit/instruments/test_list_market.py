# SPDX-License-Identifier: Apache-2.0
"""Instruments.list_market: the owner alone, perpetuals only, within bounds."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts
from tests.markets import LINEAR_PERPETUAL, MARKET_TERMS
from tests.prices import DEFAULT_FEED

INVERSE_PERPETUAL = 2

TERMS = list(MARKET_TERMS.values())


def test_a_market_is_listed_with_its_events(instruments: Contract) -> None:
    receipt = instruments.list_market(LINEAR_PERPETUAL, 2, *TERMS)
    market = receipt.value
    assert market == instruments.market_count() == 4
    assert instruments.spec(market).feed == 2
    assert receipt.named("MarketListed") == [
        {
            "market": market,
            "kind": LINEAR_PERPETUAL,
            "feed": 2,
            "tick_size": MARKET_TERMS["tick_size"],
            "lot_size": MARKET_TERMS["lot_size"],
        }
    ]
    assert receipt.named("FundingSet") == [
        {
            "market": market,
            "convergence_hours": MARKET_TERMS["convergence_hours"],
            "static_rate": MARKET_TERMS["static_rate"],
            "max_rate": MARKET_TERMS["max_rate"],
        }
    ]
    assert receipt.named("OpenInterestCapSet") == [
        {"market": market, "max_open_interest": MARKET_TERMS["max_open_interest"]}
    ]


def test_the_widest_terms_are_kept(instruments: Contract) -> None:
    widest = {
        "tick_size": 2**48 - 1,
        "lot_size": 2**64 - 1,
        "max_open_interest": 2**79 - 1,
        "convergence_hours": 168,
        "static_rate": -(2 * 10**16),
        "max_rate": 2 * 10**16,
    }
    market = instruments.list_market(LINEAR_PERPETUAL, 1, *widest.values()).value
    spec, funding = instruments.spec(market), instruments.funding(market)
    assert (spec.tick_size, spec.lot_size, spec.max_open_interest) == tuple(widest.values())[:3]
    assert (funding.convergence_hours, funding.static_rate, funding.max_rate) == tuple(widest.values())[3:]


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_only_the_owner(instruments: Contract, env: Env, role: str) -> None:
    with reverts("ownable: caller is not the owner"):
        instruments.list_market(LINEAR_PERPETUAL, 1, *TERMS, sender=env.address(role))
    assert instruments.market_count() == 3


@pytest.mark.parametrize("kind", [0, 3, 4, 8])
def test_other_kinds_are_refused(instruments: Contract, kind: int) -> None:
    with reverts("instruments: kind not supported"):
        instruments.list_market(kind, 1, *TERMS)
    assert instruments.market_count() == 3


def test_inverse_perpetuals_are_numbered_from_128(instruments: Contract) -> None:
    assert [instruments.list_market(INVERSE_PERPETUAL, 1, *TERMS).value for _ in range(2)] == [128, 129]
    assert instruments.list_market(LINEAR_PERPETUAL, 1, *TERMS).value == 4
    assert instruments.market_count() == 4
    assert instruments.spec(129).kind == INVERSE_PERPETUAL == instruments.terms(129).kind
    assert instruments.is_active(129) and not instruments.is_expired(129)
    assert instruments.lot_sizes([129, 4]) == [instruments.spec(4).lot_size] * 2


def test_no_more_inverse_perpetuals_than_numbers(instruments: Contract) -> None:
    for number in range(128, 256):
        assert instruments.list_market(INVERSE_PERPETUAL, 1, *TERMS).value == number
    with reverts("instruments: too many markets"):
        instruments.list_market(INVERSE_PERPETUAL, 1, *TERMS)


@pytest.mark.parametrize("feed", [0, 9, 255, 256, 2**256 - 1])
def test_unknown_feeds_are_refused(instruments: Contract, feed: int) -> None:
    with reverts("instruments: unknown feed"):
        instruments.list_market(LINEAR_PERPETUAL, feed, *TERMS)
    assert instruments.market_count() == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tick_size": 0}, "instruments: tick size out of range"),
        ({"tick_size": 2**48}, "instruments: tick size out of range"),
        ({"lot_size": 0}, "instruments: lot size out of range"),
        ({"lot_size": 2**64}, "instruments: lot size out of range"),
        ({"max_open_interest": 2**79}, "instruments: open interest cap too large"),
        ({"convergence_hours": 0}, "instruments: convergence out of range"),
        ({"convergence_hours": 169}, "instruments: convergence out of range"),
        ({"max_rate": 2 * 10**16 + 1}, "instruments: funding rate out of range"),
        ({"max_rate": 2**256 - 1}, "instruments: funding rate out of range"),
        ({"max_rate": 10, "static_rate": 11}, "instruments: funding rate out of range"),
        ({"max_rate": 10, "static_rate": -11}, "instruments: funding rate out of range"),
        ({"static_rate": -(2**255)}, "instruments: funding rate out of range"),
    ],
)
def test_terms_out_of_range_are_refused(instruments: Contract, changes: dict[str, int], reason: str) -> None:
    with reverts(reason):
        instruments.list_market(LINEAR_PERPETUAL, 1, *(MARKET_TERMS | changes).values())
    assert instruments.market_count() == 3


def test_the_registry_has_127_places(instruments: Contract, oracle: Contract) -> None:
    oracle.set_feed(255, DEFAULT_FEED.row())
    for _ in range(124):
        last = instruments.list_market(LINEAR_PERPETUAL, 255, *TERMS).value
    assert last == instruments.market_count() == 127
    assert instruments.spec(127).feed == 255
    with reverts("instruments: too many markets"):
        instruments.list_market(LINEAR_PERPETUAL, 255, *TERMS)
