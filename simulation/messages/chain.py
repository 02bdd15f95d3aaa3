# SPDX-License-Identifier: Apache-2.0
"""What goes into a block and what comes out of it, on any EVM. Addresses are 20 bytes, amounts in wei."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulation.messages.words import Limbs

__all__ = ["REASONS", "BlockEnv", "BlockResult", "Call", "Logs", "Outcome", "Transaction"]

NO_ADDRESS = bytes(20)


class Outcome(IntEnum):
    """How a transaction ended."""

    REVERTED = 0
    """Executed and paid for, its changes undone, what gas was left returned."""
    SUCCESS = 1
    HALTED = 2
    """Executed and paid for with its whole gas limit, its changes undone: out of gas and the like."""
    EXCLUDED = 3
    """Invalid where it stood in the block: nothing executed, nothing paid, the nonce is as it was."""


REASONS = (
    "none",
    "nonce too low",
    "nonce too high",
    "insufficient funds",
    "max fee below base fee",
    "gas limit above what the block has left",
    "priority fee above max fee",
    "gas limit above the transaction cap",
    "gas limit below intrinsic gas",
    "init code too large",
    "sender has code",
    "nonce overflow",
    "invalid transaction",
    "out of gas",
    "invalid opcode",
    "invalid jump destination",
    "stack underflow or overflow",
    "return data out of bounds",
    "address collision",
    "contract code refused",
    "halted",
)
"""Names by code: 0 for a success or a revert, 1 to 12 for an exclusion, the rest for halts."""


@dataclass(frozen=True, slots=True)
class BlockEnv:
    """What a block says of itself; every field is what the contracts see."""

    number: int
    timestamp: int
    """Seconds."""
    coinbase: bytes
    """Receives the tips."""
    gas_limit: int
    base_fee: int
    """Wei per gas, burnt."""
    prevrandao: bytes
    """32 bytes."""


class Transaction(NamedTuple):
    """An EIP-1559 transaction whose sender is trusted, so that nothing is signed.

    A tuple, because the native EVM takes it as it is.
    """

    sender: bytes
    to: bytes | None
    """None creates a contract from `data`."""
    nonce: int
    value: int
    gas_limit: int
    max_fee: int
    """Wei per gas."""
    max_priority_fee: int
    """Wei per gas."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A view: executed on the present state, without nonce and fee, and undone."""

    to: bytes
    data: bytes
    sender: bytes = NO_ADDRESS
    gas_limit: int = 1_000_000_000
    """A batch for the whole world may use more than a block."""


@dataclass(frozen=True, slots=True, eq=False)
class Logs:
    """The logs of a block in their order, as columns."""

    transaction: NDArray[np.int64]
    """Place of the transaction in the block."""
    address: NDArray[np.uint8]
    """Emitters, shape (logs, 20)."""
    topic_count: NDArray[np.uint8]
    topics: Limbs
    """Shape (logs, 4, 4): topic, limb; zero after the last topic."""
    data: bytes
    offsets: NDArray[np.int64]
    """Log i has data[offsets[i]:offsets[i + 1]]."""

    def __len__(self) -> int:
        return len(self.transaction)

    def data_of(self, row: int) -> bytes:
        """The data of one log."""
        return self.data[int(self.offsets[row]) : int(self.offsets[row + 1])]

    def topics_of(self, row: int) -> tuple[bytes, ...]:
        """The topics of one log, 32 bytes each."""
        words = self.topics[row].astype(">u8").tobytes()
        return tuple(words[32 * place : 32 * place + 32] for place in range(int(self.topic_count[row])))


@dataclass(frozen=True, slots=True, eq=False)
class BlockResult:
    """Receipts as columns, one row for each transaction or call given, and the logs of all."""

    status: NDArray[np.uint8]
    """Values of `Outcome`."""
    reason: NDArray[np.uint8]
    """Index into REASONS."""
    gas_used: NDArray[np.int64]
    """Receipt gas; 0 when excluded."""
    gas_price: NDArray[np.int64]
    """Effective, wei per gas; 0 when excluded and for calls."""
    outputs: bytes
    """Return and revert data; a creation has none."""
    offsets: NDArray[np.int64]
    """Row i has outputs[offsets[i]:offsets[i + 1]]."""
    created: NDArray[np.uint8]
    """Created contracts, shape (rows, 20), zero where none."""
    logs: Logs

    def __len__(self) -> int:
        return len(self.status)

    @property
    def total_gas(self) -> int:
        """Gas used by the block."""
        return int(self.gas_used.sum())

    def outcome(self, row: int) -> Outcome:
        """How row `row` ended."""
        return Outcome(int(self.status[row]))

    def output(self, row: int) -> bytes:
        """Return or revert data of row `row`."""
        return self.outputs[int(self.offsets[row]) : int(self.offsets[row + 1])]

    def reason_of(self, row: int) -> str:
        """Why row `row` was excluded or halted, "none" otherwise."""
        return REASONS[int(self.reason[row])]

    def created_by(self, row: int) -> bytes | None:
        """The contract that row `row` created, None where there is none."""
        address = self.created[row].tobytes()
        return None if address == NO_ADDRESS else address
