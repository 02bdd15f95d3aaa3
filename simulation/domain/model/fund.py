# SPDX-License-Identifier: Apache-2.0
"""The insurance fund's shares in exact integers. May import domain modules only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulation.domain.orders import Refused

__all__ = ["Fund"]

VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1


@dataclass(slots=True)
class Fund:
    """Assets are token units that were paid in, never what lies at the address."""

    assets: int = 0
    shares: Counter[str] = field(default_factory=Counter)
    paused: bool = False

    @property
    def supply(self) -> int:
        return sum(self.shares.values())

    def shares_for(self, assets: int, up: bool = False) -> int:
        return _divided(assets * (self.supply + VIRTUAL_SHARES), self.assets + VIRTUAL_ASSETS, up)

    def assets_for(self, shares: int, up: bool = False) -> int:
        return _divided(shares * (self.assets + VIRTUAL_ASSETS), self.supply + VIRTUAL_SHARES, up)

    def enter(self, holder: str, assets: int, shares: int) -> None:
        """Raises Refused while paused or for nothing."""
        if self.paused:
            raise Refused("guarded: action is paused")
        if assets == 0 or shares == 0:
            raise Refused("insurance_fund: zero amount")
        self.assets += assets
        self.shares[holder] += shares

    def leave(self, holder: str, assets: int, shares: int, locked: bool) -> None:
        """Raises Refused while locked, beyond the holder's shares, or for nothing."""
        if locked or shares > self.shares[holder]:
            raise Refused("insurance_fund: above maximum")
        if shares == 0:
            raise Refused("insurance_fund: zero amount")
        self.assets -= assets
        self.shares[holder] -= shares


def _divided(numerator: int, denominator: int, up: bool) -> int:
    return -(-numerator // denominator) if up else numerator // denominator
