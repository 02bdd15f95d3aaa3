# SPDX-License-Identifier: Apache-2.0
"""Options, futures and inverse perpetuals in both engines, case by case."""

from __future__ import annotations

import pytest

from simulation.domain.market_math import future
from tests.evm import Contract, Env, reverts
from tests.unit.engines.option_markets import OPTION_RISK, STRIKES, add_boards, leg
from tests.unit.engines.portfolios import BPS, NANO, RISK, WAD, portfolio, position

USD = WAD
CALL, PUT = True, False


@pytest.fixture
def boards(engine: Contract) -> Contract:
    return add_boards(engine)


def margins(engine: Contract, *legs: tuple[int, ...], **more: int) -> tuple[int, int]:
    """Initial and maintenance margin in USD, exact to a tenth of a cent."""
    assessment = engine.assess(portfolio(*legs, **more))
    assert assessment.initial_margin % (USD // 1_000) == assessment.maintenance_margin % (USD // 1_000) == 0
    return assessment.initial_margin / USD, assessment.maintenance_margin / USD


def box(size: int) -> list[tuple[int, ...]]:
    """Long the calls of 1,000 and the puts of 2,000, short the others."""
    return [
        leg(size, 1_000, CALL, 1_000),
        leg(-size, 1_000, PUT, 1),
        leg(-size, 2_000, CALL, 80),
        leg(size, 2_000, PUT, 80),
    ]


@pytest.mark.usefixtures("boards")
@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        # a long option secures nothing but itself
        ([leg(1, 2_000, CALL, 80)], (80, 80)),
        ([leg(3, 1_500, PUT, 7)], (21, 21)),
        # short calls: 15 % of spot less what is out of the money, at least 10 %; 7.5 %
        ([leg(-1, 2_000, CALL, 80)], (300, 150)),
        ([leg(-1, 2_100, CALL, 40)], (200, 150)),
        ([leg(-2, 1_500, CALL, 500)], (600, 300)),
        # short puts: the same, or 1.05 times maintenance margin with the mark; 7.5 % of spot or of the mark
        ([leg(-1, 2_000, PUT, 80)], (300, 150)),
        ([leg(-1, 1_900, PUT, 40)], (200, 150)),
        ([leg(-1, 2_900, PUT, 900)], (300, 150)),
        ([leg(-1, 2_900, PUT, 1_900, spot=1_000 * NANO)], (244.625, 142.5)),
        # spreads lose at most the distance of their strikes
        ([leg(-1, 2_000, CALL, 80), leg(1, 2_100, CALL, 40)], (60, 60)),
        ([leg(1, 2_000, CALL, 80), leg(-1, 2_100, CALL, 40)], (40, 40)),
        ([leg(-1, 2_000, PUT, 80), leg(1, 1_900, PUT, 40)], (60, 60)),
        # a long box is sure of its difference, yet nothing above zero is credited; a short one owes it
        (box(1), (999, 999)),
        (box(-1), (1, 1)),
        # another series offsets nothing
        ([leg(-1, 2_000, CALL, 80), leg(1, 2_100, CALL, 40, series=2)], (340, 190)),
        # calls short on balance: 1.2 and 1.1 times the forward for each, so the isolated charge is smaller
        ([leg(-2, 2_000, CALL, 80), leg(1, 2_100, CALL, 40)], (640, 340)),
    ],
)  # fmt: skip
def test_options(engine: Contract, legs: list[tuple[int, ...]], expected: tuple[float, float]) -> None:
    assert margins(engine, *legs) == expected
    assert margins(engine, *reversed(legs)) == expected


def test_a_call_that_nothing_covers_is_charged_by_the_forward_where_that_is_less(
    engine: Contract, boards: Contract
) -> None:
    boards.set_board(1, 1, 0, 100 * NANO, [strike * NANO for strike in STRIKES])
    # worst payoff on the strikes held: none; 1.2 and 1.1 times the forward of 100, less the mark
    assert margins(engine, leg(-1, 2_900, CALL, 10)) == (110, 100)


@pytest.mark.usefixtures("boards")
def test_resting_orders_in_options(engine: Contract) -> None:
    # nothing held: the worse of all bids, which pay 80 each, and all asks
    assert margins(engine, leg(0, 2_000, CALL, 80, bids=3 * NANO, asks=NANO)) == (300, 0)
    assert margins(engine, leg(0, 2_000, CALL, 80, bids=5 * NANO, asks=NANO)) == (400, 0)
    # a spread with an order that takes its cover away counts as if it had filled
    short, cover = leg(-1, 2_000, CALL, 80), leg(1, 2_100, CALL, 40, asks=NANO)
    assert margins(engine, short, cover) == (340, 60)
    # a bid that would cover counts for what it costs only
    assert margins(engine, short, leg(0, 2_100, CALL, 40, bids=NANO)) == (340, 150)


@pytest.mark.usefixtures("boards")
def test_low_confidence_and_a_depeg_charge_short_options(engine: Contract) -> None:
    unsure = [leg(-1, 2_000, CALL, 80, confidence=10**7), leg(2, 1_000, PUT, 1)]
    assert margins(engine, *unsure) == (302 + 720, 152)
    assert margins(engine, *unsure, stable=880_000_000) == (302 + 720 + 240, 152)
    assert margins(engine, leg(2, 1_000, PUT, 1, confidence=0), stable=0) == (2, 2)


