# SPDX-License-Identifier: Apache-2.0
"""One system's requirement as a function of lots traded, asked of the contracts: values, tangents, trades.

Imports: numpy; analysis.margins, analysis.stage, analysis.trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulation.analysis.margins import assess
from simulation.analysis.stage import Stage
from simulation.analysis.trades import Side, Trade, cost_of
from simulation.domain.margin_math import Assessment, PositionRisk
from simulation.domain.margin_math import Portfolio as Holdings
from simulation.domain.units import WAD

__all__ = ["Floats", "Lots", "Requirement", "Tangent"]

Floats = npt.NDArray[np.float64]
Lots = tuple[int, ...]
"""Of every side, in order."""

PROBE = 1_000
"""Requirements are compared a thousandth of a lot apart."""


@dataclass(frozen=True, slots=True)
class Tangent:
    """Of equity - requirement near some lots: `slack - slope * (lots - at)`, USD."""

    beside: tuple[int, ...]
    """Signed sizes at which it was taken, nano."""
    at: Floats
    """The same in lots."""
    slack: float
    slope: Floats
    """What the requirement rises by a lot, USD; NaN of sides that nobody has asked about."""

    def level(self) -> float:
        """Slack at no lots, along the tangent. Sides that it was taken beside are known."""
        taken = self.at > 0
        return float(self.slack + self.slope[taken] @ self.at[taken])


class Requirement:
    """What the contracts say of the portfolio after trades."""

    def __init__(self, stage: Stage, system: str, holdings: Holdings, sides: Sequence[Side]) -> None:
        self.stage, self.system, self.holdings, self.sides = stage, system, holdings, sides
        self.held = {position.market: position for position in holdings.positions}
        self.costs = np.array([side.lot_cost / WAD for side in sides])
        self.asked = 0
        """Portfolios valued so far: the work of a search."""

    def cost(self, lots: Sequence[int]) -> int:
        """Wad USD, each trade's fee rounded up once."""
        return sum(trade.cost for trade in self.trades(lots))

    def trades(self, lots: Sequence[int]) -> tuple[Trade, ...]:
        """What is traded, without sides of no lots."""
        made = []
        for side, count in zip(self.sides, lots, strict=True):
            if count:
                size = side.sign * count * side.instrument.lot
                made.append(Trade(side.instrument.name, size, side.price, cost_of(self.stage, side, count)))
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
            self.asked += 1
            return assess(self.stage, [self.stage.holdings()], (self.system,))[0][self.system].assessment

    def passes(self, lots: Sequence[int]) -> bool:
        """Whether the account has initial margin once the trades are made."""
        after = self.after(lots)
        return after is not None and after.equity >= after.initial_margin

    def would_pass(self, lots: Sequence[int]) -> bool:
        """By the engine alone, without trading."""
        sizes = [
            side.sign * count * side.instrument.lot for side, count in zip(self.sides, lots, strict=True)
        ]
        found = self._assessed([sizes])[0]
        return found is not None and found.equity - self.cost(lots) >= found.initial_margin

    def closed(self) -> Lots | None:
        """Lots that close every position, where that passes."""
        sizes = {market: position.size for market, position in self.held.items()}
        lots = tuple(
            max(0, -side.sign * sizes.get(side.instrument.market, 0)) // side.instrument.lot
            for side in self.sides
        )
        return lots if self.would_pass(lots) else None

    def least(self, place: int) -> Lots | None:
        """The fewest lots of one side that pass alone, by doubling and halving."""

        def lots(count: int) -> Lots:
            return tuple(count if at == place else 0 for at in range(len(self.sides)))

        low, high = 0, 1
        while not self.would_pass(lots(high)):
            low, high = high, 2 * high
            if low >= self.sides[place].most:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.would_pass(lots(middle)) else (middle, high)
        return lots(high)

    def tangent(self, lots: Sequence[int], among: Sequence[int]) -> Tangent | None:
        """Beside a point, where a requirement with kinks has a slope; None where the contracts have none.

        Instruments that are held or traded are a little off the point together, if they are `among` these
        sides. The others, of which there may be more than a portfolio can hold, stay.
        """
        known = set(among)
        beside = [0] * len(self.sides)
        for place, (side, count) in enumerate(zip(self.sides, lots, strict=True)):
            if count or (place in known and side.instrument.market in self.held):
                beside[place] = self._off(place, count)
        base = self._assessed([beside])[0]
        if base is None:
            return None
        pairs = zip(beside, self.sides, strict=True)
        at = np.array([abs(size) / side.instrument.lot for size, side in pairs])
        slack = float((base.equity - base.initial_margin) / WAD)
        made = Tangent(tuple(beside), at, slack, np.full(len(self.sides), np.nan))
        self.ask(made, {*known, *np.flatnonzero(at)})
        return made

    def ask(self, tangent: Tangent, places: Iterable[int]) -> None:
        """Fills in the slope of these sides; those that the point is not beside by a step of their own."""
        missing = [place for place in sorted(places) if np.isnan(tangent.slope[place])]
        points, pairs = [list(tangent.beside)], []
        for place in missing:
            side = self.sides[place]
            moved, first = list(tangent.beside), 0
            if not moved[place]:
                first, moved[place] = len(points), self._off(place, 0)
                points.append(list(moved))
            moved[place] += side.sign * self._step(side)
            pairs.append((first, len(points)))
            points.append(moved)
        values = self._assessed(points)
        for place, (first, second) in zip(missing, pairs, strict=True):
            one, other, side = values[first], values[second], self.sides[place]
            tangent.slope[place] = 0.0
            if one is not None and other is not None:
                rise = (other.initial_margin - one.initial_margin) / WAD
                tangent.slope[place] = rise * side.instrument.lot / self._step(side)

    def _off(self, place: int, count: int) -> int:
        """So many lots and a little, another little for each side."""
        side = self.sides[place]
        return side.sign * (count * side.instrument.lot + side.instrument.lot * (3 + 2 * place) // 1_000)

    @staticmethod
    def _step(side: Side) -> int:
        return max(side.instrument.lot // PROBE, 1)

    def _assessed(self, points: Sequence[Sequence[int]]) -> list[Assessment | None]:
        self.asked += len(points)
        found = assess(self.stage, [self._with(sizes) for sizes in points], (self.system,))
        return [each[self.system].assessment for each in found]

    def _with(self, sizes: Sequence[int]) -> Holdings:
        """The portfolio after trades at the mark: equity is as before, sizes are not.

        So is the PnL of an inverse position, contracts and their coin at the mark being worth the same.
        """
        changes: dict[int, tuple[Side, int]] = {}
        for place, size in enumerate(sizes):
            if size:
                side = self.sides[place]
                before = changes.get(side.instrument.market, (side, 0))[1]
                changes[side.instrument.market] = (side, before + size)
        held, cash = dict(self.held), self.holdings.cash
        for market, (side, change) in changes.items():
            now = held.get(market, side.quote)
            size, unrealised = now.size + change, now.unrealised
            if not size and not side.instrument.inverse:
                # Closing realises it in cash; the coin of an inverse position waits to be settled.
                cash, unrealised = cash + unrealised, 0
            held[market] = PositionRisk(market, size, now.mark, now.spot, now.confidence, unrealised)
        kept = tuple(position for position in held.values() if position.size or position.unrealised)
        return replace(self.holdings, cash=cash, positions=kept)
