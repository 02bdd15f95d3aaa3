# SPDX-License-Identifier: Apache-2.0
"""Lenders, underwriter, reviews and borrowers over worlds made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulation.agents import (
    Lenders,
    LenderSettings,
    NoiseSettings,
    NoiseTraders,
    OperatorSettings,
    ProtocolOperator,
    Underwriter,
    UnderwriterSettings,
)
from simulation.config import stream
from simulation.messages import (
    DEFAULTED,
    HALF_TIME,
    JUNIOR,
    NOTICE,
    QUIET,
    SENIOR,
    CreditRules,
    CreditView,
    DeclareDefault,
    DeskDeposit,
    DeskRedeem,
    GrantLine,
    PlaceOrder,
    Receipt,
    ReviewLine,
    Status,
    View,
)
from tests.agents import views

RNG = stream(1, "credit")
COUNT = 6
NOW = 1_000_000


def desk(**changes: Any) -> CreditView:
    """100,000 USD junior, 300,000 senior, no lines; every account consents."""
    zero, whole = np.zeros(COUNT), np.zeros(COUNT, np.int64)
    columns: dict[str, Any] = {
        "lent": np.zeros((COUNT, 2)),
        "consents": np.ones(COUNT, np.bool_),
        "granted": zero,
        "commitment": zero,
        "stage": whole,
        "called": whole,
        "accrued": np.full(COUNT, NOW - 10),
        "term": np.full(COUNT, NOW + 10**7),
        "risk": zero,
        "use": zero,
        "limit": zero,
        "purse": zero,
    }
    scalars: dict[str, Any] = {
        "rules": CreditRules(),
        "assets": (100_000.0, 300_000.0),
        "shares": (100_000.0, 300_000.0),
        "redeemable": (100_000.0, 300_000.0),
        "committed": 0.0,
        "open_calls": 0,
        "share_decimals": 12,
    }
    for name in columns:
        columns[name] = np.asarray(changes.pop(name, columns[name]))
    return CreditView(**{**scalars, **changes}, **columns)


def world(found: CreditView, **changes: Any) -> View:
    return replace(views.view(**changes), credit=found)


def one(row: int, value: float) -> np.ndarray:
    column = np.zeros(COUNT)
    column[row] = value
    return column


def grants(found: CreditView, settings: UnderwriterSettings | None = None, **changes: Any) -> dict[int, int]:
    agent = Underwriter("underwriter", np.array([1]), settings, RNG)
    state = views.accounts(**changes)
    intents = agent.decide(world(found, accounts=state), RNG)
    assert all(isinstance(intent, GrantLine) for intent in intents)
    return {intent.target: intent.amount for intent in intents if isinstance(intent, GrantLine)}


def test_a_line_is_half_of_equity_without_risk_and_nothing_where_risk_is_high() -> None:
    risk = np.array([0.0, 6_000.0, 11_000.0, 16_000.0, 20_000.0, 0.0])
    consents = np.array([True] * 5 + [False])
    found = grants(desk(risk=risk, consents=consents))
    unit = 10**6
    # 10,000 USD of equity each; in full up to 60 % of it, nothing from 160 % on.
    assert found == {1: 5_000 * unit, 2: 5_000 * unit, 3: pytest.approx(2_500 * unit)}


def test_lines_fall_with_risk_and_end() -> None:
    line = np.full(COUNT, 5_000.0)
    risk = np.array([0.0, 11_000.0, 20_000.0, 0.0, 0.0, 0.0])
    found = desk(granted=line, commitment=line, committed=30_000.0, stage=np.full(COUNT, QUIET), risk=risk)
    assert grants(found) == {2: pytest.approx(2_500 * 10**6), 3: 0}


def test_a_called_line_is_left_to_its_clock() -> None:
    line, stage = np.full(COUNT, 5_000.0), np.full(COUNT, NOTICE)
    found = desk(
        granted=line, commitment=line, committed=30_000.0, stage=stage, risk=np.full(COUNT, 20_000.0)
    )
    assert grants(found) == {}


def test_all_lines_stay_within_what_junior_lenders_bear() -> None:
    # A quarter of all commitments junior: 4,000 USD carry 16,000, six lines would be 30,000.
    small = {"assets": (4_000.0, 300_000.0)}
    assert grants(desk(**small)) == dict.fromkeys((1, 2, 3), 5_000 * 10**6)
    risk = np.array([3.0, 2.0, 1.0, 0.0, 0.0, 0.0])
    assert set(grants(desk(**small, risk=risk))) == {4, 5, 6}
    held = one(0, 5_000.0)
    keeps = desk(**small, risk=risk, granted=held, commitment=held, committed=5_000.0, stage=one(0, QUIET))
    assert set(grants(keeps)) == {4, 5}
    assert grants(desk(**small, committed=16_000.0)) == {}


def test_no_line_binds_more_than_its_part_of_assets() -> None:
    settings = UnderwriterSettings(largest=0.01)
    found = grants(desk(), settings, equity=[1e6] + [0.0] * 5)
    assert found == {1: 4_000 * 10**6}


def test_a_line_is_renewed_before_its_term() -> None:
    line = np.full(COUNT, 5_000.0)
    held = {"granted": line, "commitment": line, "committed": 30_000.0, "stage": np.full(COUNT, QUIET)}
    settings = UnderwriterSettings(term=40_000)
    assert grants(desk(**held, term=np.full(COUNT, NOW + 20_000)), settings) == {}
    assert len(grants(desk(**held, term=np.full(COUNT, NOW + 9_000)), settings)) == COUNT


def test_a_round_goes_on_in_the_next_block_and_the_next_waits() -> None:
    agent = Underwriter("underwriter", np.array([1]), UnderwriterSettings(grants=4), RNG)
    first = agent.decide(world(desk()), RNG)
    second = agent.decide(world(desk()), RNG)
    assert [intent.target for intent in (*first, *second) if isinstance(intent, GrantLine)] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    assert agent.decide(world(desk(), timestamp=NOW + 60), RNG) == []
    agent.on_receipt(Receipt(first[0], Status.SUCCESS, 10, 1, 1, ""), RNG)
    later = agent.decide(world(desk(), timestamp=NOW + 1_800), RNG)
    assert [intent.target for intent in later if isinstance(intent, GrantLine)] == [1]


def steps(found: CreditView, **settings: Any) -> list[tuple[str, int]]:
    agent = ProtocolOperator("operator", np.array([1]), OperatorSettings(**settings), RNG)
    intents = agent.decide(world(found, timestamp=NOW), RNG)
    return [
        (type(intent).__name__, intent.target)
        for intent in intents
        if isinstance(intent, ReviewLine | DeclareDefault)
    ]


REVIEW, DEFAULT = "ReviewLine", "DeclareDefault"
GRACE = CreditRules().grace


@pytest.mark.parametrize(
    ("stage", "called", "use", "changes", "expected"),
    [
        (QUIET, 0, 90.0, {}, []),
        (QUIET, 0, 110.0, {}, [REVIEW]),
        (QUIET, 0, 90.0, {"granted": one(2, 50.0)}, [REVIEW]),
        (QUIET, 0, 90.0, {"accrued": np.full(COUNT, NOW - 50_000)}, [REVIEW]),
        (NOTICE, NOW - 60, 110.0, {}, []),
        (NOTICE, NOW - 60, 90.0, {}, [REVIEW]),
        (NOTICE, NOW - GRACE // 2, 110.0, {}, [REVIEW]),
        (HALF_TIME, NOW - GRACE // 2, 110.0, {}, []),
        (HALF_TIME, NOW - GRACE, 110.0, {}, [DEFAULT]),
        (NOTICE, NOW - GRACE, 110.0, {}, [DEFAULT]),
        (NOTICE, NOW - GRACE, 90.0, {}, [REVIEW]),
        (DEFAULTED, NOW - GRACE, 1.0, {}, []),
        (DEFAULTED, NOW - GRACE, 0.0, {}, [REVIEW]),
    ],
)
def test_reviews_and_defaults_when_they_are_due(
    stage: int, called: int, use: float, changes: dict[str, Any], expected: list[str]
) -> None:
    columns = {
        "granted": one(2, 100.0),
        "commitment": one(2, 100.0),
        "stage": one(2, stage).astype(np.int64),
        "called": one(2, called).astype(np.int64),
        "use": one(2, use),
        "limit": one(2, 100.0),
    }
    assert steps(desk(**{**columns, **changes})) == [(name, 3) for name in expected]


def test_defaults_come_first_and_one_block_has_its_limit() -> None:
    everywhere = {
        "granted": np.full(COUNT, 9.0),
        "commitment": np.full(COUNT, 9.0),
        "use": np.full(COUNT, 10.0),
    }
    stage = np.array([QUIET, QUIET, NOTICE, QUIET, QUIET, QUIET])
    found = desk(**everywhere, stage=stage, called=one(2, NOW - GRACE).astype(np.int64))
    assert steps(found, lines=2) == [(DEFAULT, 3), (REVIEW, 1)]
    assert steps(found, lines=0) == []


def lenders(**settings: Any) -> Lenders:
    return Lenders("lenders", np.arange(1, 7), LenderSettings(**settings), stream(2, "lenders"))


def test_lenders_start_in_their_tranches() -> None:
    agent = lenders(junior=0.5, lent=0.8)
    gifts = agent.endowments()
    assert sum(gift.junior > 0 for gift in gifts) == sum(gift.senior > 0 for gift in gifts) == 3
    for gift, capital in zip(gifts, agent.capital.tolist(), strict=True):
        assert gift.junior + gift.senior == pytest.approx(0.8 * capital)
        assert gift.wallet == pytest.approx(0.2 * capital)


def test_lenders_leave_after_a_loss_as_far_as_the_desk_lets_them() -> None:
    agent = lenders(junior=1.0, interval=10**9)
    lent = np.column_stack((np.full(COUNT, 1_000.0), np.zeros(COUNT)))
    assert agent.decide(world(desk(lent=lent)), RNG) == []
    lost = desk(lent=lent, assets=(50_000.0, 300_000.0), redeemable=(400.0, 0.0))
    leaving = agent.decide(world(lost), RNG)
    assert [type(intent) for intent in leaving] == [DeskRedeem] * COUNT
    for intent in leaving:
        assert isinstance(intent, DeskRedeem) and intent.tranche == JUNIOR
        # Worth half a dollar each: 400 USD are 800 shares, and a little stays.
        assert intent.shares == pytest.approx(0.999 * 800 * 10**12)
    assert agent.measure()["frightened"] == COUNT
    closed = desk(lent=lent, assets=(50_000.0, 300_000.0), redeemable=(0.0, 0.0))
    assert agent.decide(world(closed), RNG) == []


def test_lenders_add_while_it_pays_and_take_out_while_it_does_not() -> None:
    lent = np.column_stack((np.zeros(COUNT), np.full(COUNT, 1_000.0)))
    line = np.full(COUNT, 50_000.0)
    pays = desk(lent=lent, commitment=line, granted=line, use=line, stage=np.full(COUNT, QUIET))
    # 300,000 USD at 8 %, 60 % of it to 300,000 USD of senior assets.
    assert pays.yields[1] == pytest.approx(0.048)
    adding = lenders(junior=0.0, interval=1).decide(world(pays), RNG)
    assert {type(intent) for intent in adding} == {DeskDeposit}
    assert {(i.tranche, i.amount) for i in adding if isinstance(i, DeskDeposit)} == {(SENIOR, 1_250 * 10**6)}
    leaving = lenders(junior=0.0, interval=1).decide(world(desk(lent=lent)), RNG)
    assert {type(intent) for intent in leaving} == {DeskRedeem}


def trader(**settings: Any) -> NoiseTraders:
    plan = NoiseSettings(interval=1, passive=0.0, closes=0.0, **settings)
    return NoiseTraders("noise", np.arange(1, 7), plan, stream(3, "noise"))


def sizes(purse: float, **settings: Any) -> float:
    found = desk(purse=np.full(COUNT, purse))
    orders = trader(**settings).decide(world(found), stream(4, "d"))
    return float(sum(order.lots for order in orders if isinstance(order, PlaceOrder)))


def test_a_borrower_sizes_its_position_by_its_line_too() -> None:
    alone, leaning = sizes(0.0), sizes(10_000.0)
    assert leaning == pytest.approx(2 * alone, rel=0.01)
    assert sizes(10_000.0, line_use=0.0) == pytest.approx(alone, rel=0.01)
    assert sizes(10_000.0, line_use=0.5) == pytest.approx(1.5 * alone, rel=0.01)


@pytest.mark.parametrize("answers", [True, False])
def test_a_called_borrower_answers_or_does_not(answers: bool) -> None:
    plan = NoiseSettings(interval=10**9, watch=10**9, reduces=0.0, answers=float(answers))
    agent = NoiseTraders("noise", np.arange(1, 7), plan, stream(3, "noise"))
    state = views.accounts(equity=np.full(COUNT, 900.0), initial_margin=np.full(COUNT, 1_000.0))
    assert agent.decide(world(desk(), accounts=state), RNG) == []
    called = desk(called=np.full(COUNT, NOW - 5), stage=np.full(COUNT, NOTICE))
    assert bool(agent.decide(world(called, accounts=state), RNG)) is answers


def test_without_a_desk_nobody_does_anything() -> None:
    plain = views.view()
    assert lenders(interval=1).decide(plain, RNG) == []
    assert Underwriter("underwriter", np.array([1]), None, RNG).decide(plain, RNG) == []
