# SPDX-License-Identifier: Apache-2.0
"""The credit desk in exact integers, written from docs/decisions and not from the contract.

Accounts are known by what the caller measures: equity and initial margin of the base engine. May import
domain modules only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from simulation.domain import credit_math
from simulation.domain.orders import Refused

__all__ = ["CreditLine", "CreditRules", "Desk", "Measure", "Stage", "Tranche"]

BPS = 10_000


class Stage(IntEnum):
    """ICreditDesk.Stage."""

    QUIET = 1
    NOTICE = 2
    HALF_TIME = 4
    DEFAULTED = 8


@dataclass(frozen=True, slots=True)
class CreditRules:
    """ICreditDesk.Parameters and those of the engine."""

    share: int
    multiple: int
    use_rate: int
    commitment_rate: int
    junior_income: int
    subordination: int
    grace: int
    fee_period: int
    max_term: int


@dataclass(frozen=True, slots=True)
class Measure:
    """What the base engine and the ledger say of an account."""

    equity: int
    """Wad, signed."""
    margin: int
    """Initial margin without a line, wad."""
    flat: bool
    """No positions and no loan, whatever is withdrawn of the fee."""
    consents: bool = True
    """Whether the desk is a delegate."""
    on_engine: bool = True
    liquidating: bool = False
    valid: bool = True


@dataclass(slots=True)
class Tranche:
    assets: int = 0
    """Token units."""
    series: int = 0
    shares: Counter[str] = field(default_factory=Counter)

    @property
    def supply(self) -> int:
        return sum(self.shares.values())

    def lose(self, amount: int) -> None:
        """A tranche without anything left starts anew: old shares are void."""
        self.assets -= amount
        if amount and not self.assets:
            self.series += 1
            self.shares.clear()


@dataclass(slots=True)
class CreditLine:
    granted: int
    committed: int
    term: int
    accrued: int
    paid: int
    stage: Stage = Stage.QUIET
    called: int = 0
    used: int = 0
    owed: int = 0


@dataclass(slots=True)
class Desk:
    rules: CreditRules
    scale: int
    """Wad for a token unit."""
    junior: Tranche = field(default_factory=Tranche)
    senior: Tranche = field(default_factory=Tranche)
    lines: dict[int, CreditLine] = field(default_factory=dict)
    now: int = 0

    @property
    def assets(self) -> int:
        return self.junior.assets + self.senior.assets

    @property
    def committed(self) -> int:
        return sum(line.committed for line in self.lines.values())

    @property
    def open_calls(self) -> int:
        return sum(line.stage != Stage.QUIET for line in self.lines.values())

    def redeemable(self, tranche: Tranche) -> int:
        """Nothing while a line is called; never what lines are committed for, nor the junior part of it."""
        if self.open_calls:
            return 0
        bound = 0
        if tranche is self.junior:
            bound = credit_math.first_loss_up(self.committed, self.rules.subordination)
        return min(self.assets - self.committed, max(tranche.assets - bound, 0))

    # --- lenders

    def deposit(self, tranche: Tranche, holder: str, amount: int) -> int:
        shares = credit_math.shares_down(amount, tranche.supply, tranche.assets)
        if not amount or not shares:
            raise Refused("credit_desk: zero amount")
        tranche.assets += amount
        tranche.shares[holder] += shares
        return shares

    def redeem(self, tranche: Tranche, holder: str, shares: int) -> int:
        if not shares:
            raise Refused("credit_desk: zero amount")
        if shares > tranche.shares[holder]:
            raise Refused("credit_desk: too few shares")
        amount = credit_math.assets_down(shares, tranche.supply, tranche.assets)
        if amount > self.redeemable(tranche):
            raise Refused("credit_desk: assets are bound")
        tranche.shares[holder] -= shares
        tranche.assets -= amount
        return amount

    # --- lines

    def grant(self, account: int, amount: int, term: int, seen: Measure) -> None:
        line = self.lines.get(account) or CreditLine(0, 0, term, self.now, self.now)
        if amount:
            self._check_grant(line, term, seen)
            raised = self.committed - line.committed + amount
            if amount > line.committed and (
                raised > self.assets
                or credit_math.first_loss_up(raised, self.rules.subordination) > self.junior.assets
            ):
                raise Refused("credit_desk: not enough assets")
        elif account not in self.lines:
            return
        self._accrue(line)
        line.granted, line.committed, line.term = amount, max(line.committed, amount), term
        self.lines[account] = line

    def _check_grant(self, line: CreditLine, term: int, seen: Measure) -> None:
        if line.stage != Stage.QUIET:
            raise Refused("credit_desk: line is called")
        if not self.now < term <= self.now + self.rules.max_term:
            raise Refused("credit_desk: term out of bound")
        if not seen.on_engine:
            raise Refused("credit_desk: not a credit account")
        if not seen.consents:
            raise Refused("credit_desk: not a delegate")
        if seen.liquidating:
            raise Refused("credit_desk: account in liquidation")

    def credit(self, account: int, liquidating: bool) -> credit_math.Line:
        """What the account's portfolio ends with."""
        line = self.lines.get(account)
        if line is None or line.stage == Stage.DEFAULTED or liquidating:
            return credit_math.Line()
        called_in = line.granted < line.committed or self.now >= line.term
        return credit_math.Line(line.committed * self.scale, BPS if called_in else 0)

    def review(
        self, account: int, seen: Measure, withdraw: Callable[[int], Measure | None] | None = None
    ) -> int:
        """Takes fees, judges the use; returns the token units of fees that were taken.

        Args:
            withdraw: takes token units out of the account's cash and measures it again, None when it is
                refused; without it the withdrawal is worked out from `seen`.
        """
        line = self._line(account, seen)
        self._accrue(line)
        taken, seen = self._collect(line, seen, withdraw or (lambda units: self._paid(account, units, seen)))
        use, limit = self._measure(line, seen)
        if line.stage == Stage.DEFAULTED:
            if use == 0:
                del self.lines[account]
                return taken
        elif use <= limit:
            line.stage, line.called = Stage.QUIET, 0
            line.committed = min(line.committed, self._ceiling(line, seen))
        elif line.stage == Stage.QUIET:
            line.stage, line.called = Stage.NOTICE, self.now
        elif line.stage == Stage.NOTICE and self.now >= line.called + self.rules.grace // 2:
            line.stage = Stage.HALF_TIME
        if not seen.on_engine:
            line.granted = 0
        line.used = min(use, line.committed * self.scale)
        if not line.committed:
            del self.lines[account]
        return taken

    def declare_default(self, account: int, seen: Measure) -> None:
        line = self._line(account, seen)
        if line.stage not in (Stage.NOTICE, Stage.HALF_TIME):
            raise Refused("credit_desk: line is not called")
        if self.now < line.called + self.rules.grace:
            raise Refused("credit_desk: grace is not over")
        use, limit = self._measure(line, seen)
        if use <= limit:
            raise Refused("credit_desk: use is within limit")
        self._accrue(line)
        line.stage = Stage.DEFAULTED
        line.used = min(use, line.committed * self.scale)

    def draw(self, account: int, amount: int) -> tuple[int, int]:
        """What the junior and the senior tranche pay for a loss on the credit engine, token units."""
        line = self.lines.get(account)
        if line is None:
            return 0, 0
        paid = min(amount, line.committed)
        if not paid:
            return 0, 0
        self._accrue(line)
        line.stage = Stage.DEFAULTED
        line.called = line.called or self.now
        line.committed -= paid
        line.used = min(line.used, line.committed * self.scale)
        if not line.committed:
            del self.lines[account]
        junior = min(paid, self.junior.assets)
        self.junior.lose(junior)
        self.senior.lose(paid - junior)
        return junior, paid - junior

    # --- parts

    def _line(self, account: int, seen: Measure) -> CreditLine:
        if account not in self.lines:
            raise Refused("credit_desk: no line")
        if seen.liquidating:
            raise Refused("credit_desk: account in liquidation")
        return self.lines[account]

    def _accrue(self, line: CreditLine) -> None:
        if line.stage != Stage.DEFAULTED:
            used = min(line.used, line.committed * self.scale)
            idle = line.committed * self.scale - used
            rules = self.rules
            line.owed += credit_math.fee_up(
                used, idle, rules.use_rate, rules.commitment_rate, self.now - line.accrued
            )
        line.accrued = self.now

    def _collect(
        self, line: CreditLine, seen: Measure, withdraw: Callable[[int], Measure | None]
    ) -> tuple[int, Measure]:
        """Token units taken, and the account after it."""
        units = line.owed // self.scale
        after = withdraw(units) if units else seen
        if after is None:
            return 0, seen
        line.owed -= units * self.scale
        line.paid = self.now
        junior = units * self.rules.junior_income // BPS
        if not self.senior.supply:
            junior = units
        if not self.junior.supply:
            junior = 0
        self.junior.assets += junior
        self.senior.assets += units - junior
        return units, after

    def _paid(self, account: int, units: int, seen: Measure) -> Measure | None:
        """The account without the fee, where a withdrawal of it is not refused."""
        if not self._can_pay(account, units, seen):
            return None
        return replace(seen, equity=seen.equity - units * self.scale)

    def _can_pay(self, account: int, units: int, seen: Measure) -> bool:
        """A withdrawal by a delegate that leaves initial margin, with the line as it stands."""
        if not seen.consents:
            return False
        equity = seen.equity - units * self.scale
        if seen.flat and equity >= 0:
            return True
        rules, line = self.rules, self.credit(account, seen.liquidating)
        credit = min(
            line.value * (BPS - line.initial_haircut) // BPS,
            credit_math.cap_down(seen.margin, equity, rules.share, rules.multiple),
        )
        return seen.valid and equity >= seen.margin - credit

    def _ceiling(self, line: CreditLine, seen: Measure) -> int:
        late = self.now >= line.term or self.now >= line.paid + self.rules.fee_period
        return 0 if late or line.stage == Stage.DEFAULTED or not seen.on_engine else line.granted

    def _measure(self, line: CreditLine, seen: Measure) -> tuple[int, int]:
        if not seen.on_engine:
            return 0, 0
        if not seen.valid:
            raise Refused("credit_desk: stale price")
        cap = credit_math.cap_down(seen.margin, seen.equity, self.rules.share, self.rules.multiple)
        return credit_math.use(seen.margin, seen.equity), min(self._ceiling(line, seen) * self.scale, cap)
