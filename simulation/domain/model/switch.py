# SPDX-License-Identifier: Apache-2.0
"""Changes of margin engine after a delay, written from IEngineSwitch. May import domain modules only."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulation.domain.model.positions import Positions
from simulation.domain.orders import Refused

__all__ = ["Switch"]

WINDOW = 7 * 86_400
"""Seconds for which a request can be used."""


@dataclass(slots=True)
class Switch:
    """Who asked for which engine, and from when on it may have it."""

    ledger: Positions
    delay: int
    requests: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By account: engine and unix seconds."""

    def request(self, caller: str, number: int, engine: int) -> None:
        self._check_owner(caller, number)
        if engine not in self.ledger.engines:
            raise Refused("engine_switch: no such engine")
        self.requests[number] = engine, self.ledger.now + self.delay

    def change(self, caller: str, number: int) -> None:
        """The new engine permits every market, and its initial margin is met at valid prices."""
        self._check_owner(caller, number)
        engine, due = self.requests.pop(number, (0, 0))
        if not due <= self.ledger.now < due + WINDOW:
            raise Refused("engine_switch: no change is due")
        account, markets = self.ledger.accounts[number], list(self.ledger.accounts[number].positions)
        account.engine = engine
        if account.in_liquidation:
            raise Refused("vault: account in liquidation")
        for place, market in enumerate(markets):
            if not self.ledger.engines[engine].permits(market, markets[:place], self.ledger.markets):
                raise Refused("engine_switch: market not permitted")
        found, valid = self.ledger.assess(account)
        if not valid or found.equity < found.initial_margin:
            raise Refused("vault: below initial margin")

    def _check_owner(self, caller: str, number: int) -> None:
        known = self.ledger.accounts.get(number)
        if known is None or known.owner != caller:
            raise Refused("engine_switch: caller is not the owner")
