# SPDX-License-Identifier: Apache-2.0
"""The one seam between the laboratory and an EVM.

Every backend gives the same status, gas, output, logs, balances, nonces and state hash for the same blocks;
they differ in speed alone. Imports: messages only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from simulation.messages.chain import BlockEnv, BlockResult, Call, Transaction

__all__ = ["CHAIN_ID", "TX_GAS_LIMIT_CAP", "Chain"]

CHAIN_ID = 1337
TX_GAS_LIMIT_CAP = 16_777_216
"""Largest gas limit of a transaction (EIP-7825), enforced although the hard fork is Cancun."""


class Chain(Protocol):
    """An EVM with a state, driven block by block at the rules of Cancun."""

    @property
    def name(self) -> str:
        """`revm` or `tester`."""

    @property
    def chain_id(self) -> int:
        """What CHAINID answers."""

    def execute_block(self, env: BlockEnv, transactions: Sequence[Transaction]) -> BlockResult:
        """Executes the transactions in order and keeps what they changed.

        A transaction that is invalid where it stands is excluded with its reason and the rest goes on.
        BLOCKHASH answers keccak256 of the number as 32 bytes for the 256 blocks before.
        """

    def call_many(self, env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        """Executes each call alone on the present state, all slots cold, and undoes it."""

    def fund(self, address: bytes, balance: int) -> None:
        """Sets a balance out of nothing, before the run begins."""

    def balance(self, address: bytes) -> int:
        """Wei."""

    def nonce(self, address: bytes) -> int:
        """The nonce of the account's next transaction."""

    def code(self, address: bytes) -> bytes:
        """Deployed code, empty for none."""

    def storage(self, address: bytes, slot: int) -> int:
        """A storage word as an unsigned integer."""

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Overwrites a storage word; for trials of states that no transaction reaches."""

    def snapshot(self) -> int:
        """Opens a snapshot; it lasts until an earlier one is reverted to."""

    def revert(self, snapshot: int) -> None:
        """Undoes what happened since; later snapshots are dropped, this one stays.

        Raises ChainError when it is unknown or was dropped.
        """

    def state_hash(self) -> bytes:
        """32 bytes of all accounts and slots, whatever the order in which they were written.

        keccak256 of the sum mod 2**256 of one keccak256 term for each: b"s" address key value for a non-zero
        slot, b"a" address nonce balance code-hash for a non-empty account. It shows that two runs agree; it
        is no commitment against one who seeks collisions.
        """

    def copy(self) -> Chain:
        """An independent replica without the snapshots."""
