# SPDX-License-Identifier: Apache-2.0
"""Market words of dated markets: forward, board, payoff; what is valid when; one question for each run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulation.domain import market_math
from tests.evm import Contract, Env, reverts
from tests.markets import deploy_instruments
from tests.prices import push
from tests.unit.instruments.dated import (
    CALLS,
    EXPIRY,
    PUTS,
    SPOT,
    STRIKES,
    Desk,
    fresh_desk,
    mark_word,
    terms,
)
from tests.unit.instruments.words import MarketWord, unpack

NANO = 10**9
FULL = 10**8
FORWARD = 1_530 * NANO


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = fresh_desk()
    with found.env.anchor():
        found.price(FORWARD, {market: market * NANO for market in (*CALLS, *PUTS)})
        yield found


def word(desk: Desk, market: int) -> MarketWord:
    """The word as `words` and `touch` give it; both are the same."""
    (found,) = desk.instruments.words([market])
    assert desk.instruments.touch(market).value[0] == found
    return unpack(found)


def test_a_future_is_marked_at_the_forward(desk: Desk) -> None:
    assert word(desk, 256) == MarketWord(FORWARD, SPOT, 0, FULL, True)


def test_an_option_is_marked_by_the_board(desk: Desk) -> None:
    assert word(desk, CALLS[1]) == MarketWord(CALLS[1] * NANO, SPOT, 0, FULL, True)
    desk.price(FORWARD, {PUTS[2]: 0})
    assert word(desk, PUTS[2]) == MarketWord(0, SPOT, 0, FULL, True)


def test_words_keep_the_order_of_a_mixed_question(desk: Desk) -> None:
    registry = desk.instruments
    second = registry.list_series(terms()).value << 8
    registry.add_strikes(2, STRIKES)
    desk.price(FORWARD + 1, {second | 1: 77}, series=2)
    asked = [PUTS[0], 1, 256, CALLS[3], CALLS[0], second | 1, second, 1, 256, 266, 999 << 8, PUTS[3], 2**255]
    singles = [registry.words([market])[0] for market in asked]
    assert registry.words(asked) == singles
    assert unpack(singles[5]).mark == 77 and unpack(singles[6]).mark == FORWARD + 1
    assert [singles[at] for at in (9, 10, 12)] == [0, 0, 0]
    assert registry.words([CALLS[0]] * 64) == [singles[4]] * 64


@pytest.mark.parametrize(
    ("tick", "forward", "found"), [(FULL, 7, 7), (9, FULL, 9), (6 * 10**7, 10**8, 6 * 10**7)]
)
def test_confidence_is_the_least(desk: Desk, tick: int, forward: int, found: int) -> None:
    desk.env.advance(1)
    push(desk.oracle, 1, SPOT, confidence=tick)
    desk.pricing.set_forward(1, FORWARD, forward, True)
    desk.pricing.set_marks([CALLS[0]], [mark_word(5, SPOT, forward, 2**40 - 1, 500)])
    assert word(desk, 256).confidence == word(desk, CALLS[0]).confidence == found


def test_without_a_valid_forward_a_future_is_not_valid(desk: Desk) -> None:
    desk.pricing.set_forward(1, FORWARD, FULL, False)
    assert not word(desk, 256).valid and word(desk, CALLS[0]).valid
    desk.pricing.set_forward(1, 0, FULL, True)
    assert not word(desk, 256).valid


def test_a_stale_spot_makes_all_not_valid(desk: Desk) -> None:
    desk.env.advance(180)
    assert word(desk, 256).valid and word(desk, CALLS[0]).valid
    desk.env.advance(1)
    assert not word(desk, 256).valid and not word(desk, CALLS[0]).valid


def test_an_aged_board_is_not_valid_but_still_tells_marks(desk: Desk) -> None:
    desk.pricing.set_marks([CALLS[0]], [mark_word(5, SPOT, FULL, desk.env.timestamp, 500)])
    assert word(desk, CALLS[0]).valid
    desk.env.advance(1)
    assert word(desk, CALLS[0]) == MarketWord(5, SPOT, 0, FULL, False)


@pytest.mark.parametrize(
    ("spot", "valid"),
    [
        (SPOT * 21 // 20, True),
        (SPOT * 21 // 20 + 1, False),
        (SPOT * 19 // 20, True),
        (SPOT * 19 // 20 - 1, False),
    ],
)
def test_a_board_holds_while_spot_is_near(desk: Desk, spot: int, valid: bool) -> None:
    desk.env.advance(1)
    push(desk.oracle, 1, spot)
    assert word(desk, CALLS[0]) == MarketWord(CALLS[0] * NANO, spot, 0, FULL, valid)


def test_an_option_without_board_has_no_price(desk: Desk) -> None:
    desk.pricing.set_marks([CALLS[0]], [0])
    assert word(desk, CALLS[0]) == MarketWord(0, SPOT, 0, 0, False)


def test_expired_and_not_settled_it_is_valued_as_before(desk: Desk) -> None:
    desk.expire()
    desk.price(FORWARD, {CALLS[0]: 500 * NANO})
    assert word(desk, 256) == MarketWord(FORWARD, SPOT, 0, FULL, True, expired=True)
    assert word(desk, CALLS[0]) == MarketWord(500 * NANO, SPOT, 0, FULL, True, expired=True)


@pytest.mark.parametrize("price", [1, 999 * NANO, 1_500 * NANO, 1_700 * NANO + 1, 2**72 - 1])
def test_settled_it_is_worth_its_payoff_whatever_else_is_known(desk: Desk, price: int) -> None:
    desk.expire(settlement=price)
    desk.pricing.set_forward(1, 7, 0, False)
    desk.env.advance(10**6)
    assert word(desk, 256) == MarketWord(price, price, 0, FULL, True, expired=True, settled=True)
    for call, put, strike in zip(CALLS, PUTS, STRIKES, strict=True):
        for market, is_call in ((call, True), (put, False)):
            mark = market_math.payoff(price, strike, is_call)
            assert word(desk, market) == MarketWord(mark, price, 0, FULL, True, expired=True, settled=True)
    assert desk.instruments.words([265, 511]) == [0, 0]


def test_nothing_settles_before_expiry(desk: Desk) -> None:
    """Whatever the Surface says."""
    desk.pricing.set_settlement(1, SPOT)
    assert word(desk, 256) == MarketWord(FORWARD, SPOT, 0, FULL, True)
    desk.env.advance(EXPIRY - 1 - desk.env.timestamp)
    assert not word(desk, 256).settled


def test_a_price_beyond_its_field_is_refused(desk: Desk) -> None:
    desk.pricing.set_forward(1, 2**72, FULL, True)
    with reverts("instruments: price out of range"):
        desk.instruments.words([256])
    desk.expire(settlement=2**72)
    with reverts("instruments: price out of range"):
        desk.instruments.words([CALLS[0]])


def _options(count: int) -> tuple[Contract, list[int]]:
    env = Env()
    oracle, registry = deploy_instruments(env)
    pricing = env.deploy("MockPricing")
    registry.wire(pricing.address, pricing.address, pricing.address)
    pricing.set_expiry(EXPIRY)
    registry.list_series(terms())
    registry.add_strikes(1, [strike * NANO for strike in range(1_000, 1_064)])
    push(oracle, 1, SPOT)
    markets = list(range(257, 257 + count))
    word = mark_word(5, SPOT, FULL, 2**40 - 1, 500)
    pricing.set_marks(markets, [word] * count)
    return registry, markets


def test_words_of_64_options_are_linear() -> None:
    """The mock's own part, a cold read for each option, is in it."""
    registry, markets = _options(64)
    gas = [registry.view_gas("words", markets[:count]) for count in (16, 32, 64)]
    assert gas[2] - gas[1] <= 2.1 * (gas[1] - gas[0])
    assert gas[2] <= 320_000


def test_words_of_64_settled_options_cost_at_most_130_000_gas() -> None:
    """Beside the mock's own part, a cold read for each option."""
    registry, markets = _options(64)
    pricing = registry.env.at("MockPricing", registry.surface())
    pricing.set_settlement(1, SPOT)
    registry.env.advance(EXPIRY - registry.env.timestamp)
    gas = registry.view_gas("words", markets) - pricing.view_gas("marks", markets)
    assert gas <= 130_000
