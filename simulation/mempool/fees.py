# SPDX-License-Identifier: Apache-2.0
"""Base fee and block space: EIP-1559, and the demand of everyone who is not simulated.

The rest of the world wants `target * (price / base_fee) ** elasticity` gas in each block: exactly the
target when the base fee equals the external price, less when it is dearer, more when it is cheaper. Its
transactions stand in the block like any other, at one tip of their own: whoever bids less gets what space
they leave. Blocks are thus as full, and the base fee as high, as the path of external prices says, and
rises further when agents add to it. Integers; wei and gas. Imports: nothing of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Congestion", "effective_tip", "next_base_fee"]

ELASTICITY_MULTIPLIER: Final = 2
"""Gas limit over gas target (EIP-1559)."""
CHANGE_DENOMINATOR: Final = 8
"""A full block raises the base fee by one eighth (EIP-1559)."""


def next_base_fee(base_fee: int, gas_used: int, gas_limit: int) -> int:
    """The base fee of the block after one that used `gas_used` (EIP-1559), wei per gas, never below 1."""
    target = gas_limit // ELASTICITY_MULTIPLIER
    if gas_used == target:
        return base_fee
    change = base_fee * abs(gas_used - target) // target // CHANGE_DENOMINATOR
    return base_fee + max(1, change) if gas_used > target else max(1, base_fee - change)


def effective_tip(tip: int, max_fee: int, base_fee: int) -> int:
    """What the block builder earns per gas; negative: the transaction cannot enter this block."""
    return min(tip, max_fee - base_fee)


@dataclass(frozen=True, slots=True)
class Congestion:
    """Demand of others for block space."""

    price: int = 0
    """Base fee at which their demand just meets the gas target, wei per gas; 0: nobody else is there."""
    elasticity: float = 2.0
    """How steeply demand falls as the base fee rises above that price, >= 0."""
    tip: int = 0
    """Priority fee of others, wei per gas."""

    def demand(self, base_fee: int, gas_limit: int) -> int:
        """Gas that others want in a block at this base fee, at most the whole block."""
        if self.price <= 0:
            return 0
        target = gas_limit // ELASTICITY_MULTIPLIER
        return min(gas_limit, int(target * (self.price / max(1, base_fee)) ** self.elasticity))
