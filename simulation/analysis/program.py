# SPDX-License-Identifier: Apache-2.0
"""The linear program of a hedge: cost over lots of some sides, subject to tangents. Imports: scipy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from simulation.analysis.requirement import Floats, Tangent

__all__ = ["Program", "Solution"]

NODES = 300
"""Of the solver's tree, at most; what it has found by then is proposed. Counted, not timed: runs repeat."""
ACTIVE = 1e-9
"""A smaller price of a tangent is none."""


@dataclass(frozen=True, slots=True)
class Solution:
    """Lots of the sides of a program, and the least that any lots of them cost, USD."""

    lots: Floats
    least: float
    prices: Floats
    """What one more USD demanded of each tangent would cost; empty for whole lots."""


class Program:
    """Minimise cost over lots, subject to the tangents known so far.

    Args:
        costs: of a lot of each side, USD.
        most: lots of each side.
    """

    def __init__(self, costs: Floats, most: Sequence[int]) -> None:
        self._costs, self._most = costs, np.array(most, dtype=np.float64)
        self.tangents: list[Tangent] = []
        self._slack = 0.0

    def tighten(self) -> None:
        """For lots that fail by less than the solver's tolerance: a margin, larger each time."""
        self._slack = max(1e-6, 10 * self._slack)

    def solve(self, among: Sequence[int]) -> Solution | None:
        """In any lots; None where no lots satisfy the tangents."""
        chosen, rows, levels = self._rows(among)
        bounds = np.stack([np.zeros(len(chosen)), self._most[chosen]], axis=1)
        solved = linprog(
            self._costs[chosen], A_ub=-rows, b_ub=levels - self._slack, bounds=bounds, method="highs"
        )
        if solved.x is None:
            return None
        return Solution(solved.x, float(solved.fun), -solved.ineqlin.marginals)

    def solve_whole(self, among: Sequence[int], gap: float) -> Solution | None:
        """In whole lots, to a relative gap or as far as the nodes reach."""
        chosen, rows, levels = self._rows(among)
        solved = milp(
            self._costs[chosen],
            integrality=np.ones(len(chosen)),
            bounds=Bounds(0, self._most[chosen]),
            constraints=LinearConstraint(rows, self._slack - levels, np.inf),
            options={"node_limit": NODES, "mip_rel_gap": gap},
        )
        if solved.x is None:
            return None
        return Solution(solved.x, float(solved.mip_dual_bound), np.empty(0))

    def drop(self, among: Sequence[int], lots: Sequence[int], slack: float) -> int:
        """Leaves out tangents that forbid lots that pass, by more than `slack` USD; how many those were."""
        chosen, rows, levels = self._rows(among)
        missed = levels + rows @ np.array(lots, dtype=np.float64)[chosen] < -slack
        self.tangents = [one for one, gone in zip(self.tangents, missed, strict=True) if not gone]
        return int(missed.sum())

    def active(self, prices: Floats) -> list[Tangent]:
        """The tangents that a solution rests on; later ones may have joined."""
        return [one for one, price in zip(self.tangents, prices, strict=False) if price > ACTIVE]

    def bound(self, prices: Floats) -> tuple[float, Floats]:
        """What any lots of all sides cost at least by weak duality, USD, and the reduced cost of each.

        Active tangents must be known for all sides.
        """
        weights = np.where(prices > ACTIVE, prices, 0.0)
        reduced = self._costs.copy()
        demanded = 0.0
        for weight, tangent in zip(weights, self.tangents, strict=False):
            if weight:
                reduced -= weight * (-tangent.slope - self._costs)
                demanded += weight * (self._slack - tangent.level())
        return demanded + float(np.minimum(reduced, 0.0) @ self._most), reduced

    def _rows(self, among: Sequence[int]) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
        """level + row · lots >= 0 of each tangent, USD: a lot frees margin and costs."""
        chosen = np.array(among, dtype=np.intp)
        rows = np.array([-one.slope[chosen] - self._costs[chosen] for one in self.tangents])
        return chosen, rows.reshape(-1, len(chosen)), np.array([one.level() for one in self.tangents])
