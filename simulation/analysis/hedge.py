# SPDX-License-Identifier: Apache-2.0
"""The cheapest trades that bring a portfolio back to initial margin, and how much cheaper any could be.

Over whole lots bought and sold of each instrument, minimise half the spread plus the taker's fee, subject to
equity - cost >= initial margin. Requirements are mostly convex in the sizes, so a cutting-plane method finds
the optimum (J. E. Kelley, 1960; from the boundary, A. F. Veinott, 1967): HiGHS solves the program with the
tangents known so far, first in any lots, then in whole ones; the contracts value what it proposes; where that
is below initial margin, tangents taken from the contracts' answers nearby join the program.

A book of many instruments has more sides than need be looked at: a program of those that free most margin for
their cost is solved first, then the duals of its tangents price all others, and those that would lower the
cost join (column generation, P. C. Gilmore and R. E. Gomory, 1961). The duals give the bound on the cost of
any hedge as well, wherever the search ends: it ends by work, not by time, so that results repeat.

Where a requirement is not convex (offsets of options, a limit on the loss) tangents may cut too much away:
trades in one instrument and closing everything are tried besides, as is the way from there to each
proposal, and the cheapest that passes is taken. Where it passes against a tangent, that one was wrong: the
search goes on without it.

Imports: analysis.program, analysis.requirement, analysis.trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from simulation.analysis.margins import assess
from simulation.analysis.program import Program, Solution
from simulation.analysis.requirement import Lots, Requirement, Tangent
from simulation.analysis.stage import Stage
from simulation.analysis.trades import Trade, sides_of
from simulation.domain.margin_math import Assessment
from simulation.domain.units import BPS, WAD

__all__ = ["GAP", "Hedge", "Trade", "find_hedge"]

ROUNDS, WHOLE_ROUNDS = 120, 40
"""Programs in any lots and in whole ones, at most; what passed until then is taken."""
WORK = 40_000
"""Portfolios valued, after which no further program is solved."""
FEW = 24
"""Sides that are looked at together without a choice; the first choice of more, and each further one."""
HALVINGS = 12
"""Of the way between what passes and what does not."""
STALLED = 3
"""Programs in a row that hardly raise the bound: more of them would not pay."""
RESTARTS = 3
"""Searches that go on without the tangents that the best of the search before contradicts."""
SLACK = 0.01
"""USD by which lots that pass may miss a tangent: it was taken a part of a lot beside its point."""
GAP = 0.001
"""A proposal this much above the bound is as good."""


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
    """Wad USD: no hedge costs less where the requirement is convex; 0 where it was found not to be."""
    before: Assessment
    after: Assessment

    @property
    def gap(self) -> int | None:
        """What a cheaper hedge could save at most, bps of the cost, up; None where there is no bound."""
        if not self.bound:
            return None
        return -(-(self.cost - self.bound) * BPS // self.cost)


def find_hedge(stage: Stage, system: str) -> Hedge | None:
    """The cheapest hedge under one system; None where the system has no answer for the portfolio."""
    holdings = stage.holdings()
    before = assess(stage, [holdings], (system,))[0][system].assessment
    if before is None:
        return None
    if before.equity >= before.initial_margin:
        return Hedge(system, False, True, (), 0, 0, before, before)
    requirement = Requirement(stage, system, holdings, sides_of(stage, holdings))
    search = _Search(requirement)
    search.run()
    for lots, cost in search.cheapest():
        # What the engine lets pass at marks is made on the Exchange before it is told.
        after = requirement.after(lots)
        if after is not None and after.equity >= after.initial_margin:
            bound = 0 if search.disproved(lots) else min(max(round(search.bound * WAD), 0), cost)
            return Hedge(system, True, True, requirement.trades(lots), cost, bound, before, after)
    return Hedge(system, True, False, (), 0, 0, before, before)


class _Search:
    """The best lots found and the bound on all, under one system."""

    def __init__(self, requirement: Requirement) -> None:
        self.of = requirement
        self.count = len(requirement.sides)
        self.program = Program(requirement.costs, [side.most for side in requirement.sides])
        self.found: dict[Lots, int] = {}
        """Lots that pass by the engine, and their cost, wad USD."""
        self.best: Lots | None = None
        """The cheapest of them."""
        self.bound = 0.0
        """USD."""
        self.among: list[int] = []
        """Sides of the program."""

    def run(self) -> None:
        """Fills in `best` and `bound`."""
        start = self.of.tangent((0,) * self.count, range(self.count)) if self.count else None
        if start is None:
            return
        self.program.tangents.append(start)
        self.among = self._chosen(start)
        self._offer([self.of.closed(), *(self.of.least(place) for place in self.among)])
        solved = self._any_lots(start)
        for _ in range(RESTARTS):
            if self.best is None or self.of.asked > WORK or not self.disproved(self.best):
                break
            solved = self._any_lots(start)
        if solved is not None and not self._is_good():
            self._whole_lots(solved)

    def _any_lots(self, start: Tangent) -> Solution | None:
        """Tangents and sides until neither says more; the last solution."""
        last: Solution | None = None
        before: Lots = ()
        stalled, level = 0, 0.0
        for _ in range(ROUNDS):
            solved = self.program.solve(self.among)
            if solved is None:
                # Too few sides to reach initial margin by the tangents known: the next ones.
                if not self._extend(self._ranked(start)):
                    break
                continue
            stalled = 0 if solved.least > level * (1 + GAP / 4) else stalled + 1
            level = max(level, solved.least)
            point = self._whole(solved)
            repeated, before, last = point == before, point, solved
            is_good = self.best is not None and self.found[self.best] / WAD <= solved.least * (1 + GAP)
            if is_good or repeated or stalled >= STALLED or self.of.asked > WORK:
                if self.of.asked > WORK or not self._priced(solved):
                    break
                stalled, before = 0, ()
                continue
            if not self._cut(point):
                break
        if last is not None:
            self._priced(last, extend=False)
        return last

    def _whole_lots(self, solved: Solution) -> None:
        """Proposals in whole lots from the tangents known, and further tangents where they fail."""
        point, least = self._whole(solved), 0.0
        for _ in range(WHOLE_ROUNDS):
            if self.of.asked > WORK or not self._cut(point):
                return
            found = self.program.solve_whole(self.among, GAP / 10)
            if found is None:
                return
            least = max(least, found.least)
            if len(self.among) == self.count:
                self.bound = max(self.bound, least)
            if self.best is not None and self.found[self.best] / WAD <= least * (1 + GAP):
                return
            again = self._whole(found)
            if self.of.would_pass(again):
                self._offer([again])
                return
            if again == point:
                self.program.tighten()
            point = again

    def disproved(self, lots: Lots) -> bool:
        """Whether lots that pass contradict tangents, beyond what rounding explains; those are left out."""
        if not self.program.drop(self.among, lots, SLACK):
            return False
        self.bound = 0.0
        return True

    def _is_good(self) -> bool:
        return self.best is not None and self.found[self.best] / WAD <= self.bound * (1 + GAP)

    def _offer(self, found: Iterable[Lots | None]) -> None:
        """Lots that pass are the best where they are cheaper."""
        for lots in found:
            if lots is not None and lots not in self.found:
                self.found[lots] = self.of.cost(lots)
                if self.best is None or self.found[lots] < self.found[self.best]:
                    self.best = lots

    def cheapest(self) -> list[tuple[Lots, int]]:
        """What passes, from the cheapest on."""
        return sorted(self.found.items(), key=lambda each: each[1])

    def _chosen(self, start: Tangent) -> list[int]:
        """All sides where there are few, else those that free most margin for their cost."""
        return list(range(self.count)) if self.count <= FEW else sorted(self._ranked(start)[:FEW])

    def _ranked(self, start: Tangent) -> list[int]:
        """Sides from the one that frees most margin for its cost; ties in their own order."""
        worth = -start.slope / np.maximum(self.of.costs, 1e-12)
        return [int(place) for place in np.argsort(-worth, kind="stable")]

    def _extend(self, ranked: Sequence[int]) -> bool:
        """The next sides join the program; False where there are none."""
        joining = [place for place in ranked if place not in self.among][:FEW]
        for tangent in self.program.tangents if joining else ():
            self.of.ask(tangent, joining)
        self.among = sorted([*self.among, *joining])
        return bool(joining)

    def _priced(self, solved: Solution, extend: bool = True) -> bool:
        """The bound for all sides by the duals of a solution; whether sides that lower the cost join."""
        for tangent in self.program.active(solved.prices):
            self.of.ask(tangent, range(self.count))
        bound, reduced = self.program.bound(solved.prices)
        self.bound = max(self.bound, bound)
        worth = reduced / np.maximum(self.of.costs, 1e-12)
        order = [int(place) for place in np.argsort(worth, kind="stable") if worth[place] < -GAP / 4]
        return extend and self._extend(order)

    def _whole(self, solved: Solution) -> Lots:
        lots = [0] * self.count
        for place, value in zip(self.among, solved.lots, strict=True):
            lots[place] = round(value)
        return tuple(lots)

    def _cut(self, point: Lots) -> bool:
        """The tangents at a point, and where the way from there to the best begins to pass, join the program.

        False where the contracts have no answer at the point.
        """
        tangent = self.of.tangent(point, self.among)
        if tangent is None:
            return False
        self.program.tangents.append(tangent)
        if self.best is not None:
            beside = self.of.tangent(self._toward(point, self.best), self.among)
            if beside is not None:
                self.program.tangents.append(beside)
        return True

    def _toward(self, outside: Lots, inside: Lots) -> Lots:
        """Between lots that do not pass and some that do, the next that do not; finds the last that do."""

        def between(share: float) -> Lots:
            pairs = zip(outside, inside, strict=True)
            return tuple(round(one + share * (other - one)) for one, other in pairs)

        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (low, middle) if self.of.would_pass(between(middle)) else (middle, high)
        self._offer([between(high)])
        return between(low)
