# SPDX-License-Identifier: Apache-2.0
"""What an agent is: a pure decision over the shared view, for one account or for a whole population.

An agent never touches the chain. It is asked once a block what it wants done, told what became of each
transaction, and asked what it measures of itself; order, latency, gas and failure belong to the environment.
Its random numbers come from the stream that belongs to its name. Imports: messages, config.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simulation.config import MAIN
from simulation.messages import Intent, Receipt, View

__all__ = ["Agent", "Endowment"]


@dataclass(frozen=True, slots=True)
class Endowment:
    """What an account is given before the first block. Money in USD."""

    cash: float = 0.0
    """Deposited into the account."""
    wallet: float = 0.0
    """Cash tokens that its owner keeps outside the Vault."""
    collateral: float = 0.0
    """Value of the first collateral asset, deposited into the account."""
    fund: float = 0.0
    """Deposited into the insurance fund for its owner."""
    junior: float = 0.0
    """Lent to the junior tranche of the credit desk for its owner; kept in the wallet without a desk."""
    senior: float = 0.0
    """Likewise, to the senior tranche."""


class Agent:
    """Base of all agents.

    Args:
        name: unique in a run; names the random stream.
        accounts: numbers of the accounts it decides for, rising.
        settings: parameters of its kind; None takes `defaults`, or those of `settings_class`.
        rng: stream for draws made once, before the run: tastes, capital.
    """

    role: ClassVar[str] = "trader"
    """What it is called in tables: trader, maker, keeper, relayer, depositor, lender, underwriter."""
    settings_class: ClassVar[type[Any] | None] = None
    defaults: ClassVar[Any] = None
    """Settings of an agent that no scenario describes, such as one from `--agent`."""
    individual: ClassVar[bool] = False
    """A scenario's `count` makes that many agents of one account each, not one agent of many accounts."""
    spreads: ClassVar[bool] = False
    """May have accounts at several venues; then it decides by `decide_across`."""

    one_market: ClassVar[bool] = False
    """Each of its accounts trades in one market only, so that it may be under isolated margin."""
    borrows: ClassVar[bool] = False
    """Its accounts on the credit engine make the desk their delegate, without which there is no line."""

    latency: int = 0
    """Blocks between a decision and its arrival in the pool."""

    def __init__(
        self, name: str, accounts: NDArray[np.int64], settings: Any, rng: np.random.Generator
    ) -> None:
        self.name = name
        self.stream = name
        """Names its random numbers; agents with the same one draw alike."""
        self.venues: tuple[str, ...] = (MAIN,)
        """Where its accounts are, its home first; at each it has all of `accounts`."""
        self.accounts = accounts
        self.rows = accounts - 1
        """Rows of its accounts in the view's arrays."""
        if settings is None:
            settings = self.defaults
        if settings is None and self.settings_class is not None:
            settings = self.settings_class()
        self.settings = settings

    def endowments(self) -> Sequence[Endowment]:
        """What each of its accounts starts with, in the order of `accounts`."""
        return [Endowment() for _ in self.accounts]

    def endowments_at(self, place: int) -> Sequence[Endowment]:
        """What each account starts with at one of the agent's venues, from 0; wallets at the first."""
        return self.endowments() if place == 0 else [Endowment() for _ in self.accounts]

    def decide(self, view: View, rng: np.random.Generator) -> Sequence[Intent]:
        """What it wants done now. Must not change the view."""
        raise NotImplementedError

    def decide_across(self, views: Sequence[View], rng: np.random.Generator) -> Sequence[Sequence[Intent]]:
        """What it wants done at each of its venues, when there are several; `views` are in their order."""
        raise NotImplementedError

    def on_receipt(self, receipt: Receipt, rng: np.random.Generator) -> None:
        """Told once for every intent what became of it, reverts included."""

    def measure(self) -> Mapping[str, float]:
        """Figures of its own for the record, beside wealth and gas."""
        return {}
