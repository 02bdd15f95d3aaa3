# SPDX-License-Identifier: Apache-2.0
"""The protocol's own bot: what must be done and pays nobody, within a limit of what it may cost.

It makes, escalates and cures margin calls, moves auctions along the waterfall where no bid can, settles what
has expired and inverse positions in their coin, has credit lines reviewed and defaulted when it is time,
keeps the records of a SolvencyGuard up to date and sweeps fees into the insurance fund. It starts no auction
and bids in none: that is what keepers are paid for.
Imports: agents (base, attempts, line_calls, margin_calls, records, settlement, waterfall), messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.attempts import Attempts
from simulation.agents.base import Agent
from simulation.agents.line_calls import line_steps
from simulation.agents.margin_calls import call_steps, cures
from simulation.agents.records import RecordRounds
from simulation.agents.settlement import CoinRounds, settlement_steps
from simulation.agents.waterfall import next_step
from simulation.config import knob
from simulation.config.kinds import INTEGER, NUMBER, SECONDS, USD
from simulation.messages import (
    Deleverage,
    Fees,
    Intent,
    Receipt,
    RefreshContributions,
    SweepFees,
    View,
)

__all__ = ["OperatorSettings", "ProtocolOperator"]


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What it does and what that may cost."""

    calls: int = knob(INTEGER, 20, low=0, high=1000)
    """Steps of margin calls that it takes in one block at most."""
    call_cost: float = knob(USD, "2 USD", low="0 USD")
    """Gas of one margin call above which it leaves owners to themselves."""
    steps: int = knob(INTEGER, 8, low=0, high=1000)
    """Auctions that it moves on in one block at most."""
    settlements: int = knob(INTEGER, 16, low=0, high=1000)
    """Transactions for expired series, and as many for inverse markets, that it sends in one block."""
    coin_settlement: int = knob(SECONDS, "8 h", low="1 s")
    """Time between two rounds in which inverse positions are settled in coin."""
    coin_least: float = knob(USD, "10 USD", low="0 USD")
    """PnL of an inverse position below which it waits for the next round."""
    lines: int = knob(INTEGER, 16, low=0, high=1000)
    """Reviews and defaults of credit lines that it sends in one block at most."""
    collect: int = knob(SECONDS, "12 h", low="1 s")
    """Time after which it has the fees of a credit line collected."""
    refreshes: int = knob(INTEGER, 8, low=0, high=64)
    """Accounts whose record with the SolvencyGuard, where there is one, it brings up to date in a block."""
    sweep: int = knob(SECONDS, "1 h", low="1 s")
    """Time between two sweeps of fees into the insurance fund."""
    tip: float = knob(NUMBER, 0.02, low=0.0)
    """Priority fee, gwei."""
    call_gas: int = knob(INTEGER, 120_000, low=21_000)
    """Gas it expects to spend on a margin call."""


class ProtocolOperator(Agent):
    """One account that holds nothing."""

    role = "operator"
    individual = True
    settings_class: ClassVar[type[OperatorSettings]] = OperatorSettings
    settings: OperatorSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: OperatorSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.account = int(accounts[0])
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=20)
        self.attempts = Attempts(caution=32)
        self.next_sweep = 0
        self.guarded = False
        """Whether its venue has a SolvencyGuard."""
        self.records = RecordRounds()
        self.coin = CoinRounds(self.settings.coin_settlement, self.settings.coin_least)

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """Sweeps, calls and steps that are due and not under way."""
        intents = []
        coin = self.coin.steps(view, self.account, self.fees, self.settings.settlements)
        due = (
            *self._sweeps(view),
            *self._calls(view),
            *self._steps(view),
            *self._settlements(view),
            *coin,
            *self._lines(view),
            *self._records(view),
        )
        for intent in due:
            if self.attempts.allows(intent, view.block):
                self.attempts.add(intent)
                intents.append(intent)
        return intents

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """What is done may be done again; what reverted waits."""
        self.attempts.close(receipt)

    def _sweeps(self, view: View) -> Iterator[Intent]:
        if view.timestamp >= self.next_sweep:
            if self.next_sweep:
                yield SweepFees(account=self.account, fees=self.fees)
            self.next_sweep = view.timestamp + self.settings.sweep

    def _calls(self, view: View) -> Iterator[Intent]:
        plan = self.settings
        if view.gas_cost(plan.call_gas, self.fees.tip) > plan.call_cost:
            return
        # Cures first: a call that is met must not be there for the next dip.
        steps = chain(cures(view, self.account, self.fees), call_steps(view, self.account, self.fees))
        yield from islice(steps, plan.calls)

    def _settlements(self, view: View) -> Iterator[Intent]:
        return islice(settlement_steps(view, self.account, self.fees), self.settings.settlements)

    def _lines(self, view: View) -> Iterator[Intent]:
        steps = line_steps(view, self.account, self.fees, self.settings.collect)
        fresh = (step for step in steps if self.attempts.allows(step, view.block))
        return islice(fresh, self.settings.lines)

    def _records(self, view: View) -> Iterator[Intent]:
        refresh = RefreshContributions(account=self.account, targets=(), fees=self.fees)
        if self.guarded and self.attempts.allows(refresh, view.block):
            targets = self.records.next_targets(view.accounts, self.settings.refreshes)
            if targets:
                yield replace(refresh, targets=targets)

    def _steps(self, view: View) -> Iterator[Intent]:
        left, markets = self.settings.steps, set()
        for place in range(len(view.auctions.account)):
            if not left:
                return
            step = next_step(view, place, self.account, self.fees)
            if step is None:
                continue
            if isinstance(step, Deleverage):
                # A second one in the block would meet a ranking that the first has changed.
                if step.market in markets:
                    continue
                markets.add(step.market)
            left -= 1
            yield step
