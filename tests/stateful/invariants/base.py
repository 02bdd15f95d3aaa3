# SPDX-License-Identifier: Apache-2.0
"""How an invariant is declared, and what it may look at.

A check is a function of one `View`: the step that was made, the world on both sides of it, and what the run
remembers. It raises AssertionError; the message that reaches the reader starts with the id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulation.domain import ledger_math
from simulation.domain.market_math import is_inverse
from tests.stateful.driver import Driver, Step
from tests.stateful.margins import Margin
from tests.stateful.world_state import Account, State

__all__ = ["INVARIANTS", "Check", "Invariant", "Memory", "View", "invariant"]

Check = Callable[["View"], None]


@dataclass(frozen=True, slots=True)
class Invariant:
    id: str
    sentence: str
    check: Check


INVARIANTS: list[Invariant] = []


def invariant(id: str, sentence: str) -> Callable[[Check], Check]:
    """Registers a check under the number of the canonical list."""

    def register(check: Check) -> Check:
        INVARIANTS.append(Invariant(id, sentence, check))
        return check

    return register


@dataclass(slots=True)
class Memory:
    """What has happened since the run began."""

    realised: Counter[int] = field(default_factory=Counter)
    """By market: PnL and funding booked to cash before fees, wad."""
    funding_paid: Counter[int] = field(default_factory=Counter)
    """By market: funding that all accounts together have received, wad."""
    socialised: int = 0
    repaid: int = 0
    """Deficit that withdrawals have burnt, wad."""
    accruals: int = 0
    interest_tolerance: int = 0
    """Wei by which totals, rounded once for all, may differ from the sum of accounts."""
    fills: Counter[int] = field(default_factory=Counter)
    """By order: lots filled."""
    gone: set[int] = field(default_factory=set)
    """Orders that were filled or removed."""
    requests: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By account: the engine it has asked for, and when."""


@dataclass(frozen=True, slots=True)
class PositionChange:
    """One PositionModified, with what stood before it."""

    account: int
    market: int
    delta: int
    old_size: int
    size: int
    quote: int
    """What the change of cash says was paid, wad, positive when buying."""
    funding: int
    """Funding received, wad."""
    realised: int
    """Change of cash before the fee, wad."""
    fee: int
    coin: int = 0
    """Nano coin that an inverse position was given; its quote is what cash says was paid."""


class View:
    """One step as the checks see it."""

    def __init__(self, driver: Driver, step: Step, memory: Memory) -> None:
        self.driver = driver
        self.step = step
        self.memory = memory
        self.before: State = step.before
        self.after: State = step.after
        self.scale = driver.scale
        self.parameters = driver.parameters
        self.changed: tuple[int, ...] = tuple(
            number
            for number, (old, new) in enumerate(
                zip(step.before.accounts, step.after.accounts, strict=True), 1
            )
            if old is not new
        )
        """Accounts whose storage the step changed."""
        self._changes: list[PositionChange] | None = None
        self.cash_trail: dict[int, int] = {}
        """Cash of each account after the last event that names it."""

    def account(self, number: int) -> tuple[Account, Account]:
        return self.before.accounts[number - 1], self.after.accounts[number - 1]

    def margins(self, number: int) -> tuple[Margin, Margin]:
        """Before and after, at the parameters of now."""
        return self.driver.margin(self.before, number), self.driver.margin(self.after, number)

    @property
    def is_parameter_change(self) -> bool:
        return self.step.contract in ("CrossMargin", "IsolatedMargin") or self.step.function.startswith(
            "set_"
        )

    def paid_by_line(self) -> int:
        """What the lenders of a credit line have paid in the step, wad."""
        return sum(event["amount"] for event in self.step.named("CreditDrawn")) * self.scale

    @property
    def moves_prices(self) -> bool:
        return self.step.contract == "Oracle"

    @property
    def changes(self) -> list[PositionChange]:
        """Every change of a position in the step, in order."""
        if self._changes is None:
            self._changes = list(self._follow())
        return self._changes

    def _coin_before(self, account: int, market: int) -> int:
        held = self.before.accounts[account - 1].positions.get(market)
        return held.coin if held else 0

    def _follow(self) -> Iterator[PositionChange]:
        sizes: dict[tuple[int, int], tuple[int, int, int]] = {}
        coins: dict[tuple[int, int], int] = {}
        for event in self.step.outcome.events:
            args: dict[str, Any] = event.args
            if event.name in ("Deposited", "Withdrawn") and args["asset"] == 0:
                self.cash_trail[args["account"]] = args["balance"]
            elif event.name == "CashMoved":
                self.cash_trail[args["account"]] = args["cash"]
            elif event.name == "PositionModified":
                account, market = args["account"], args["market"]
                cash = self.cash_trail.get(account)
                if cash is None:
                    cash = self.driver.cash_now(self.before, self.before.accounts[account - 1])
                if (account, market) in sizes:
                    old_size, old_entry, old_index = sizes[account, market]
                else:
                    old = self.before.accounts[account - 1].positions.get(market)
                    old_size, old_entry, old_index = (
                        (old.size, old.entry, old.funding_index) if old else (0, 0, 0)
                    )
                size, entry, index = args["size"], args["entry_price"], args["funding_index"]
                coin = 0
                if is_inverse(market):
                    held, entry = ledger_math.coin(entry), 0
                    coin = held - coins.get((account, market), self._coin_before(account, market))
                    coins[account, market] = held
                realised = args["cash"] - cash + args["fee"]
                funding = -old_size * (index - old_index)
                yield PositionChange(
                    account,
                    market,
                    args["delta"],
                    old_size,
                    size,
                    size * entry - old_size * old_entry + funding - realised,
                    funding,
                    realised,
                    args["fee"],
                    coin,
                )
                self.cash_trail[account] = args["cash"]
                sizes[account, market] = (size, entry, index)


def worst_sizes(account: Account) -> dict[int, int]:
    """Largest |size| that each market's resting orders can lead to, nano base."""
    return defaultdict(
        int,
        {
            market: max(abs(position.size + position.bids), abs(position.size - position.asks))
            for market, position in account.positions.items()
        },
    )
