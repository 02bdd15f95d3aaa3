# SPDX-License-Identifier: Apache-2.0
"""People who put money into the insurance fund, and run when they are afraid.

Imports: agents.base, messages, config.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.config import Distribution, knob, varies
from simulation.config.kinds import NUMBER, SECONDS, SHARE, USD
from simulation.messages import Fees, FundDeposit, FundRedeem, Intent, View

__all__ = ["DepositorSettings", "InsuranceDepositors"]


@dataclass(frozen=True, slots=True)
class DepositorSettings:
    """How much they have and what frightens them."""

    capital: Distribution = knob(varies(USD), {"lognormal": ["50_000 USD", 0.5]})
    invested: float = knob(SHARE, "50 %", low="0 %", high="100 %")
    """Part of the capital that is in the fund at the start."""
    interval: int = knob(SECONDS, "12 h", low="1 s")
    """Mean time between two deposits of a calm depositor."""
    loss_fear: Distribution = knob(varies(SHARE), {"uniform": ["1 %", "20 %"]})
    """Loss of share value from its peak at which a depositor leaves."""
    price_fear: Distribution = knob(varies(SHARE), {"uniform": ["10 %", "40 %"]})
    """Fall of the first market from its peak of the horizon at which a depositor leaves."""
    horizon: int = knob(SECONDS, "6 h", low="1 s")
    """Time constant with which the peak price is forgotten, and the calm needed before coming back."""
    piece: float = knob(NUMBER, 0.25, low=0.01, high=1.0)
    """Part of the wallet that one deposit takes."""
    tip: float = knob(NUMBER, 0.01, low=0.0)
    """Priority fee, gwei."""


class InsuranceDepositors(Agent):
    """A population; each has its own threshold of fear and tries again until a locked fund lets it out."""

    role = "depositor"
    settings_class: ClassVar[type[DepositorSettings]] = DepositorSettings
    settings: DepositorSettings

    def __init__(
        self,
        name: str,
        accounts: NDArray[np.int64],
        settings: DepositorSettings | None,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=20)
        count = len(accounts)
        self.capital = np.maximum(self.settings.capital.draw(rng, count), 1.0)
        self.loss_fear = self.settings.loss_fear.draw(rng, count)
        self.price_fear = self.settings.price_fear.draw(rng, count)
        self.peak_price = 0.0
        self.peak_share = 0.0
        self.afraid_until = np.zeros(count, np.int64)

    def endowments(self) -> Sequence[Endowment]:
        """Part in the fund, the rest in the wallet."""
        share = self.settings.invested
        return [Endowment(wallet=value * (1 - share), fund=value * share) for value in self.capital.tolist()]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """The frightened redeem all they have; the calm add a piece now and then."""
        draws = rng.random(len(self.accounts))
        price, fund = view.markets[0].reference, view.fund
        forget = -np.expm1(-view.block_time / self.settings.horizon)
        self.peak_price = max(price, self.peak_price - forget * (self.peak_price - price))
        share_value = fund.assets / fund.shares if fund.shares > 0 else 0.0
        self.peak_share = max(share_value, self.peak_share)
        loss = 1.0 - share_value / self.peak_share if self.peak_share > 0 else 0.0
        fall = 1.0 - price / self.peak_price
        afraid = (loss > self.loss_fear) | (fall > self.price_fear)
        self.afraid_until[afraid] = view.timestamp + self.settings.horizon
        afraid = self.afraid_until > view.timestamp

        shares = view.accounts.fund_shares[self.rows]
        wallet = view.accounts.wallet[self.rows, 0]
        odds = -np.expm1(-view.block_time / self.settings.interval)
        # A locked fund refuses; knocking once in ten blocks is enough.
        leaving = afraid & (shares > 0) & (draws < (0.1 if fund.locked else 1.0))
        joining = ~afraid & (wallet > 1.0) & (draws < odds)
        intents: list[Intent] = []
        for place in np.flatnonzero(leaving).tolist():
            amount = int(shares[place] * 10**fund.share_decimals * (1 - 1e-12))
            if amount > 0:
                intents.append(FundRedeem(account=int(self.accounts[place]), shares=amount, fees=self.fees))
        for place in np.flatnonzero(joining).tolist():
            amount = view.units(0, float(wallet[place]) * self.settings.piece)
            if amount > 0:
                intents.append(FundDeposit(account=int(self.accounts[place]), amount=amount, fees=self.fees))
        return intents

    def measure(self) -> dict[str, float]:
        """How many were ever afraid."""
        return {"frightened": float(np.count_nonzero(self.afraid_until))}
