# SPDX-License-Identifier: Apache-2.0
"""The mempool: pending transactions, fees, block building. Knows no chain and no agent."""

from simulation.mempool.fees import effective_tip, next_base_fee
from simulation.mempool.pool import Block, Mempool, Pending, Submission

__all__ = ["Block", "Mempool", "Pending", "Submission", "effective_tip", "next_base_fee"]
