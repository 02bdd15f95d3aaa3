# SPDX-License-Identifier: Apache-2.0
"""Options, dated futures and inverse perpetuals in the engines against their integer twin, exactly."""

from __future__ import annotations

import random
from dataclasses import astuple, replace
from functools import cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulation.domain import margin_math
from simulation.domain import standard_options as twin
from simulation.domain.market_math import Kind, future, is_call, kind, option, payoff, series, strike_index
from tests.differential.test_margin_math import CONTINGENCY, RISKS, collaterals, row
from tests.evm import Contract, Env

BPS = 10_000
FULL = 10**8
NANO = 10**9
SIZE = 2**79 - 1
PRICE = 2**72 - 1

USUAL = twin.OptionRisk(1_500, 1_000, 750, 750, 750, 10_500, 12_000, 11_000, 4 * 10**7, 4_000)
LOOSE = twin.OptionRisk(1, 1, 1, 1, 0, 10_000, 10_000, 10_000, 0, 0)
TIGHT = twin.OptionRisk(10_000, 10_000, 10_000, 10_000, 10_000, 65_535, 65_535, 65_535, FULL, 10_000)
INVERSE = margin_math.MarketRisk(500, 300, 20_000, 30_000, 1_000, 2_000)

BOARDS = {
    1: twin.Board(1, 0, 2_000 * NANO, tuple(strike * NANO for strike in range(1_000, 3_000, 100))),
    2: twin.Board(1, 1_990 * NANO, 3, (1, 1_500 * NANO, 2_000 * NANO, 2**71)),
    77: twin.Board(2, 2**79, 2**80 - 1, (1, 2, 3, 2**72 - 2, 2**72 - 1)),
    254: twin.Board(3, 0, 30_000 * NANO, tuple(strike * NANO for strike in range(10_000, 58_000, 750))),
    255: twin.Board(4, 28_000 * NANO, 0, (28_000 * NANO,)),
}
SPOTS = {1: 2_001 * NANO, 2: PRICE, 3: 29_999 * NANO + 1, 4: 28_000 * NANO}
PARAMETERS = twin.Parameters(
    RISKS | {128: INVERSE},
    CONTINGENCY,
    {1: USUAL, 2: TIGHT, 3: LOOSE},
    {1: RISKS[2], 2: RISKS[4]},
)


@cache
def engine(name: str = "CrossMargin") -> Contract:
    env = Env()
    deployed = env.deploy(name, astuple(CONTINGENCY))
    boards = env.deploy("MockRiskBoard")
    deployed.wire(boards)
    for number, board in BOARDS.items():
        boards.set_board(number, board.feed, board.fixed, board.variable, list(board.strikes))
    deployed.set_markets(list(PARAMETERS.markets), [astuple(risk) for risk in PARAMETERS.markets.values()])
    deployed.set_options(list(PARAMETERS.options), [astuple(risk) for risk in PARAMETERS.options.values()])
    deployed.set_futures(list(PARAMETERS.futures), [astuple(risk) for risk in PARAMETERS.futures.values()])
    return deployed


MARKETS = (
    [1, 2, 6, 128, 129, 255]
    + [future(number) for number in BOARDS]
    + [
        option(number, place, call)
        for number, board in BOARDS.items()
        for place in range(len(board.strikes))
        for call in (True, False)
    ]
)

sizes = st.one_of(st.integers(-(10**13), 10**13), st.integers(-SIZE, SIZE), st.just(0))
orders = st.one_of(st.just(0), st.just(0), st.integers(0, 10**13), st.integers(0, SIZE))


@st.composite
def positions(draw: st.DrawFn, market: int) -> margin_math.PositionRisk:
    own = series(market)
    spot = SPOTS[BOARDS[own].feed] if own else draw(st.integers(1, PRICE))
    return margin_math.PositionRisk(
        market,
        draw(sizes),
        draw(st.one_of(st.integers(0, 2 * spot), st.integers(0, PRICE))),
        spot,
        draw(st.one_of(st.just(FULL), st.integers(0, FULL))),
        draw(st.one_of(st.integers(-(10**24), 10**24), st.integers(-(2**159), 2**159))),
        draw(orders),
        draw(orders),
    )


