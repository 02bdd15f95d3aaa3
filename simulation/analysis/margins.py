# SPDX-License-Identifier: Apache-2.0
"""Every margin system's answer about a portfolio; isolated margin is put together from accounts of their own.

Imports: analysis.stage; domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from eth_hash.auto import keccak

from simulation.analysis.contracts import Answer, Query
from simulation.analysis.stage import Stage
from simulation.config.scenario import ENGINES
from simulation.domain.fixed_point import div_floor
from simulation.domain.margin_math import Assessment, CollateralRisk, PositionRisk, Term
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.market_math import series
from simulation.domain.units import FULL_CONFIDENCE

__all__ = ["ISOLATED", "Answers", "assess", "explain", "headroom", "isolated_shares", "silos"]

ISOLATED = "isolated"
CREDIT = "credit"
POSITION = "(uint256,int256,uint256,uint256,uint256,int256,uint256,uint256)"
COLLATERAL = "(uint256,uint256,uint256,uint256,uint256)"
SELECTORS = {
    name: keccak(f"{name}((int256,uint256,{POSITION}[],{COLLATERAL}[]))".encode())[:4]
    for name in ("assess", "explain")
}
"""Of IMarginEngine, the same in every engine."""
POSITION_WORDS = 8
LINE_ASSET = 9
"""ICreditMargin: the line is the portfolio's last collateral, under this number."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one system said."""

    assessment: Assessment | None
    """None where the contract reverted."""
    reason: str = ""
    """Why it did."""


def silos(holdings: Holdings) -> list[Holdings]:
    """What isolated accounts would hold: each perpetual, each series; without cash and collateral."""
    parts: dict[int, list[int]] = {}
    for place, position in enumerate(holdings.positions):
        parts.setdefault(series(position.market) << 8 or position.market, []).append(place)
    return [
        Holdings(0, holdings.stable_price, tuple(holdings.positions[place] for place in places))
        for places in parts.values()
    ]


def assess(
    stage: Stage, portfolios: Sequence[Holdings], systems: Sequence[str] = tuple(ENGINES)
) -> list[dict[str, Answers]]:
    """Initial margin, maintenance margin and equity of each portfolio under each system."""
    plans = [(name, _parts(stage, name, holdings)) for holdings in portfolios for name in systems]
    queries = [_query(stage, name, "assess", part) for name, parts in plans for part in parts]
    # A hedge asks for many portfolios that differ in one market: parts that are the same are asked for once.
    asked = {(query.address, query.data): query for query in queries}
    found = dict(zip(asked, stage.contracts.ask_raw(list(asked.values())), strict=True))
    answers = iter([found[query.address, query.data] for query in queries])
    results = [(name, _sum([next(answers) for _ in parts])) for name, parts in plans]
    width = len(systems)
    return [dict(results[start : start + width]) for start in range(0, len(results), width)]


def explain(stage: Stage, holdings: Holdings, name: str) -> tuple[tuple[Term, ...], str]:
    """The terms of one system's margin, and why there are none. They add up to `assess` exactly."""
    parts = _parts(stage, name, holdings)
    answers = stage.contracts.ask([_query(stage, name, "explain", part) for part in parts])
    reason = next((answer.reason for answer in answers if answer.reason), "")
    if reason:
        return (), reason
    terms = (Term(*row) for answer in answers for row in answer.value)
    return tuple(
        term for term in terms if any((term.initial_margin, term.maintenance_margin, term.equity))
    ), ""


def isolated_shares(stage: Stage, holdings: Holdings) -> list[int]:
    """Initial margin of each isolated account, wad: in these proportions they get cash and collateral."""
    parts = silos(holdings)
    found = assess(stage, parts, (ISOLATED,)) if parts else []
    return [0 if (one := each[ISOLATED].assessment) is None else one.initial_margin for each in found]


