# SPDX-License-Identifier: Apache-2.0
"""People who lend to the credit desk: each in one tranche, out when it has lost, in while it pays.

Imports: agents.base, messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import NUMBER, SECONDS, SHARE, USD
from simulation.messages import CreditView, DeskDeposit, DeskRedeem, Fees, Intent, View
from simulation.messages.credit import JUNIOR, SENIOR

__all__ = ["LenderSettings", "Lenders"]


@dataclass(frozen=True, slots=True)
class LenderSettings:
    """How much they have, which tranche they want, what frightens them and what they ask for."""

    capital: Distribution = knob(varies(USD), {"lognormal": ["150_000 USD", 0.5]})
    lent: float = knob(SHARE, "80 %", low="0 %", high="100 %")
    """Part of the capital that is with the desk at the start."""
    junior: float = knob(SHARE, "40 %", low="0 %", high="100 %")
    """Share of lenders who take the junior tranche."""
    interval: int = knob(SECONDS, "12 h", low="1 s")
    """Mean time between two looks of a calm lender at what its tranche pays."""
    loss_fear: Distribution = knob(varies(SHARE), {"uniform": ["2 %", "30 %"]})
    """Loss of share value from its peak at which a lender leaves, as soon as the desk lets it."""
    least_yield: Distribution = knob(varies(SHARE), {"uniform": ["0 %", "2 %"]})
    """A year, at present use of lines: below it a lender takes a piece out, above it adds one."""
    piece: float = knob(NUMBER, 0.25, low=0.01, high=1.0)
    """Part of what it holds, in the wallet or at the desk, that one transaction moves."""
    tip: float = knob(NUMBER, 0.01, low=0.0)
    """Priority fee, gwei."""


class Lenders(Agent):
    """A population; who is afraid tries again until no line is called and enough is not bound."""

    role = "lender"
    settings_class: ClassVar[type[LenderSettings]] = LenderSettings
    settings: LenderSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: LenderSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        plan, count = self.settings, len(accounts)
        self.fees = Fees(tip=int(plan.tip * 1e9), lifetime=20)
        self.capital = np.maximum(plan.capital.draw(rng, count), 1.0)
        # The draws decide who is junior, their number is what is asked for.
        order = np.argsort(rng.random(count), kind="stable")
        self.tranche = np.full(count, SENIOR)
        self.tranche[order[: round(plan.junior * count)]] = JUNIOR
        self.loss_fear = plan.loss_fear.draw(rng, count)
        self.least_yield = plan.least_yield.draw(rng, count)
        self.peak = np.zeros(2)
        self.frightened = np.zeros(count, np.bool_)
        self.lent = 0.0

    def endowments(self) -> Sequence[Endowment]:
        """Part with the desk, the rest in the wallet."""
        share = self.settings.lent
        return [
            Endowment(
                wallet=value * (1 - share),
                junior=value * share if tranche == JUNIOR else 0.0,
                senior=value * share if tranche == SENIOR else 0.0,
            )
            for value, tranche in zip(self.capital.tolist(), self.tranche.tolist(), strict=True)
        ]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """The frightened redeem what they can; of the others who look, a piece in or out."""
        draws = rng.random(len(self.accounts))
        desk = view.credit
        if desk is None:
            return []
        self.lent = float(desk.lent_value[self.rows].sum())
        values = np.array(desk.share_values)
        self.peak = np.maximum(values, self.peak)
        loss = np.where(self.peak > 0.0, 1.0 - values / np.maximum(self.peak, 1e-18), 0.0)[self.tranche - 1]
        self.frightened |= loss > self.loss_fear
        pays = np.array(desk.yields)[self.tranche - 1] >= self.least_yield
        looks = draws < -np.expm1(-view.block_time / self.settings.interval)
        intents: list[Intent] = []
        for place in np.flatnonzero(self.frightened).tolist():
            intents.extend(self._redeem(desk, place, 1.0))
        for place in np.flatnonzero(looks & ~self.frightened).tolist():
            if pays[place]:
                intents.extend(self._deposit(view, place))
            else:
                intents.extend(self._redeem(desk, place, self.settings.piece))
        return intents

    def measure(self) -> dict[str, float]:
        """What they have lent, and how many were ever afraid."""
        return {"lent_usd": self.lent, "frightened": float(self.frightened.sum())}

    def _deposit(self, view: View, place: int) -> Iterator[Intent]:
        wallet = float(view.accounts.wallet[self.rows[place], 0])
        amount = view.units(0, wallet * self.settings.piece)
        if wallet > 1.0 and amount > 0:
            yield DeskDeposit(
                account=int(self.accounts[place]),
                tranche=int(self.tranche[place]),
                amount=amount,
                fees=self.fees,
            )

    def _redeem(self, desk: CreditView, place: int, part: float) -> Iterator[Intent]:
        at = int(self.tranche[place]) - 1
        own, value = float(desk.lent[self.rows[place], at]), desk.share_values[at]
        # A little less than is free, which another lender's redemption in the same block may take.
        most = 0.999 * desk.redeemable[at] / value if value > 0.0 else 0.0
        shares = int(min(part * own, most) * 10**desk.share_decimals * (1 - 1e-12))
        if shares > 0 and min(part * own, most) * value > 1.0:
            yield DeskRedeem(account=int(self.accounts[place]), tranche=at + 1, shares=shares, fees=self.fees)