@pytest.mark.usefixtures("boards")
def test_futures_pay_by_tiers_and_offset_no_option(engine: Contract) -> None:
    long_future = position(NANO, 2_010 * NANO, market=future(1), spot=2_000 * NANO)
    assert margins(engine, long_future) == (130.65, 100.5)
    short_call = leg(-1, 2_000, CALL, 80)
    assert margins(engine, long_future, short_call) == (430.65, 250.5)
    large = position(-1_000 * NANO, 2_000 * NANO, market=future(1), asks=1_500 * NANO)
    assert margins(engine, large) == ((1_000_000 + 1.5 * 4_000_000) * 0.065, 2_500_000 * 0.05)
    unsure = position(NANO, 2_010 * NANO, market=future(2), spot=2_000 * NANO, confidence=0)
    assert margins(engine, unsure, stable=980_000_000 - 10**8) == (130.65 + 800 + 240, 100.5)


def test_inverse_perpetuals_pay_by_their_contracts_or_the_coins_behind_them(engine: Contract) -> None:
    engine.set_markets([200], [RISK])

    def inverse(size: int, unrealised: int, **orders: int) -> tuple[int, ...]:
        return position(size * NANO, 2_000 * NANO, market=200, unrealised=unrealised * USD, **orders)

    assert margins(engine, inverse(10_000, 0)) == (650, 500)
    assert margins(engine, inverse(-10_000, 4_000)) == (650, 500)
    assert margins(engine, inverse(-10_000, -4_000)) == (910, 700)
    assert margins(engine, inverse(10_000, 4_000)) == (910, 700)
    assert margins(engine, inverse(0, -4_000)) == (260, 200)
    assert margins(engine, inverse(-10_000, 4_000, bids=30_000 * NANO)) == (24_000 * 0.065, 500)
    assert margins(engine, position(NANO, market=201)) == (1, 1)


@pytest.mark.usefixtures("boards")
def test_an_underlying_without_parameters_is_charged_in_full(engine: Contract) -> None:
    assert margins(engine, leg(-1, 2_900, CALL, 1, series=3)) == (1_999, 1_999)
    assert margins(engine, leg(-1, 2_100, PUT, 100, series=3)) == (2_000, 2_000)
    assert margins(engine, position(NANO, market=future(3))) == (2_000, 2_000)


@pytest.mark.usefixtures("boards")
def test_the_terms_of_a_mixed_portfolio_in_order(engine: Contract) -> None:
    question = portfolio(
        leg(-1, 2_000, CALL, 80, confidence=0, unrealised=5),
        position(-2 * NANO, market=5),
        position(NANO, market=future(1), unrealised=7),
        leg(1, 2_100, CALL, 40, unrealised=-3),
        cash=11,
        stable=880_000_000,
    )
    options = future(1)
    assert [tuple(term) for term in engine.explain(question)] == [
        ("cash", 0, 0, 0, 11),
        ("position", 5, 260 * USD, 200 * USD, 0),
        ("depeg", 5, 480 * USD, 0, 0),
        ("position", options, 130 * USD, 100 * USD, 7),
        ("depeg", options, 240 * USD, 0, 0),
        ("options", options, 60 * USD, 60 * USD, 2),
        ("confidence", options, 800 * USD, 0, 0),
        ("depeg", options, 240 * USD, 0, 0),
    ]
    assert tuple(engine.assess(question)) == (2_210 * USD, 360 * USD, 20, 0)


def test_without_a_board_there_is_no_answer(engine: Contract) -> None:
    with reverts("standard_options: no board"):
        engine.assess(portfolio(leg(1, 2_000, CALL, 80)))
    boards = add_boards(engine)
    with reverts("standard_options: no board"):
        engine.assess(portfolio(leg(1, 2_000, CALL, 80, series=4)))
    boards.set_board(1, 1, 0, 2_000 * NANO, [1_000 * NANO])
    engine.assess(portfolio(leg(1, 1_000, CALL, 80)))
    with reverts("standard_options: no such strike"):
        engine.assess(portfolio(leg(1, 1_100, CALL, 80)))


@pytest.mark.usefixtures("boards")
def test_gas_is_linear_in_the_options(engine: Contract, env: Env) -> None:
    """64 options over 8 series; half as many; all in one series; with orders in each."""

    def gas(count: int, series: int, orders: int = 0) -> int:
        places = [(1 + n % series, n // series) for n in range(count)]
        held = [
            leg((-1) ** n, STRIKES[k % 20], k < 20, 80, series=own, bids=orders, asks=orders)
            for n, (own, k) in enumerate(places)
        ]
        assert len({row[0] for row in held}) == count
        return engine.view_gas("assess", portfolio(*held))

    strikes = [strike * NANO for strike in STRIKES]
    board = env.at("MockRiskBoard", engine.risk_board())
    for series in range(1, 9):
        board.set_board(series, 1, 0, 2_000 * NANO, strikes)
    assert gas(64, 8) <= 310_000
    assert gas(64, 8, NANO) <= 370_000
    spread, packed = gas(32, 8), gas(40, 1)
    assert gas(64, 8) - spread <= 1.05 * (spread - gas(8, 8)) * 32 / 24
    assert packed - gas(20, 1) <= 1.1 * (gas(20, 1) - gas(1, 1)) * 20 / 19


def test_parameters_of_the_published_cases_are_in_use() -> None:
    assert OPTION_RISK[:8] == (0.15 * BPS, 0.1 * BPS, 750, 750, 750, 1.05 * BPS, 1.2 * BPS, 1.1 * BPS)
