# SPDX-License-Identifier: Apache-2.0
"""The EVM of Plimsoll: whole blocks on revm in one call.

Addresses are 20 bytes, words 32 bytes, amounts in wei, gas prices in wei per gas. Columns come back as bytes
for `numpy.frombuffer`; those of numbers are native-endian. Malformed input raises ValueError, TypeError or
OverflowError before anything runs. What a transaction does, a revert included, is data, never an exception.
An `Evm` is used by one thread at a time; a second one gets RuntimeError while a block runs.
"""

from collections.abc import Iterable
from typing import Final, Self, TypeAlias, final

TransactionRow: TypeAlias = tuple[bytes, bytes | None, int, int, int, int, int, bytes]
"""sender, to (None creates), nonce, value, gas_limit, max_fee, max_priority_fee, data"""

SUCCESS: Final = 1
REVERT: Final = 0
HALT: Final = 2
INVALID: Final = 3
"""Status of a transaction that was not included: it changed nothing, not even the nonce."""

REASONS: Final[list[str]]
"""Names of the codes in `BlockResult.reason`: 0 none, 1 to 12 not included, the rest halts."""

class EvmError(Exception):
    """Base of the errors of this module; itself only an internal error, which leaves the state unchanged."""

class SnapshotError(EvmError):
    """The snapshot is unknown or was dropped."""

class DumpError(EvmError):
    """The bytes are not a complete dump of a version that this build reads."""

@final
class Header:
    """The block environment. Blobs are not modelled: BLOBBASEFEE is 1."""

    def __new__(
        cls,
        number: int,
        timestamp: int,
        coinbase: bytes = ...,
        gas_limit: int = 30_000_000,
        base_fee: int = 0,
        prevrandao: bytes = ...,
    ) -> Self: ...

@final
class Transactions:
    """Transactions as packed records: checked once, executed any number of times.

    Args:
        records: 113 bytes for each transaction: sender 20, recipient 20, create 1 (not 0 creates a contract),
            value 32 big-endian, then nonce, gas limit, max fee, priority fee and the end of its calldata in
            `data`, 8 little-endian bytes each. As a NumPy record: `[("sender", "u1", 20),
            ("recipient", "u1", 20), ("create", "u1"), ("value", "u1", 32), ("nonce", "<u8"),
            ("gas_limit", "<u8"), ("max_fee", "<u8"), ("priority_fee", "<u8"), ("end", "<u8")]`.
        data: calldata of all transactions, one after the other.

    Raises:
        ValueError: a broken last record, or ends of calldata that fall or pass the end of `data`.
    """

    def __new__(cls, records: bytes, data: bytes) -> Self: ...

@final
class BlockResult:
    """Receipts in columns, one row for each transaction, and the logs of the successful ones in order."""

    def __len__(self) -> int: ...
    @property
    def total_gas(self) -> int: ...
    @property
    def changed_slots(self) -> int:
        """Writes that left a slot different from before the block."""
    @property
    def status(self) -> bytes:
        """uint8: SUCCESS, REVERT, HALT or INVALID."""
    @property
    def reason(self) -> bytes:
        """uint8 index into REASONS."""
    @property
    def gas_used(self) -> bytes:
        """uint64, after refunds, as a receipt says; 0 when not included."""
    @property
    def gas_price(self) -> bytes:
        """uint64, effective; 0 when not included and for views."""
    @property
    def output(self) -> bytes:
        """Return or revert data of all rows; none for a creation."""
    @property
    def output_offsets(self) -> bytes:
        """uint64, one more than rows."""
    @property
    def created(self) -> bytes:
        """20 bytes for each row, zero where no contract was created."""
    @property
    def log_count(self) -> int: ...
    @property
    def log_tx(self) -> bytes:
        """uint32 row of the transaction, for each log."""
    @property
    def log_address(self) -> bytes:
        """20 bytes for each log."""
    @property
    def log_topic_count(self) -> bytes:
        """uint8 for each log."""
    @property
    def log_topics(self) -> bytes:
        """4 words for each log, zero after the last topic."""
    @property
    def log_data(self) -> bytes: ...
    @property
    def log_data_offsets(self) -> bytes:
        """uint64, one more than logs."""
    @property
    def slots(self) -> tuple[bytes, bytes, bytes] | None:
        """Addresses, keys and values of the changed slots, by address and key; None unless asked for."""
    def output_of(self, row: int) -> bytes:
        """Return or revert data of `row`. Raises IndexError."""

