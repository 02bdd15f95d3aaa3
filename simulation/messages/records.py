# SPDX-License-Identifier: Apache-2.0
"""What one block leaves behind, and what metrics make of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.messages.events import EventColumns
from simulation.messages.intents import Intent
from simulation.messages.receipts import Receipt
from simulation.messages.view import View

__all__ = ["BlockRecord", "Books", "Holding", "Metric", "StressedDeficits", "Submitted"]


class Submitted(NamedTuple):
    """One transaction with all that a table about transactions needs; a tuple like its receipt."""

    receipt: Receipt
    agent: str
    place: int
    """In the block; of one that was not executed, a place after all that were."""
    submitted: int
    """Block in which it entered the pool."""
    sender: str
    """Checksummed address."""
    function: str
    """Contract.function."""
    nonce: int
    gas_limit: int
    max_fee: int
    """Wei per gas."""
    seat: int
    """Which of the seats sent it: an agent of several venues has one at each."""

    @property
    def intent(self) -> Intent:
        """What was asked."""
        return self.receipt.intent


@dataclass(frozen=True, slots=True)
class Books:
    """Vault.reconcile(): the protocol's money, exact, wad USD."""

    assets: int
    """Cash-token backing."""
    claims: int
    """Of accounts, fees and reserve on it; equal to assets plus deficit."""
    deficit: int
    """Socialised, not yet burnt by withdrawals."""
    net_settled: int
    fees: int
    interest_reserve: int
    total_supply: int
    total_borrow: int


class Holding(NamedTuple):
    """What one owner has at one venue after a block. USD."""

    agent: str
    book: str
    """Random stream of the agent: populations that trade the same book share it."""
    account: int
    venue: str
    posted: float
    """Cash and collateral, signed."""
    claim: float
    """max(0, equity)."""
    cash_claim: float
    """The part of the claim that a deficit of the venue falls on: max(0, equity - collateral)."""
    initial_margin: float
    """As the venue's own engine asks for it."""
    alone: float
    """Initial margin of this portfolio under the engine of the owner's first venue."""
    merged: float
    """Initial margin of the parts at all venues in one portfolio, under that engine; equal in all rows."""
    rate: float
    """Exchange rate of the venue."""
    forgone: float
    """Value that deleveraging has taken from the account since the first block, at mark."""


@dataclass(frozen=True, slots=True, eq=False)
class StressedDeficits:
    """What accounts would owe after each shock of the ladder (domain/stress.py), in its order."""

    deficit: NDArray[np.float64]
    """Sum over accounts of max(0, -stressed equity), USD."""
    lines: NDArray[np.float64]
    """The part of it that credit lines of these accounts bear, USD."""
    insolvent: NDArray[np.int64]
    """Accounts whose stressed equity is negative."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockRecord:
    """One block after it was executed, decoded and reconciled."""

    number: int
    timestamp: int
    base_fee: int
    """Wei per gas."""
    gas_used: int
    """Receipts of the block and the gas of others that shared it."""
    gas_limit: int
    pending: int
    """Transactions left in the pool."""
    state_hash: bytes
    """32 bytes, of the whole EVM state after the block."""
    block_hash: bytes
    """32 bytes; chains this block's transactions, receipts, logs and state to all blocks before."""
    transactions: Sequence[Submitted]
    events: Sequence[EventColumns]
    view: View
    """The world after the block."""
    books: Books
    fund_assets: int
    """Cash tokens of the insurance fund, wad USD."""
    stressed: StressedDeficits
    holdings: Sequence[Holding] = ()
    """What owners who spread over venues have at each, and their twins; of sampled blocks alone."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a report."""

    name: str
    value: float | None
    """None: not defined for this run, such as a rate over no events."""
    unit: str
    definition: str
    """One sentence that says how the number is made."""
    low: float | None = None
    """Bounds of the confidence interval; None where there is none."""
    high: float | None = None
    runs: int = 1
    """Number of runs it was made from."""
