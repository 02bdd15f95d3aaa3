# SPDX-License-Identifier: Apache-2.0
"""A large leveraged holder: builds one big position slowly and then sits on it.

Imports: agents.base, messages, config.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.agents.base import Agent, Endowment
from simulation.config import knob
from simulation.config.kinds import FLAG, INTEGER, NUMBER, SECONDS, SHARE, USD, choice
from simulation.messages import IMMEDIATE, Deposit, Fees, Intent, PlaceOrder, View

__all__ = ["Whale", "WhaleSettings"]


@dataclass(frozen=True, slots=True)
class WhaleSettings:
    """What it holds and how stubborn it is."""

    capital: float = knob(USD, "1_000_000 USD", low="1 USD")
    collateral_share: float = knob(SHARE, "50 %", low="0 %", high="90 %")
    """Part of the capital that is the first collateral asset."""
    reserve: float = knob(NUMBER, 0.25, low=0.0, high=100.0)
    """Cash kept in the wallet, as a multiple of the capital."""
    market: int = knob(INTEGER, 1, low=1, high=255)
    """Number of a perpetual, from 1; from 128 inverse ones."""
    side: str = knob(choice("long", "short"), "long")
    leverage: float = knob(NUMBER, 5.0, low=0.1, high=100.0)
    """Notional over capital that it builds."""
    building: int = knob(SECONDS, "6 h", low="1 s")
    """Time over which it builds the position."""
    slippage: float = knob(SHARE, "0.5 %", low="0 %", high="50 %")
    """Worst price accepted, from mid."""
    defends: bool = knob(FLAG, True)
    """Whether it adds its reserve when its margin is called."""
    tip: float = knob(NUMBER, 0.02, low=0.0)
    """Priority fee, gwei."""


class Whale(Agent):
    """Buys a slice each block until it holds what it wants; adds its reserve once called; never reduces."""

    role = "trader"
    individual = True
    one_market = True
    borrows = True
    settings_class: ClassVar[type[WhaleSettings]] = WhaleSettings
    settings: WhaleSettings

    def __init__(
        self, name: str, accounts: NDArray[np.int64], settings: WhaleSettings | None, rng: np.random.Generator
    ) -> None:
        super().__init__(name, accounts, settings, rng)
        self.fees = Fees(tip=int(self.settings.tip * 1e9), lifetime=20)

    def endowments(self) -> Sequence[Endowment]:
        """Capital, part of it as collateral, and the reserve in the wallet."""
        share, capital = self.settings.collateral_share, self.settings.capital
        return [
            Endowment(
                cash=capital * (1 - share), wallet=capital * self.settings.reserve, collateral=capital * share
            )
            for _ in self.accounts
        ]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """One slice, or one defence."""
        plan, row, account = self.settings, int(self.rows[0]), int(self.accounts[0])
        accounts = view.accounts
        if accounts.liquidating[row]:
            return []
        equity, required = float(accounts.equity[row]), float(accounts.initial_margin[row])
        if equity < required:
            amount = view.units(0, min(2.0 * (required - equity), float(accounts.wallet[row, 0])))
            if plan.defends and amount > 0:
                return [Deposit(account=account, asset=0, amount=amount, fees=self.fees)]
            return []
        numbers = [market.market for market in view.perpetuals]
        column = numbers.index(plan.market) if plan.market in numbers else len(numbers) - 1
        market = view.markets[column]
        goal = market.size_of(plan.capital * plan.leverage, market.mark) if market.mark else 0.0
        held = abs(float(accounts.size[row, column]))
        piece = min(goal - held, goal * view.block_time / plan.building)
        # Initial margin leaves room for a trade only while equity is well above it.
        lots = market.lots(piece) if piece > 0 and equity > 1.2 * required else 0
        if lots == 0 or not market.valid:
            return []
        buys = plan.side == "long"
        price = market.mid * (1.0 + plan.slippage if buys else 1.0 - plan.slippage)
        return [
            PlaceOrder(
                account=account,
                market=market.market,
                is_bid=buys,
                tick=market.tick_up(price) if buys else market.tick_down(price),
                lots=lots,
                options=IMMEDIATE,
                fees=self.fees,
            )
        ]
