# SPDX-License-Identifier: Apache-2.0
"""Instruments.words, lot_sizes, spec, funding and market_count."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts
from tests.markets import LINEAR_PERPETUAL, MARKET_TERMS, deploy_instruments, list_perpetual
from tests.prices import push, push_many
from tests.unit.instruments.words import unpack

NANO = 10**9


def test_words_keep_the_order_of_the_question(instruments: Contract, oracle: Contract, env: Env) -> None:
    env.advance(1)
    for market in (1, 2, 3):
        push(oracle, market, market * 100 * NANO)
    words = instruments.words([3, 1, 2, 3])
    assert [unpack(word).spot for word in words] == [300 * NANO, 100 * NANO, 200 * NANO, 300 * NANO]
    assert all(unpack(word).valid for word in words)
    assert instruments.words([]) == []


def test_a_word_without_market_is_not_valid(instruments: Contract) -> None:
    assert [unpack(word).valid for word in instruments.words([0, 4, 255])] == [False] * 3


def test_a_stale_price_makes_the_word_not_valid(instruments: Contract, env: Env) -> None:
    env.advance(180)
    assert unpack(instruments.words([1])[0]).valid
    env.advance(1)
    assert not unpack(instruments.words([1])[0]).valid


def test_lot_sizes(instruments: Contract) -> None:
    market = list_perpetual(instruments, 1, lot_size=7)
    assert instruments.lot_sizes([market, 1, 9]) == [7, MARKET_TERMS["lot_size"], 0]


def test_spec(instruments: Contract) -> None:
    assert tuple(instruments.spec(2)) == (
        LINEAR_PERPETUAL,
        2,
        MARKET_TERMS["tick_size"],
        MARKET_TERMS["lot_size"],
        MARKET_TERMS["max_open_interest"],
        True,
    )


def test_funding(instruments: Contract) -> None:
    market = list_perpetual(instruments, 1, convergence_hours=24, static_rate=-(10**12), max_rate=10**13)
    funding = instruments.funding(market)
    assert (funding.index, funding.rate, funding.accrued_until) == (0, 0, instruments.env.timestamp)
    assert (funding.convergence_hours, funding.static_rate, funding.max_rate) == (24, -(10**12), 10**13)


@pytest.mark.parametrize("name", ["spec", "funding"])
@pytest.mark.parametrize("market", [0, 4, 256])
def test_an_unknown_market_has_none(instruments: Contract, name: str, market: int) -> None:
    with reverts("instruments: unknown market"):
        getattr(instruments, name)(market)


def test_words_of_64_markets_cost_at_most_350_000_gas() -> None:
    env = Env()
    oracle, instruments = deploy_instruments(env, markets=64)
    env.advance(60)
    push_many(oracle, {feed: (1_500 + feed) * NANO for feed in range(1, 65)})
    env.advance(12)
    assert instruments.view_gas("words", list(range(1, 65))) <= 350_000
    assert instruments.view_gas("words", list(range(1, 9))) <= 46_200
