# SPDX-License-Identifier: Apache-2.0
"""At which spot an account would be liquidated: prices are pushed, the contracts are asked.

Imports: analysis.margins, analysis.stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulation.analysis.margins import headroom, isolated_shares
from simulation.analysis.stage import Stage

__all__ = ["LiquidationPrice", "liquidation_prices"]

FURTHEST = 10
"""Prices are looked for between a tenth and ten times the spot."""
FIRST_STEP = 400
"""The nearest steps of the ladder are a 400th of the spot, the later ones wider."""
WIDENING = 12
"""Each step reaches a twelfth further than the one before."""


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """Of one asset under one system; the other assets stay where they are."""

    asset: str
    down: int | None
    """Highest spot below the present one at which equity < maintenance margin, nano USD; None: none."""
    up: int | None
    """Lowest spot above it."""
    now: bool = False
    """Equity is below maintenance margin already."""


class _Search:
    """Headroom by spot of one asset, each price asked once for all systems."""

    def __init__(self, stage: Stage, asset: str, systems: Sequence[str], shares: Sequence[int]) -> None:
        self._stage, self._asset, self._systems, self._shares = stage, asset, systems, shares
        self._known: dict[int, dict[str, int | None]] = {}

    def at(self, spot: int) -> dict[str, int | None]:
        """Headroom of every system, None where the contracts have no answer."""
        if spot not in self._known:
            with self._stage.moved({self._asset: spot}) as reason:
                if reason:
                    self._known[spot] = dict.fromkeys(self._systems)
                else:
                    holdings = self._stage.holdings()
                    self._known[spot] = headroom(self._stage, holdings, self._systems, self._shares)
        return self._known[spot]

    def boundary(self, system: str, inside: int, outside: int, tick: int) -> int:
        """Between a spot with headroom and one without: the one without that is nearest, to a tick."""
        while abs(outside - inside) > tick:
            middle = (inside + outside) // (2 * tick) * tick
            left = self.at(middle)[system]
            if left is not None and left < 0:
                outside = middle
            else:
                inside = middle
        return outside


def liquidation_prices(stage: Stage, systems: Sequence[str]) -> dict[str, list[LiquidationPrice]]:
    """The nearest spots at which equity is below maintenance margin, by system, for every asset that matters.

    A ladder of prices outward finds the first step that liquidates, halving finds the tick in it. A stretch
    of liquidation narrower than a step of the ladder, a quarter per cent near the spot, may be passed over.
    """
    shares = isolated_shares(stage, stage.holdings())
    found: dict[str, list[LiquidationPrice]] = {name: [] for name in systems}
    for asset in _assets(stage):
        tick = next(one.tick for one in stage.portfolio.instruments.values() if one.asset == asset)
        spot = stage.portfolio.assets[asset].spot
        search = _Search(stage, asset, systems, shares)
        start = headroom(stage, stage.holdings(), systems, shares)
        down = _nearest(search, systems, start, spot, [*_ladder(spot, tick, -1)], tick)
        up = _nearest(search, systems, start, spot, [*_ladder(spot, tick, 1)], tick)
        for name in systems:
            now = (start[name] or 0) < 0
            found[name].append(LiquidationPrice(asset, down.get(name), up.get(name), now))
    return found


def _assets(stage: Stage) -> list[str]:
    """Assets that a position or a collateral depends on."""
    portfolio = stage.portfolio
    held = [portfolio.instruments[position.instrument].asset for position in portfolio.positions]
    held += [portfolio.protocol.collaterals[one.asset].asset for one in portfolio.collaterals]
    listed = {one.asset for one in portfolio.instruments.values()}
    return [asset for asset in portfolio.assets if asset in held and asset in listed]


def _ladder(spot: int, tick: int, sign: int) -> Iterator[int]:
    """Prices on ticks from the spot outward to FURTHEST, each once."""
    last, distance = spot, max(spot // FIRST_STEP, tick)
    while True:
        reach = spot + sign * distance if sign > 0 else spot * spot // (spot + distance)
        price = -(-reach // tick) * tick
        if not spot // FURTHEST <= price <= spot * FURTHEST or price <= 0:
            return
        if price != last:
            yield price
        last, distance = price, distance + max(distance // WIDENING, spot // FIRST_STEP)


def _nearest(
    search: _Search,
    systems: Sequence[str],
    start: dict[str, int | None],
    spot: int,
    ladder: Sequence[int],
    tick: int,
) -> dict[str, int]:
    """The boundary of every system that has one on this side."""
    open_ones = [name for name in systems if (left := start[name]) is not None and left >= 0]
    found: dict[str, int] = {}
    inside = spot
    for price in ladder:
        if not open_ones:
            break
        lefts = search.at(price)
        for name in list(open_ones):
            left = lefts[name]
            if left is not None and left < 0:
                found[name] = search.boundary(name, inside, price, tick)
                open_ones.remove(name)
        inside = price
    return found
