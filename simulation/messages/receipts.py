# SPDX-License-Identifier: Apache-2.0
"""What became of an intent: executed, reverted, or gone from the pool. A revert is data, no exception."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from simulation.messages.intents import Intent

__all__ = ["Receipt", "Status"]


class Status(Enum):
    """Where the transaction ended; the values are the words of transactions.parquet."""

    SUCCESS = "success"
    REVERTED = "reverted"
    """Executed and paid for, all its changes undone."""
    REPLACED = "replaced"
    """Outbid by the same sender's transaction of the same nonce."""
    EXPIRED = "expired"
    """Waited in the pool longer than its lifetime."""
    DROPPED = "dropped"
    """Never accepted by the pool: see the reason."""


class Receipt(NamedTuple):
    """The end of one intent; a tuple, because there are hundreds of thousands."""

    intent: Intent
    status: Status
    block: int
    """In which it was executed or left the pool."""
    gas_used: int
    """Receipt gas; 0 when not executed."""
    gas_price: int
    """Effective, wei per gas; 0 when not executed."""
    reason: str
    """Revert reason, or why it left the pool; empty on success."""

    @property
    def success(self) -> bool:
        """Executed, and not reverted."""
        return self.status is Status.SUCCESS

    @property
    def paid(self) -> int:
        """Wei that left the sender for gas."""
        return self.gas_used * self.gas_price