@final
class Evm:
    """A chain state and the rules it lives by.

    Args:
        chain_id: of CHAINID.
        spec: hard fork, cancun or prague.
        tx_gas_limit_cap: largest gas limit of a transaction (EIP-7825 has 16,777,216); None for no cap.

    Raises:
        ValueError: the hard fork is unknown or the cap is 0.
    """

    def __new__(
        cls, chain_id: int = 1337, spec: str = "cancun", tx_gas_limit_cap: int | None = None
    ) -> Self: ...
    @property
    def chain_id(self) -> int: ...
    def execute_block(
        self, header: Header, transactions: Transactions | Iterable[TransactionRow], *, changes: bool = False
    ) -> BlockResult:
        """Executes the transactions in order with the interpreter lock released, and commits.

        Senders are trusted, nothing is signed. Nonces are checked, fees are charged as EIP-1559 says: the
        base fee is burnt, the tip goes to the coinbase. A transaction that is invalid where it stands is
        reported with its reason and the rest goes on. `changes` asks for `BlockResult.slots`.
        """
    def call_many(self, header: Header, calls: Transactions | Iterable[TransactionRow]) -> BlockResult:
        """Runs each call alone from the present state, as eth_call does, and discards what it changed.

        Nonces and fees are not looked at, the sender may be anyone, a contract too, and the gas price is 0.
        `gas_used` is what a receipt would say: intrinsic gas, execution and refunds, all slots cold.

        Asked for the same `Transactions` object again, a call whose every read (slot, balance, nonce, code)
        gives what it gave before, and that did not look at the block, is answered without being run.
        """
    def balance(self, address: bytes) -> int: ...
    def nonce(self, address: bytes) -> int: ...
    def code(self, address: bytes) -> bytes: ...
    def storage(self, address: bytes, slot: int) -> int: ...
    def storage_many(self, address: bytes, slots: bytes) -> bytes:
        """Values of the slots in `slots`, 32 bytes each in and out."""
    def storage_items(self, address: bytes) -> tuple[bytes, bytes]:
        """Keys and values of all non-zero slots, by key, 32 bytes each."""
    def addresses(self) -> tuple[bytes, ...]:
        """Accounts that hold anything, in order."""
    def set_balance(self, address: bytes, balance: int) -> None: ...
    def set_nonce(self, address: bytes, nonce: int) -> None: ...
    def set_code(self, address: bytes, code: bytes) -> None: ...
    def set_storage(self, address: bytes, slot: int, value: int) -> None: ...
    def set_block_hash(self, number: int, hash: bytes) -> None:
        """What BLOCKHASH answers for `number`; without it, keccak256 of the number as 32 bytes.

        It is kept as storage of the EIP-2935 contract's address, so it is part of the state.
        """
    def snapshot(self) -> int:
        """Opens a snapshot in constant time; it lasts until an earlier one is reverted to."""
    def revert(self, snapshot: int) -> None:
        """Undoes what happened since and drops later snapshots; this one stays. Raises SnapshotError."""
    def copy(self) -> Evm:
        """An independent replica without the snapshots; storage is shared until one of the two writes."""
    def dump(self) -> bytes:
        """State, chain id, hard fork and cap; equal states give equal bytes."""
    @staticmethod
    def load(dump: bytes) -> Evm:
        """The reverse of `dump`. Raises DumpError."""
    def state_hash(self) -> bytes:
        """32 bytes that do not depend on the order of insertion; costs what has changed since the last call.

        keccak256 of the sum mod 2**256 of one keccak256 term for each non-zero slot and non-empty account. It
        shows that two runs agree; it is no commitment against one who seeks collisions.
        """
    def state_hash_from_scratch(self) -> bytes:
        """The same hash from the whole state."""
