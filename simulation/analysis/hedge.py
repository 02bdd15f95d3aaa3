# SPDX-License-Identifier: Apache-2.0
"""The cheapest trades that bring a portfolio back to initial margin.

Over whole lots bought and sold of each instrument, minimise half the spread plus the taker's fee, subject to
equity - cost >= initial margin. Requirements are mostly convex in the sizes, so a cutting-plane method finds
the optimum (J. E. Kelley, 1960; from the boundary, A. F. Veinott, 1967): HiGHS solves the program with the
tangents known so far, first in any lots, then in whole ones; the contracts value what it proposes; where that
is below initial margin, tangents taken from the contracts' answers nearby join the program. A proposal of
whole lots that passes is the cheapest. Where a requirement is not convex (offsets of options, a limit on the
loss) tangents may cut too much away: trades in one instrument and closing everything are tried besides, as is
the way from there to each proposal, and the cheapest that passes is taken.

Imports: scipy; analysis.margins, analysis.stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp

from simulation.analysis.margins import assess
from simulation.analysis.portfolio import Instrument
from simulation.analysis.stage import Stage
from simulation.domain.book_math import fee_up
from simulation.domain.margin_math import Assessment, PositionRisk
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.market_math import Kind
from simulation.domain.units import BPS, NANO, WAD

__all__ = ["Hedge", "Trade", "find_hedge"]

ROUNDS = 40
"""Tangents at most; what passed until then is taken."""
REACH = 3
"""No trade is larger than this multiple of everything held on the same asset."""
PROBE = 1_000
"""Requirements are compared a thousandth of a lot apart."""
HALVINGS = 12
"""Of the way between what passes and what does not."""
NODES = 300
"""Of the solver's tree, at most; what it has found by then is proposed."""
GAP = 0.001
"""A proposal this much above the bound is as good."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade of a hedge, at the taker's price."""

    instrument: str
    size: int
    """Nano base, positive buys; of an inverse perpetual nano contracts of one USD."""
    price: int
    """Nano USD: the mark and half the spread, to a tick against the taker."""
    cost: int
    """Wad USD: what the price is worse than the mark, and the fee."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """What it takes to have initial margin under one system."""

    system: str
    needed: bool
    found: bool
    trades: tuple[Trade, ...]
    cost: int
    """Wad USD, the sum of the trades'."""
    bound: int
    """Wad USD: no hedge costs less where the requirement is convex."""
    before: Assessment
    after: Assessment


@dataclass(frozen=True, slots=True)
class _Side:
    """Buying or selling one instrument."""

    instrument: Instrument
    quote: PositionRisk
    sign: int
    price: int
    lot_cost: int
    """Wad USD a lot, the fee rounded up."""
    most: int
    """Lots."""


def find_hedge(stage: Stage, system: str) -> Hedge | None:
    """The cheapest hedge under one system; None where the system has no answer for the portfolio."""
    holdings = stage.holdings()
    before = assess(stage, [holdings], (system,))[0][system].assessment
    if before is None:
        return None
    if before.equity >= before.initial_margin:
        return Hedge(system, False, True, (), 0, 0, before, before)
    problem = _Problem(stage, system, holdings, _sides(stage, holdings))
    best = problem.solve()
    if best is None:
        return Hedge(system, True, False, (), 0, 0, before, before)
    lots, bound = best
    trades = problem.trades(lots)
    after = problem.after(lots)
    assert after is not None
    return Hedge(system, True, True, trades, sum(trade.cost for trade in trades), bound, before, after)


