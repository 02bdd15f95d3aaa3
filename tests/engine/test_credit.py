# SPDX-License-Identifier: Apache-2.0
"""The desk's books from events by hand, every way in which they may differ, and what agents are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.domain import credit_math
from simulation.domain.margin_math import Assessment
from simulation.engine.credit import DeskMirror, RawDesk, RawLine, credit_view, reconcile_desk
from simulation.engine.terms import CreditTerms
from simulation.errors import ReconciliationError
from simulation.messages import DEFAULTED, NOTICE, QUIET, CreditRules, CreditView, EventColumns
from tests.engine.books import ADDRESSES, PROTOCOL, events, owner

DESK = ADDRESSES["CreditDesk"]
UNIT = 10**6
LENDERS = (owner(1), owner(2))


def desk(name: str, log: int, **fields: Any) -> EventColumns:
    return events("CreditDesk", name, [fields], log)


def lent(log: int, tranche: int, receiver: bytes, amount: int) -> EventColumns:
    fields = {"tranche": tranche, "sender": receiver, "receiver": receiver, "amount": amount}
    return desk("Deposited", log, **fields, shares=amount * UNIT)


HISTORY = [
    events("Vault", "DelegateSet", [{"account": 3, "delegate": DESK, "allowed": True}]),
    events("Vault", "DelegateSet", [{"account": 4, "delegate": owner(9), "allowed": True}], 1),
    lent(2, 1, LENDERS[0], 1_000),
    lent(3, 2, LENDERS[1], 3_000),
    desk("LineGranted", 4, account=3, granted=2_000, committed=2_000, term=9_000),
    desk("IncomePaid", 5, account=3, junior=40, senior=60),
    desk("LineCalled", 6, account=3, stage=NOTICE, use=5, limit=4, deadline=7_000),
    desk("LineReviewed", 7, account=3, use=5, limit=4, committed=2_000, owed=0),
]
LINE = RawLine(granted=2_000, committed=2_000, term=9_000, stage=NOTICE)
RAW = RawDesk(
    assets=(1_040, 3_060),
    supply=(1_000 * UNIT, 3_000 * UNIT),
    redeemable=(0, 0),
    committed=2_000,
    open_calls=1,
    balance=4_100,
    lines={3: LINE, 4: RawLine()},
)
LOSS = desk("LossBorne", 1, account=3, junior=1_040, senior=460, committed=500)
WIPED = desk("TrancheWiped", 0, tranche=1, series=1)


def mirror(*more: list[EventColumns]) -> DeskMirror:
    found = DeskMirror(DESK)
    for block in (HISTORY, *more):
        found.apply(block)
    return found


def check(found: DeskMirror, raw: RawDesk, tokens: int = 4_100) -> None:
    def number(what: str, expected: object, seen: object) -> None:
        if expected != seen:
            raise ReconciliationError(f"{what}: expected {expected}, found {seen}")

    reconcile_desk(number, found, raw, tokens)


def test_the_books_are_those_of_the_events() -> None:
    found = mirror()
    check(found, RAW)
    assert found.consents == {3}


def test_logs_count_in_their_order_whatever_the_order_of_their_columns() -> None:
    found = DeskMirror(DESK)
    found.apply(HISTORY[::-1])
    check(found, RAW)


def test_a_loss_wipes_the_junior_tranche_first_and_its_shares_are_void() -> None:
    found = mirror([WIPED, LOSS])
    line = replace(LINE, committed=500)
    raw = replace(RAW, assets=(0, 2_600), supply=(0, 3_000 * UNIT), committed=500, balance=2_600)
    check(found, replace(raw, lines={3: line, 4: RawLine()}), 2_600)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"assets": (1_041, 3_060)}, "junior tranche: assets"),
        ({"supply": (1_000 * UNIT, 1)}, "senior tranche: shares"),
        ({"balance": 4_101}, "credit desk: tokens"),
        ({"committed": 1_999}, "credit desk: commitments"),
        ({"open_calls": 0}, "credit desk: open calls"),
        ({"lines": {3: replace(LINE, granted=1)}}, "account 3: credit line: granted"),
        ({"lines": {3: replace(LINE, committed=1)}}, "account 3: credit line: commitment"),
        ({"lines": {3: replace(LINE, term=1)}}, "account 3: credit line: term"),
        ({"lines": {3: replace(LINE, stage=QUIET)}}, "account 3: credit line: stage"),
        ({"lines": {4: LINE}}, "account 4: credit line: granted"),
    ],
)
def test_every_figure_of_the_desk_is_compared(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconciliationError, match=message):
        check(mirror(), replace(RAW, **change))


def test_a_line_that_is_ended_after_it_has_closed_leaves_nothing() -> None:
    ends = [
        desk("LineClosed", 0, account=3),
        desk("LineGranted", 1, account=3, granted=0, committed=0, term=8_000),
    ]
    check(mirror(ends), replace(RAW, committed=0, open_calls=0, lines={3: RawLine()}))


def test_a_senior_loss_before_the_junior_tranche_is_empty_is_a_break() -> None:
    found = mirror([desk("LossBorne", 0, account=3, junior=1_000, senior=100, committed=900)])
    raw = replace(RAW, assets=(40, 2_960), committed=900, balance=3_000)
    with pytest.raises(ReconciliationError, match="account 3: the senior tranche lost 100"):
        check(found, replace(raw, lines={3: replace(LINE, committed=900)}), 3_000)


def test_the_fund_that_pays_before_the_line_is_a_break() -> None:
    drawn = events("Liquidator", "InsuranceDrawn", [{"account": 3, "amount": 5, "fund_left": 0}])
    with pytest.raises(
        ReconciliationError, match="account 3: the insurance fund paid while its line held 2000"
    ):
        check(mirror([drawn]), RAW)
    other = events("Liquidator", "InsuranceDrawn", [{"account": 4, "amount": 5, "fund_left": 0}])
    check(mirror([other]), RAW)


RULES = CreditRules(share=0.5, multiple=2.0)
TERMS = replace(PROTOCOL, credit=CreditTerms((3, 4), RULES))


def view(equity: float, margin: float, line: RawLine, now: int = 1_000) -> CreditView:
    """Of four accounts, the third with a line."""
    raw = replace(RAW, lines={3: line, 4: RawLine()})
    rows = {address: [place] for place, address in enumerate((*LENDERS, owner(3), owner(4)))}
    full = np.array([0.0, 0.0, equity, 10.0]), np.array([0.0, 0.0, margin, 4.0])
    return credit_view(TERMS, mirror(), raw, rows, *full, np.zeros(4, np.bool_), now)


FIGURES = st.integers(0, 10**9)


@given(margin=FIGURES, equity=st.integers(-(10**8), 10**9), line=st.integers(1, 10**9))
def test_risk_use_and_limit_are_found_again_from_what_the_engine_answers(
    margin: int, equity: int, line: int
) -> None:
    wad = 10**18
    base = Assessment(margin * wad, margin * wad, equity * wad, 0)
    answer = credit_math.assess(base, credit_math.Line(line * wad), 5_000, 20_000).initial_margin / wad
    raw = RawLine(granted=line * UNIT, committed=line * UNIT, term=9_000, stage=QUIET, paid=1)
    found = view(equity, answer, raw)
    near = 1e-6 * (1 + margin)
    assert found.risk[2] == pytest.approx(margin, abs=near)
    assert found.use[2] == pytest.approx(credit_math.use(margin, equity), abs=near)
    cap = credit_math.cap_down(margin * wad, equity * wad, 5_000, 20_000) / wad
    assert found.limit[2] == pytest.approx(min(line, cap), abs=near)
    assert found.purse[2] == pytest.approx(min(line, 2 * max(equity, 0)), abs=near)


@pytest.mark.parametrize(
    ("change", "now"),
    [
        ({"stage": DEFAULTED}, 1_000),
        ({}, 9_000),
        ({"paid": 1_000 - RULES.fee_period}, 1_000),
        ({"granted": 0}, 1_000),
    ],
)
def test_a_line_in_default_over_unpaid_or_ended_has_no_limit(change: dict[str, int], now: int) -> None:
    line = RawLine(granted=100 * UNIT, committed=100 * UNIT, term=9_000, stage=QUIET, paid=now)
    assert view(50.0, 50.0, line).limit[2] == pytest.approx(50.0)
    found = view(50.0, 50.0, replace(line, **change), now)
    assert found.limit[2] == found.purse[2] == 0.0


def test_lenders_and_yields() -> None:
    line = RawLine(granted=2_000, committed=2_000, term=9_000, stage=QUIET, paid=1_000)
    found = view(0.001, 0.0005, line)
    assert found.assets == pytest.approx((0.00104, 0.00306))
    assert found.lent_value.tolist() == pytest.approx([0.00104, 0.00306, 0.0, 0.0])
    assert found.consents.tolist() == [False, False, True, False]
    # 0.002 USD kept ready at 1 % a year, none used, 40 % of it to the junior tranche.
    assert found.yields == pytest.approx((0.4 * 2e-5 / 0.00104, 0.6 * 2e-5 / 0.00306))
