# SPDX-License-Identifier: Apache-2.0
"""Who grants credit lines: by equity and net portfolio risk, within what lenders have and their order asks.

Imports: agents.base, agents.attempts, messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.attempts import Attempts
from simulation.agents.base import Agent
from simulation.config import knob
from simulation.config.kinds import INTEGER, NUMBER, SECONDS, SHARE, USD
from simulation.messages import CreditView, Fees, GrantLine, Intent, Receipt, View
from simulation.messages.credit import QUIET

__all__ = ["Underwriter", "UnderwriterSettings"]


@dataclass(frozen=True, slots=True)
class UnderwriterSettings:
    """What it grants, to whom and how often it looks."""

    line: float = knob(SHARE, "50 %", low="0 %", high="1000 %")
    """Line of an account without risk, over its equity."""
    full: float = knob(SHARE, "60 %", low="0 %", high="1000 %")
    """Initial margin of the base engine over equity up to which an account gets all of that."""
    none: float = knob(SHARE, "160 %", low="1 %", high="1000 %")
    """Where it gets nothing; in between the line falls in proportion."""
    largest: float = knob(SHARE, "10 %", low="0.1 %", high="100 %")
    """Of lenders' assets, what one line may bind."""
    reserve: float = knob(SHARE, "10 %", low="0 %", high="100 %")
    """Of lenders' assets, what no line binds."""
    minimum: float = knob(USD, "1_000 USD", low="0 USD")
    """A smaller line is none."""
    tolerance: float = knob(SHARE, "25 %", low="0 %", high="100 %")
    """Change of a line that is worth a transaction."""
    interval: int = knob(SECONDS, "30 min", low="1 s")
    """Between two rounds over all accounts."""
    term: int = knob(SECONDS, "30 d", low="10 min", high="365 d")
    """Of a grant; renewed when a quarter is left."""
    grants: int = knob(INTEGER, 16, low=1, high=1000)
    """Transactions that it sends in one block at most."""
    tip: float = knob(NUMBER, 0.02, low=0.0)
    """Priority fee, gwei."""


class Underwriter(Agent):
    """One account that holds nothing; its owner is the desk's underwriter."""

    role = "underwriter"
    individual = True
    settings_class: ClassVar[type[UnderwriterSettings]] = UnderwriterSettings
    settings: UnderwriterSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: UnderwriterSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.account = int(accounts[0])
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=20)
        self.attempts = Attempts(caution=32)
        self.next_round = 0
        self.lines, self.granted = 0, 0.0

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """In a round: lower lines first, then higher and new ones as far as lenders' assets go."""
        desk = view.credit
        if desk is None:
            return []
        self.lines, self.granted = int(np.count_nonzero(desk.commitment)), float(desk.granted.sum())
        if view.timestamp < self.next_round:
            return []
        intents: list[Intent] = []
        for intent in self._grants(view, desk):
            if len(intents) == self.settings.grants:
                # What is left is found again in the next block.
                return intents
            if self.attempts.allows(intent, view.block):
                self.attempts.add(intent)
                intents.append(intent)
        self.next_round = view.timestamp + self.settings.interval
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """What was granted may be changed again; what reverted waits."""
        self.attempts.close(receipt)

    def measure(self) -> dict[str, float]:
        """Lines and what they are to be in all."""
        return {"lines": float(self.lines), "granted_usd": self.granted}

    def wanted(self, view: View, desk: CreditView) -> NDArray[np.float64]:
        """The line that each account is worth, USD."""
        plan, equity = self.settings, np.maximum(view.accounts.equity, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            strain = np.where(equity > 0.0, desk.risk / equity, np.inf)
        grade = np.clip((plan.none - strain) / max(plan.none - plan.full, 1e-9), 0.0, 1.0)
        fit = desk.consents & ~view.accounts.liquidating
        line = np.where(fit, np.minimum(plan.line * equity * grade, plan.largest * sum(desk.assets)), 0.0)
        line = np.where(line >= plan.minimum, line, 0.0)
        # Whoever has a line keeps it as long as its risk allows; then the least strained come first.
        order = np.lexsort((strain, desk.granted <= 0.0))
        fits = np.cumsum(line[order]) <= self.capacity(desk)
        line[order] = np.where(fits, line[order], 0.0)
        return line

    def capacity(self, desk: CreditView) -> float:
        """USD that all lines together may be: assets less the reserve, and what junior assets can bear."""
        bound = (1.0 - self.settings.reserve) * sum(desk.assets)
        part = desk.rules.subordination
        return min(bound, desk.assets[0] / part) if part > 0.0 else bound

    def _grants(self, view: View, desk: CreditView) -> Iterator[Intent]:
        plan, wanted = self.settings, self.wanted(view, desk)
        change = np.abs(wanted - desk.granted) > plan.tolerance * np.maximum(desk.granted, plan.minimum)
        late = (desk.granted > 0.0) & (desk.term - view.timestamp < plan.term // 4)
        # The clock of a call is for reviews; until it has ended a line can only be ended.
        free = (desk.stage == 0) | (desk.stage == QUIET)
        rows = np.flatnonzero((change | late) & free & ((wanted > 0.0) | (desk.granted > 0.0)))
        term = view.timestamp + min(plan.term, desk.rules.max_term) - 10 * view.block_time
        left = self.capacity(desk) - desk.committed
        growth = wanted - desk.commitment
        for row in rows[np.argsort(growth[rows], kind="stable")].tolist():
            line = float(wanted[row])
            if growth[row] > 0.0:
                line = min(line, float(desk.commitment[row]) + max(left, 0.0))
                left -= max(line - float(desk.commitment[row]), 0.0)
                if line <= desk.granted[row] * (1.0 + plan.tolerance) and not late[row]:
                    continue
            yield GrantLine(
                account=self.account, target=row + 1, amount=view.units(0, line), term=term, fees=self.fees
            )