def headroom(
    stage: Stage, holdings: Holdings, systems: Sequence[str], shares: Sequence[int]
) -> dict[str, int | None]:
    """Equity less maintenance margin under each system, wad; below 0 the account can be liquidated.

    Isolated: the least of its accounts, each with cash and collateral by its share. None where the contract
    reverted.
    """
    alone = silos(holdings) if ISOLATED in systems else []
    together = [name for name in systems if name != ISOLATED]
    queries = [
        _query(stage, name, "assess", part) for name in together for part in _parts(stage, name, holdings)
    ]
    for part, share in zip(alone, shares, strict=False):
        queries.append(_query(stage, ISOLATED, "assess", _endowed(part, holdings, share, sum(shares))))
    answers = stage.contracts.ask(queries)
    found: dict[str, int | None] = {}
    for name, answer in zip(together, answers, strict=False):
        found[name] = _left(answer)
    if ISOLATED in systems:
        each = [_left(answer) for answer in answers[len(together) :]]
        known = [left for left in each if left is not None]
        # Without a position there is nothing to liquidate.
        found[ISOLATED] = (min(known) if known else 0) if len(known) == len(each) else None
    return {name: found[name] for name in systems}


def _left(answer: Answer) -> int | None:
    if answer.reason:
        return None
    _, maintenance, equity, _ = answer.value
    return int(equity - maintenance)


def _parts(stage: Stage, name: str, holdings: Holdings) -> list[Holdings]:
    if name == ISOLATED:
        rest = replace(holdings, positions=())
        return [rest, *silos(holdings)]
    if name == CREDIT and stage.portfolio.money.credit:
        line = CollateralRisk(LINE_ASSET, stage.portfolio.money.credit, FULL_CONFIDENCE, 0, 0)
        return [replace(holdings, collaterals=(*holdings.collaterals, line))]
    return [holdings]


def _query(stage: Stage, name: str, function: str, holdings: Holdings) -> Query:
    contract = ENGINES[name]
    return Query(contract, stage.addresses[contract], function, data=SELECTORS[function] + _encoded(holdings))


def _encoded(holdings: Holdings) -> bytes:
    """The ABI's words of one IMarginEngine.Portfolio: a hedge asks some thousand times."""
    positions = [_position_words(one) for one in holdings.positions]
    collaterals = [
        _words(one.asset, one.value, one.confidence, one.maintenance_haircut, one.initial_haircut)
        for one in holdings.collaterals
    ]
    count = len(positions)
    head = _words(32, holdings.cash, holdings.stable_price, 128, 160 + 32 * POSITION_WORDS * count, count)
    return b"".join([head, *positions, _words(len(collaterals)), *collaterals])


@lru_cache(maxsize=4_096)
def _position_words(one: PositionRisk) -> bytes:
    return _words(
        *(one.market, one.size, one.mark, one.spot, one.confidence, one.unrealised, one.bids, one.asks)
    )


def _words(*values: int) -> bytes:
    return b"".join([value.to_bytes(32, "big", signed=value < 0) for value in values])


def _sum(answers: Sequence[Answer]) -> Answers:
    reason = next((answer.reason for answer in answers if answer.reason), "")
    if reason:
        return Answers(None, reason)
    rows = [answer.value for answer in answers]
    initial, maintenance, equity = (
        sum(int.from_bytes(row[32 * place : 32 * place + 32], "big", signed=True) for row in rows)
        for place in range(3)
    )
    worst = int.from_bytes(rows[0][96:128], "big") if len(rows) == 1 else 0
    return Answers(Assessment(initial, maintenance, equity, worst))


def _endowed(part: Holdings, whole: Holdings, share: int, total: int) -> Holdings:
    """A silo with its share of the cash and of every collateral, each rounded down."""
    total = total or 1
    collaterals = tuple(
        replace(one, value=one.value * share // total)
        for one in whole.collaterals
        if one.value * share >= total
    )
    return replace(part, cash=div_floor(whole.cash * share, total), collaterals=collaterals)
