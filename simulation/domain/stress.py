# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/stress_math.vy and modules/stressed_deficits.vy: what accounts owe after a move.

A shock is a relative move of spot, mark and forward of every underlying together, in bps. Prices in nano USD,
sizes in nano base, money in wad USD. Exact integers. May import nothing but domain modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulation.domain import black76
from simulation.domain.fixed_point import div_floor
from simulation.domain.units import BPS, NANO

__all__ = [
    "HIGHEST",
    "LADDER",
    "LOWEST",
    "Holding",
    "StressedDeficit",
    "change",
    "depletion",
    "option_change",
    "stressed",
    "stressed_equity",
]

LADDER = (-5_000, -4_000, -3_000, -2_000, -1_000, -500, 0, 500, 1_000, 2_000, 3_000, 5_000)
"""Shocks of `Lens.solvency`, bps."""
LOWEST, HIGHEST = -10_000, 100_000


@dataclass(frozen=True, slots=True)
class Holding:
    """What a move changes of one account."""

    equity: int
    """Before the move, wad."""
    exposure: int
    """Of linear and inverse perpetuals and collateral, wad for a move of one: sizes (coin balances of inverse
    ones) at mark and collateral at its value."""
    dated: Mapping[int, int]
    """Size by dated market."""
    line: int = 0
    """What a credit line would pay for the account, wad."""


@dataclass(frozen=True, slots=True)
class StressedDeficit:
    """One rung of the ladder."""

    shock: int
    deficit: int
    """Sum over accounts of max(0, -stressed equity)."""
    lines: int
    """The part of it that credit lines bear."""
    insolvent: int
    """Accounts whose stressed equity is negative."""


def _check(shock: int) -> None:
    if not LOWEST <= shock <= HIGHEST:
        raise ValueError("stress: shock out of range")


def change(exposure: int, shock: int) -> int:
    """What an exposure changes by, floored. Of a future: its forward's part that moves."""
    return div_floor(exposure * shock, BPS)


def option_change(
    is_call: bool,
    strike: int,
    mark: int,
    fixed: int,
    variable: int,
    vol: int,
    seconds: int,
    discount: int,
    shock: int,
) -> int:
    """Value by Black (1976) at the moved forward, floored to nano USD, less the mark; 0 without a shock.

    Args:
        mark: nano USD, as the board has it; the other arguments are what it was made from.
        fixed, variable: parts of the forward that do not and do move, nano USD.
        vol: wad, whole units of 1e-9, as a board keeps it.
        discount: wad.
    """
    if shock == 0:
        return 0
    forward = fixed + variable * (BPS + shock) // BPS
    width = black76.total_vol(vol, black76.root_time(seconds))
    call, put = black76.prices(forward, strike, width, discount)
    return (call if is_call else put) // NANO - mark


def stressed_equity(holding: Holding, changes: Mapping[int, int], shock: int) -> int:
    """Equity of an account after a move, wad.

    Args:
        changes: of each dated market's mark at this shock, nano USD.
    """
    gains = sum(size * changes[market] for market, size in holding.dated.items())
    return holding.equity + gains + change(holding.exposure, shock)


def stressed(
    holdings: Sequence[Holding], changes: Mapping[int, Sequence[int]], shocks: Sequence[int]
) -> tuple[StressedDeficit, ...]:
    """Stressed deficits of a system. Raises ValueError for a shock that is out of range.

    Args:
        changes: of each dated market's mark, nano USD, one for each shock.
    """
    rows = []
    for place, shock in enumerate(shocks):
        _check(shock)
        here = {market: row[place] for market, row in changes.items()}
        owed = [max(0, -stressed_equity(holding, here, shock)) for holding in holdings]
        lines = sum(min(amount, holding.line) for amount, holding in zip(owed, holdings, strict=True))
        rows.append(StressedDeficit(shock, sum(owed), lines, sum(amount > 0 for amount in owed)))
    return tuple(rows)


def depletion(rows: Sequence[StressedDeficit], cover: int) -> tuple[int | None, int | None]:
    """Smallest fall and rise, bps, at which deficits less credit lines pass the cover; None: no such.

    Between two rungs by a straight line, floored. What a portfolio without options needs is convex in the
    shock, so that the true one is no smaller.
    """
    needs = {row.shock: row.deficit - row.lines for row in rows}
    found: list[int | None] = []
    for side in (-1, 1):
        ladder = sorted((shock for shock in needs if shock * side >= 0), key=abs)
        answer = None
        for near, far in pairwise(ladder):
            if needs[near] > cover:
                answer = abs(near)
            elif needs[far] > cover:
                step, over = abs(far - near), needs[far] - needs[near]
                answer = abs(near) + step * (cover - needs[near]) // over
            if answer is not None:
                break
        found.append(answer)
    return found[0], found[1]
