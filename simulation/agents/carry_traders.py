# SPDX-License-Identifier: Apache-2.0
"""Carry traders: coin as collateral, its price sold away with a short inverse perpetual, for the funding.

A short of as many contracts as the coin is worth leaves an account whose value in USD does not move with the
price: PnL in coin is just what the coin has lost. Imports: agents.option_traders, messages, config.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulation.agents.option_traders import DatedSettings, DatedTraders
from simulation.agents.traders import TraderSettings
from simulation.config import knob
from simulation.config.kinds import SHARE, YEARLY
from simulation.messages import Intent, View

__all__ = ["CarrySettings", "CarryTraders"]

HOURS = 8_760


@dataclass(frozen=True, slots=True)
class CarrySettings(DatedSettings):
    """When funding is worth it. What it aims at is a delta of zero, whatever `leverage` says."""

    collateral_share: float = knob(SHARE, "90 %", low="0 %", high="90 %")
    enter: float = knob(YEARLY, "5 %/year", low="-1000 %/year")
    """Yearly funding from which the coin is sold forward."""
    leave: float = knob(YEARLY, "-5 %/year", low="-1000 %/year")
    """Yearly funding below which the short is closed."""
    piece: float = knob(SHARE, "25 %", low="0.1 %", high="100 %")
    """Part of the coin that is hedged at once."""


class CarryTraders(DatedTraders):
    """Sell inverse contracts until the coin in the account is hedged, while shorts are paid for it."""

    settings_class: ClassVar[type[TraderSettings]] = CarrySettings
    settings: CarrySettings

    def perpetuals(self, view: View) -> list[int]:
        """Columns of the inverse perpetuals that this population trades."""
        return [at for at in super().perpetuals(view) if view.markets[at].inverse]

    def act(self, view: View, place: int, rng: np.random.Generator) -> Iterator[Intent]:
        """A piece of the hedge, or of its end."""
        accounts, row, plan = view.accounts, int(self.rows[place]), self.settings
        if not self.perpetuals(view):
            return
        column = int(self.columns(view, np.array([place]))[0])
        market = view.markets[column]
        coin = float(accounts.collateral[row, market.settled_in - 1])
        held = float(accounts.size[row, column])
        yearly = market.funding_rate * HOURS
        if yearly < plan.leave:
            wanted = -held
        elif held < 0.0 or yearly >= plan.enter:
            wanted = market.size_for(-coin - float(accounts.delta[row, column]), market.mark)
        else:
            return
        most = plan.piece * max(coin * market.mark, abs(held))
        size = float(np.clip(wanted, -most, most))
        # A hedge is never given up for want of margin, only not begun.
        if abs(size) >= plan.minimum and (size * held < 0.0 or self.room(view, place) > 0.0):
            yield from self.order(place, market, size, 0.005 * market.mark, self.fees)