@st.composite
def portfolios(draw: st.DrawFn, most: int = 12) -> margin_math.Portfolio:
    chosen = draw(st.lists(st.sampled_from(MARKETS), max_size=most, unique=True))
    return margin_math.Portfolio(
        draw(st.integers(-(2**127), 2**127 - 1)),
        draw(st.one_of(st.just(NANO), st.integers(0, 2 * NANO))),
        tuple(draw(positions(market)) for market in chosen),
        tuple(draw(st.lists(collaterals(), max_size=2))),
    )


def drawn(rng: random.Random, count: int, orders: bool) -> margin_math.Portfolio:
    """A portfolio of many positions with sensible figures, options mostly."""
    held = []
    for market in rng.sample([market for market in MARKETS if series(market) not in (2, 77)], count):
        own = series(market)
        spot = SPOTS[BOARDS[own].feed] if own else 1_000 * NANO
        mark = spot + rng.randint(-10 * NANO, 10 * NANO)
        if kind(market) is Kind.OPTION:
            intrinsic = payoff(spot, BOARDS[own].strikes[strike_index(market)], is_call(market))
            mark = intrinsic + rng.randint(0, spot // 10)
        bids, asks = (rng.randint(0, 10**12) * rng.randint(0, 1) * orders for _ in range(2))
        confidence = rng.choice([FULL, FULL, rng.randint(0, FULL)])
        size = rng.randint(-(10**12), 10**12)
        unrealised = rng.randint(-(10**24), 10**24)
        held.append(margin_math.PositionRisk(market, size, mark, spot, confidence, unrealised, bids, asks))
    return margin_math.Portfolio(rng.randint(-(10**24), 10**24), rng.choice([NANO, 9 * 10**8]), tuple(held))


def answer(portfolio: margin_math.Portfolio, name: str = "CrossMargin") -> tuple[int, ...]:
    return tuple(engine(name).assess(row(portfolio)))


@given(portfolio=portfolios())
@settings(max_examples=400)
def test_assess(portfolio: margin_math.Portfolio) -> None:
    assessment = answer(portfolio)
    assert assessment == astuple(twin.assess(portfolio, BOARDS, PARAMETERS))
    assert assessment[0] >= assessment[1] >= 0


def test_the_isolated_engine_has_the_same_margin() -> None:
    rng = random.Random(5)
    for _ in range(10):
        portfolio = drawn(rng, 8, True)
        assert answer(portfolio, "IsolatedMargin") == answer(portfolio)


def test_assess_of_full_accounts() -> None:
    rng = random.Random(1)
    for count in (64, 63, 50, 40, 30):
        for orders in (False, True):
            portfolio = drawn(rng, count, orders)
            assert answer(portfolio) == astuple(twin.assess(portfolio, BOARDS, PARAMETERS))


def test_the_largest_portfolios_do_not_overflow() -> None:
    """Every position at the edge of what assess takes, on the board with the largest strikes and forward."""
    edge = {"mark": 2**80 - 1, "spot": 2**80 - 1, "confidence": 0, "bids": 2**81 - 1, "asks": 2**81 - 1}
    markets = [option(77, place, call) for place in range(5) for call in (True, False)]
    for sizes in ((-(2**80),), (2**80 - 1,), (-(2**80), 2**80 - 1)):
        for unrealised in (-(2**199), 2**199 - 1):
            held = tuple(
                margin_math.PositionRisk(
                    market, size=sizes[place % len(sizes)], unrealised=unrealised, **edge
                )
                for place, market in enumerate([*markets * 6, future(77), future(77), 128, 255])
            )
            portfolio = margin_math.Portfolio(-(2**127), 0, held)
            assert answer(portfolio) == astuple(twin.assess(portfolio, BOARDS, PARAMETERS))


@given(portfolio=portfolios())
def test_explained_terms_are_the_twin_s_and_sum_to_the_assessment(portfolio: margin_math.Portfolio) -> None:
    terms = [tuple(term) for term in engine().explain(row(portfolio))]
    assert terms == [astuple(term) for term in twin.explain(portfolio, BOARDS, PARAMETERS)]
    sums = tuple(sum(term[place] for term in terms) for place in (2, 3, 4))
    assert sums == answer(portfolio)[:3]


@given(portfolio=portfolios(), seed=st.integers(0, 2**32))
def test_the_order_of_positions_does_not_matter(portfolio: margin_math.Portfolio, seed: int) -> None:
    shuffled = list(portfolio.positions)
    random.Random(seed).shuffle(shuffled)
    assert answer(replace(portfolio, positions=tuple(shuffled))) == answer(portfolio)


def test_charges_of_options_scale_with_the_portfolio() -> None:
    """Tiers bend the charges of futures and perpetuals; those of options are homogeneous."""
    rng = random.Random(2)
    for _ in range(30):
        whole = drawn(rng, 12, True)
        held = tuple(p for p in whole.positions if kind(p.market) is Kind.OPTION)
        one = replace(whole, positions=held)
        many = replace(
            one,
            positions=tuple(replace(p, size=7 * p.size, bids=7 * p.bids, asks=7 * p.asks) for p in held),
        )
        for place in (0, 1):
            once, seven = answer(one)[place], answer(many)[place]
            assert 7 * once - 7 * 4 * len(held) <= seven <= 7 * once


@given(data=st.data())
def test_long_options_keep_their_mark_and_no_more(data: st.DataObject) -> None:
    """What they can lose is what they are worth."""
    chosen = data.draw(
        st.lists(
            st.sampled_from([market for market in MARKETS if kind(market) is Kind.OPTION]),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    held = []
    for market in chosen:
        drawn_position = data.draw(positions(market))
        held.append(replace(drawn_position, size=abs(drawn_position.size), bids=0, asks=0))
    assessment = answer(margin_math.Portfolio(0, NANO, tuple(held)))
    value = sum(position.size * position.mark for position in held)
    assert assessment[0] <= value
    assert assessment[1] <= value


@given(data=st.data())
def test_bounded_portfolios_keep_at_most_what_they_can_lose(data: st.DataObject) -> None:
    """Where calls are not short on balance the worst payoff bounds the requirement, whatever the price."""
    chosen = data.draw(
        st.lists(
            st.sampled_from([option(1, k, call) for k in range(20) for call in (True, False)]),
            min_size=1,
            max_size=8,
            unique=True,
        )
    )
    held = [replace(data.draw(positions(market)), bids=0, asks=0, confidence=FULL) for market in chosen]
    calls = sum(position.size for position in held if is_call(position.market))
    if calls < 0:
        spare = next(m for m in [option(1, k, True) for k in range(20)] if m not in chosen)
        held.append(replace(data.draw(positions(spare)), size=-calls, bids=0, asks=0, confidence=FULL))
    assume(abs(held[-1].size) < 2**80)
    initial, maintenance, _, _ = answer(margin_math.Portfolio(0, NANO, tuple(held)))
    value = sum(position.size * position.mark for position in held)
    prices = [0, *BOARDS[1].strikes]
    worst = min(
        sum(
            p.size * payoff(price, BOARDS[1].strikes[strike_index(p.market)], is_call(p.market)) for p in held
        )
        for price in prices
    )
    assert maintenance <= initial <= max(0, value - min(0, worst))


@given(data=st.data())
@settings(max_examples=200)
def test_initial_margin_covers_every_way_in_which_orders_may_fill(data: st.DataObject) -> None:
    """At mark a fill moves cash and unrealised alike, so equity stays: the requirement may not outgrow it."""
    portfolio = data.draw(portfolios(most=5))
    before = answer(portfolio)
    filled = []
    for position in portfolio.positions:
        bought = data.draw(st.sampled_from([0, position.bids, position.bids // 3]))
        sold = data.draw(st.sampled_from([0, position.asks, position.asks // 2]))
        filled.append(
            replace(
                position,
                size=position.size + bought - sold,
                bids=position.bids - bought,
                asks=position.asks - sold,
            )
        )
    after = answer(replace(portfolio, positions=tuple(filled)))
    # Every position rounds up by itself once.
    assert after[0] <= before[0] + 3 * len(filled)
