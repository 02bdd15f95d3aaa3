# SPDX-License-Identifier: Apache-2.0
"""The fee market of EIP-1559. Integers, wei per gas. Imports: nothing of this package."""

from __future__ import annotations

from typing import Final

__all__ = ["effective_tip", "next_base_fee"]

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
