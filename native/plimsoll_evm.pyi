# SPDX-License-Identifier: Apache-2.0
"""The EVM of Plimsoll: whole blocks on revm in one call.

Addresses are 20 bytes, words 32 bytes, amounts in wei, gas prices in wei per gas. Columns come back as bytes
for `numpy.frombuffer`; those of numbers are native-endian. Malformed input raises ValueError, TypeError or
OverflowError before anything runs. What a transaction does, a revert included, is data, never an exception.
An `Evm` is used by one thread at a time; a second one gets RuntimeError while a block runs.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias, final

from typing_extensions import Buffer

TransactionRow: TypeAlias = tuple[bytes, bytes | None, int, int, int, int, int, bytes]
"""sender, to (None creates), nonce, value, gas_limit, max_fee, max_priority_fee, data"""

CallRow: TypeAlias = tuple[bytes, bytes, bytes]
"""sender, to, data"""

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

    def __init__(
        self,
        number: int,
        timestamp: int,
        coinbase: bytes = ...,
        gas_limit: int = 30_000_000,
        base_fee: int = 0,
        prevrandao: bytes = ...,
    ) -> None: ...
    @property
    def number(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def coinbase(self) -> bytes: ...
    @property
    def gas_limit(self) -> int: ...
    @property
    def base_fee(self) -> int: ...
    @property
    def prevrandao(self) -> bytes: ...

@final
class Transactions:
    """Transactions, or calls for `Evm.call_many`, in columns: checked once, executed any number of times.

    Args:
        senders: 20 bytes for each row.
        recipients: 20 bytes for each row; ignored where `creates` is not 0.
        data: calldata of all rows, one after the other.
        offsets: uint64, one more than rows; row i has data[offsets[i]:offsets[i + 1]].
        creates: a byte for each row, not 0 where the row creates a contract.
        nonces, gas_limits, max_fees, priority_fees: uint64 for each row.
        values: 32 big-endian bytes for each row.
    """

    def __init__(
        self,
        senders: bytes,
        recipients: bytes,
        data: bytes,
        offsets: Buffer,
        *,
        creates: bytes | None = None,
        nonces: Buffer | None = None,
        values: bytes | None = None,
        gas_limits: Buffer | None = None,
        max_fees: Buffer | None = None,
        priority_fees: Buffer | None = None,
    ) -> None: ...
    def __len__(self) -> int: ...

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
    def reason_of(self, row: int) -> str:
        """Why `row` was not included or halted, "none" otherwise. Raises IndexError."""

@final
class Evm:
    """A chain state and the rules it lives by.

    Args:
        chain_id: of CHAINID.
        spec: hard fork: shanghai, cancun, prague or osaka.
        tx_gas_limit_cap: largest gas limit of a transaction (EIP-7825 has 16,777,216); None for no cap.

    Raises:
        ValueError: the hard fork is unknown or the cap is 0.
    """

    def __init__(
        self, chain_id: int = 1337, spec: str = "cancun", tx_gas_limit_cap: int | None = None
    ) -> None: ...
    @property
    def chain_id(self) -> int: ...
    @property
    def spec(self) -> str: ...
    @property
    def tx_gas_limit_cap(self) -> int | None: ...
    def execute_block(
        self, header: Header, transactions: Transactions | Iterable[TransactionRow], *, changes: bool = False
    ) -> BlockResult:
        """Executes the transactions in order with the interpreter lock released, and commits.

        Senders are trusted, nothing is signed. Nonces are checked, fees are charged as EIP-1559 says: the
        base fee is burnt, the tip goes to the coinbase. A transaction that is invalid where it stands is
        reported with its reason and the rest goes on. `changes` asks for `BlockResult.slots`.
        """
    def call_many(
        self,
        header: Header,
        calls: Transactions | Iterable[CallRow],
        *,
        gas_limit: int = 30_000_000,
        threads: int = 1,
    ) -> BlockResult:
        """Runs each call alone from the present state, as eth_call does, and discards what it changed.

        No nonce and no fee is needed and the gas price is 0. `gas_used` is what a receipt would say:
        intrinsic gas, execution and refunds, all slots cold. The results do not depend on `threads`.
        With `Transactions`, each row has its own gas limit and `gas_limit` is not used.
        """
    def call(
        self,
        header: Header,
        to: bytes,
        data: bytes,
        *,
        sender: bytes = ...,
        value: int | None = None,
        gas_limit: int = 30_000_000,
    ) -> tuple[int, int, bytes]:
        """One view: status, gas used, return or revert data."""
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
        """What BLOCKHASH answers for `number`."""
    def block_hash(self, number: int) -> bytes:
        """The hash that was set, or keccak256 of the number as 32 bytes."""
    def snapshot(self) -> int:
        """Opens a snapshot in constant time; it lasts until an earlier one is reverted to or released."""
    def revert(self, snapshot: int) -> None:
        """Undoes what happened since and drops later snapshots; this one stays. Raises SnapshotError."""
    def release(self, snapshot: int) -> None:
        """Drops the snapshot and later ones, keeping the state. Raises SnapshotError."""
    def copy(self) -> Evm:
        """An independent replica without the snapshots; storage is shared until one of the two writes."""
    def __copy__(self) -> Evm: ...
    def __deepcopy__(self, memo: object) -> Evm: ...
    def dump(self) -> bytes:
        """State, chain id, hard fork and cap; equal states give equal bytes."""
    @staticmethod
    def load(dump: bytes) -> Evm:
        """The reverse of `dump`. Raises DumpError."""
    def state_hash(self) -> bytes:
        """32 bytes that do not depend on the order of insertion; costs what has changed since the last call.

        keccak256 of the sum mod 2**256 of one keccak256 term for each non-zero slot, non-empty account and
        set block hash. It shows that two runs agree; it is no commitment against one who seeks collisions.
        """
    def state_hash_from_scratch(self) -> bytes:
        """The same hash from the whole state."""