class _Problem:
    """One system's requirement as a function of lots traded, asked of the contracts."""

    def __init__(self, stage: Stage, system: str, holdings: Holdings, sides: Sequence[_Side]) -> None:
        self.stage, self.system, self.holdings, self.sides = stage, system, holdings, sides
        self.held = {position.market: position for position in holdings.positions}
        self.costs = np.array([side.lot_cost / WAD for side in sides])

    def solve(self) -> tuple[tuple[int, ...], int] | None:
        """Lots of each side, and the bound in wad USD; None where nothing passes."""
        if not self.sides:
            return None
        best: tuple[int, ...] | None = None
        for lots in (*self._single(), self._closed()):
            if lots is not None and (best is None or self.cost(lots) < self.cost(best)):
                best = lots
        program = _Program(self.costs, [side.most for side in self.sides])
        point: tuple[int, ...] = (0,) * len(self.sides)
        bound, whole = 0.0, False
        for _ in range(ROUNDS):
            if not self._cut(program, point):
                break
            if best is not None:
                best, beside = self._toward(point, best)
                self._cut(program, beside)
            solved = program.solve(whole)
            if solved is None:
                break
            again, least = tuple(solved[0]), solved[1]
            if best is not None and self.cost(best) / WAD <= least * (1 + GAP):
                bound = max(bound, least)
                break
            if self._passes(again) and (best is None or self.cost(again) < self.cost(best)):
                best = again
                if whole:
                    bound = max(bound, least)
                    break
            # Whole lots once the tangents of any lots have told most of what they can.
            whole = whole or again == point or least <= bound * (1 + GAP)
            if again == point:
                program.tighten()
            bound, point = max(bound, least), again
        return None if best is None else (best, min(round(bound * WAD), self.cost(best)))

    def _cut(self, program: _Program, lots: Sequence[int]) -> bool:
        """The tangent near a point joins the program; False where the contracts have no answer there."""
        tangent = self._tangent(lots)
        if tangent is not None:
            slope, level = tangent
            program.add(-slope - self.costs, level)
        return tangent is not None

    def _toward(
        self, outside: Sequence[int], inside: tuple[int, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Between lots that do not pass and some that do: the last that pass, and the next that do not.

        The first are kept only if they are cheaper than those that were known.
        """

        def between(share: float) -> tuple[int, ...]:
            pairs = zip(outside, inside, strict=True)
            return tuple(round(one + share * (other - one)) for one, other in pairs)

        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self._would_pass(between(middle)) else (middle, high)
        found = between(high)
        cheaper = self.cost(found) < self.cost(inside) and self._passes(found)
        return (found if cheaper else inside), between(low)

    def cost(self, lots: Sequence[int]) -> int:
        """Wad USD, each trade's fee rounded up once."""
        return sum(trade.cost for trade in self.trades(lots))

    def trades(self, lots: Sequence[int]) -> tuple[Trade, ...]:
        """What is traded, without sides of no lots."""
        made = []
        for side, count in zip(self.sides, lots, strict=True):
            if count:
                size = side.sign * count * side.instrument.lot
                made.append(Trade(side.instrument.name, size, side.price, _cost(self.stage, side, count)))
        return tuple(made)

    def after(self, lots: Sequence[int]) -> Assessment | None:
        """Margin once the trades are made on the Exchange; None where the contracts refuse them."""
        trades = [
            (self.stage.portfolio.instruments[one.instrument], one.size, one.price)
            for one in self.trades(lots)
        ]
        with self.stage.traded(trades) as reason:
            if reason:
                return None
            return assess(self.stage, [self.stage.holdings()], (self.system,))[0][self.system].assessment

    def _passes(self, lots: Sequence[int]) -> bool:
        after = self.after(lots)
        return after is not None and after.equity >= after.initial_margin

    def _tangent(self, lots: Sequence[int]) -> tuple[npt.NDArray[np.float64], float] | None:
        """Slope of the requirement in lots near a point; equity - (requirement - slope * lots) there, USD.

        The slope is taken beside the point, where a requirement with kinks has one: all instruments that are
        held or traded are a little off it together; each of the others, of which there may be more than a
        portfolio can hold, by itself. None where the contracts have no answer.
        """
        off, beside = [], []
        for place, (side, count) in enumerate(zip(self.sides, lots, strict=True)):
            lot = side.instrument.lot
            off.append(side.sign * (count * lot + lot * (3 + 2 * place) // 1_000))
            beside.append(off[-1] if count or side.instrument.market in self.held else 0)
        points, pairs = [beside], []
        for place, side in enumerate(self.sides):
            step = side.sign * max(side.instrument.lot // PROBE, 1)
            first = 0
            if beside[place] != off[place]:
                first = len(points)
                points.append([*beside[:place], off[place], *beside[place + 1 :]])
            pairs.append((first, len(points)))
            points.append([*beside[:place], off[place] + step, *beside[place + 1 :]])
        found = assess(self.stage, [self._with(sizes) for sizes in points], (self.system,))
        values = [each[self.system].assessment for each in found]
        base = values[0]
        if base is None:
            return None
        slope = np.zeros(len(self.sides))
        for place, (side, (first, second)) in enumerate(zip(self.sides, pairs, strict=True)):
            one, other = values[first], values[second]
            if one is not None and other is not None:
                step = max(side.instrument.lot // PROBE, 1)
                rise = (other.initial_margin - one.initial_margin) / WAD
                slope[place] = rise * side.instrument.lot / step
        at = np.array(
            [abs(size) / side.instrument.lot for size, side in zip(beside, self.sides, strict=True)]
        )
        return slope, float((base.equity - base.initial_margin) / WAD + slope @ at)

    def _single(self) -> list[tuple[int, ...] | None]:
        """For each side the fewest lots that pass alone, by doubling and halving."""
        return [self._least(place) for place in range(len(self.sides))]

    def _least(self, place: int) -> tuple[int, ...] | None:
        def lots(count: int) -> tuple[int, ...]:
            return tuple(count if at == place else 0 for at in range(len(self.sides)))

        low, high = 0, 1
        while not self._would_pass(lots(high)):
            low, high = high, 2 * high
            if low >= self.sides[place].most:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._would_pass(lots(middle)) else (middle, high)
        return lots(high) if self._passes(lots(high)) else None

    def _would_pass(self, lots: Sequence[int]) -> bool:
        """By the engine alone, without trading."""
        sizes = [
            side.sign * count * side.instrument.lot for side, count in zip(self.sides, lots, strict=True)
        ]
        found = assess(self.stage, [self._with(sizes)], (self.system,))[0][self.system].assessment
        return found is not None and found.equity - self.cost(lots) >= found.initial_margin

    def _closed(self) -> tuple[int, ...] | None:
        """Lots that close every position, where that passes."""
        sizes = {market: position.size for market, position in self.held.items()}
        lots = tuple(
            max(0, -side.sign * sizes.get(side.instrument.market, 0)) // side.instrument.lot
            for side in self.sides
        )
        return lots if self._passes(lots) else None

    def _with(self, sizes: Sequence[int]) -> Holdings:
        """The portfolio after trades at the mark: equity is as before, sizes are not.

        So is the PnL of an inverse position, contracts and their coin at the mark being worth the same.
        """
        held, cash = dict(self.held), self.holdings.cash
        for side, size in zip(self.sides, sizes, strict=True):
            if size:
                market = side.instrument.market
                now = held.get(market, side.quote)
                held[market] = replace(now, size=now.size + size)
                if not held[market].size and not side.instrument.inverse:
                    # Closing realises it in cash; the coin of an inverse position waits to be settled.
                    cash += now.unrealised
                    held[market] = replace(held[market], unrealised=0)
        kept = tuple(position for position in held.values() if position.size or position.unrealised)
        return replace(self.holdings, cash=cash, positions=kept)


class _Program:
    """Minimise cost over lots, subject to the tangents known so far."""

    def __init__(self, costs: npt.NDArray[np.float64], most: Sequence[int]) -> None:
        self._costs, self._most = costs, np.array(most, dtype=np.float64)
        self._rows: list[npt.NDArray[np.float64]] = []
        self._levels: list[float] = []
        self._slack = 0.0

    def add(self, row: npt.NDArray[np.float64], level: float) -> None:
        """level + row · lots >= 0, USD."""
        self._rows.append(row)
        self._levels.append(level)

    def tighten(self) -> None:
        """For lots that fail by less than the solver's tolerance: a margin, larger each time."""
        self._slack = max(1e-6, 10 * self._slack)

    def solve(self, whole: bool) -> tuple[list[int], float] | None:
        """Lots, rounded where they need not be whole, and the least that any cost; None: none are left."""
        solved = milp(
            self._costs,
            integrality=np.full(len(self._costs), int(whole)),
            bounds=Bounds(0, self._most),
            constraints=LinearConstraint(np.array(self._rows), self._slack - np.array(self._levels), np.inf),
            options={"node_limit": NODES, "mip_rel_gap": GAP / 10},
        )
        if solved.x is None:
            return None
        least = solved.mip_dual_bound if whole else solved.fun
        return [round(value) for value in solved.x], float(least)


def _sides(stage: Stage, holdings: Holdings) -> list[_Side]:
    """Both sides of every instrument on an asset that the portfolio depends on."""
    portfolio = stage.portfolio
    names = portfolio.hedge.instruments or tuple(portfolio.instruments)
    gross: dict[str, int] = {}
    for position in holdings.positions:
        held = portfolio.by_market(position.market)
        base = abs(position.size) * NANO // position.mark if held.inverse else abs(position.size)
        gross[held.asset] = gross.get(held.asset, 0) + base
    for token in portfolio.collaterals:
        asset = portfolio.protocol.collaterals[token.asset].asset
        gross[asset] = gross.get(asset, 0) + token.amount
    instruments = [one for name in names if gross.get((one := portfolio.instruments[name]).asset)]
    quotes = stage.quotes(instruments) if instruments else {}
    sides = []
    for one in instruments:
        quote = quotes[one.market]
        for sign in (1, -1):
            price = _price(stage, one, quote.mark, sign)
            if price is None:
                continue
            reach = REACH * gross[one.asset]
            if one.inverse:
                reach = reach * quote.mark // NANO
            side = _Side(one, quote, sign, price, 0, reach // one.lot)
            sides.append(replace(side, lot_cost=_cost(stage, side, 1)))
    return sides


def _price(stage: Stage, one: Instrument, mark: int, sign: int) -> int | None:
    """What a taker pays or gets; None where a sale would fetch nothing."""
    spec = stage.portfolio.hedge
    option = one.kind is Kind.OPTION
    half = -(-mark * (spec.option_spread if option else spec.spread) // (2 * BPS))
    if option:
        half = max(half, one.tick)
    if sign > 0:
        return -(-(mark + half) // one.tick) * one.tick
    price = (mark - half) // one.tick * one.tick
    return price if price > 0 else None


def _cost(stage: Stage, side: _Side, lots: int) -> int:
    size = lots * side.instrument.lot
    notional = side.instrument.notional(size, side.price)
    fee: int = fee_up(notional, stage.portfolio.protocol.fees.taker)
    return side.instrument.worse(side.sign * size, side.price, side.quote.mark) + fee
