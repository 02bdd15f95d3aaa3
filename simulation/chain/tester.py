# SPDX-License-Identifier: Apache-2.0
"""The second opinion: py-evm, the EVM under eth-tester and Ape, driven block by block.

eth-tester itself cannot run a scenario: it sets its own clock and base fee, wants every sender's key, runs a
pending transaction twice and is slower the more are pending. So the backend goes one level below it, to the
Cancun state of py-evm, which decides gas, fees and refunds. Blocks and their environment come from the
caller, senders are trusted, and accounts live in dictionaries (flat_accounts).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from eth import exceptions
from eth.abc import ComputationAPI
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.berlin.transactions import calculate_txn_intrinsic_gas_berlin
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.state import CancunState
from eth.vm.message import Message

from simulation.chain.fast_computation import FastComputation
from simulation.chain.flat_accounts import FlatAccounts
from simulation.chain.hashing import keccak
from simulation.chain.protocol import CHAIN_ID, TX_GAS_LIMIT_CAP
from simulation.errors import ChainError
from simulation.messages.chain import REASONS, BlockEnv, BlockResult, Call, Logs, Outcome, Transaction

__all__ = ["PyEvmChain"]

MAX_INITCODE = 49_152
MAX_WORD = 2**256 - 1
_CODE = {reason: code for code, reason in enumerate(REASONS)}
_HALTS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfGas, "out of gas"),
    (exceptions.InvalidInstruction, "invalid opcode"),
    (exceptions.InvalidJumpDestination, "invalid jump destination"),
    (exceptions.InsufficientStack, "stack underflow or overflow"),
    (exceptions.FullStack, "stack underflow or overflow"),
    (exceptions.OutOfBoundsRead, "return data out of bounds"),
    (exceptions.ContractCreationCollision, "address collision"),
    (exceptions.ReservedBytesInCode, "contract code refused"),
)


class _Unsigned:
    """A transaction with all that py-evm asks of a signed one; its sender is trusted."""

    type_id = 2
    access_list: tuple[Any, ...] = ()
    y_parity, r, s = 0, 1, 1

    def __init__(self, tx: Transaction) -> None:
        self.sender = tx.sender
        self.to = tx.to or b""
        self.nonce = tx.nonce
        self.value = tx.value
        self.gas = tx.gas_limit
        self.max_fee_per_gas = tx.max_fee
        self.max_priority_fee_per_gas = tx.max_priority_fee
        self.data = tx.data
        self.intrinsic_gas: int = calculate_txn_intrinsic_gas_berlin(self)  # type: ignore[arg-type]

    def validate(self) -> None:
        """The chain has already checked it."""


class _State(CancunState):
    """py-evm's Cancun state on flat accounts, with block hashes that follow from the number."""

    def __init__(self, accounts: FlatAccounts, context: Any, plain: bool) -> None:
        self._db = AtomicDB()
        self.computation_class = CancunComputation if plain else FastComputation
        self.execution_context = context
        self._account_db = accounts
        self.get_transient_storage = accounts.get_transient  # type: ignore[method-assign]
        self.set_transient_storage = accounts.set_transient  # type: ignore[method-assign]

    def snapshot(self) -> Any:
        """A point in the one undo log."""
        return self._account_db.record()

    def revert(self, snapshot: Any) -> None:
        """Goes back to it."""
        self._account_db.discard(snapshot)

    def commit(self, snapshot: Any) -> None:
        """Nothing to do: an enclosing point still undoes it."""

    def clear_transient_storage(self) -> None:
        """Done where the transaction ends."""

    def get_ancestor_hash(self, block_number: int) -> Any:
        """See Chain.execute_block."""
        if not 0 < self.block_number - block_number <= 256:
            return b""
        return keccak(block_number.to_bytes(32, "big"))


def _least_gas(tx: Transaction) -> int:
    """Intrinsic gas with that of init code (EIP-3860), which py-evm takes only when it executes."""
    words = (len(tx.data) + 31) // 32 if tx.to is None else 0
    return _Unsigned(tx).intrinsic_gas + 2 * words


class PyEvmChain:
    """py-evm behind the Chain protocol.

    Args:
        chain_id: what CHAINID answers.
        gas_cap: largest gas limit of a transaction; None for no cap.
        accounts: a state to start from.
        plain: every opcode by py-evm itself, four times slower (see fast_computation).
    """

    name = "tester"

    def __init__(
        self,
        chain_id: int = CHAIN_ID,
        gas_cap: int | None = TX_GAS_LIMIT_CAP,
        accounts: FlatAccounts | None = None,
        plain: bool = False,
    ) -> None:
        self.chain_id = chain_id
        self._gas_cap = gas_cap
        self._plain = plain
        self._accounts = accounts or FlatAccounts()
        self._marks: dict[int, int] = {}
        self._last_mark = 0

    def _state(self, env: BlockEnv) -> _State:
        context = ExecutionContext(
            coinbase=env.coinbase,  # type: ignore[arg-type]
            timestamp=env.timestamp,
            block_number=env.number,  # type: ignore[arg-type]
            difficulty=0,
            mix_hash=env.prevrandao,  # type: ignore[arg-type]
            gas_limit=env.gas_limit,
            prev_hashes=(),
            chain_id=self.chain_id,
            base_fee_per_gas=env.base_fee,
            excess_blob_gas=0,
        )
        return _State(self._accounts, context, self._plain)

    def execute_block(self, env: BlockEnv, transactions: Sequence[Transaction]) -> BlockResult:
        """See Chain."""
        state = self._state(env)
        receipts = _Receipts()
        for tx in transactions:
            reason = self._fault(env, tx, env.gas_limit - receipts.total_gas)
            if reason is not None:
                receipts.exclude(reason)
                continue
            unsigned = _Unsigned(tx)
            computation = state.apply_transaction(unsigned)  # type: ignore[arg-type]
            self._accounts.lock_changes()
            if not self._marks:
                self._accounts.forget_log()
            price = min(tx.max_fee, env.base_fee + tx.max_priority_fee)
            receipts.include(unsigned, computation, price)
        return receipts.result()

    def _fault(self, env: BlockEnv, tx: Transaction, gas_left: int) -> str | None:
        """Why a transaction cannot stand here, asked in the order in which revm asks."""
        accounts = self._accounts
        nonce = accounts.get_nonce(tx.sender)
        balance = accounts.get_balance(tx.sender)
        checks = (
            (tx.gas_limit > gas_left, "gas limit above what the block has left"),
            (
                self._gas_cap is not None and tx.gas_limit > self._gas_cap,
                "gas limit above the transaction cap",
            ),
            (tx.max_priority_fee > tx.max_fee, "priority fee above max fee"),
            (tx.max_fee < env.base_fee, "max fee below base fee"),
            (tx.to is None and len(tx.data) > MAX_INITCODE, "init code too large"),
            (tx.nonce == 2**64 - 1, "nonce overflow"),
            (_least_gas(tx) > tx.gas_limit, "gas limit below intrinsic gas"),
            (accounts.get_code(tx.sender) != b"", "sender has code"),
            (tx.nonce > nonce, "nonce too high"),
            (tx.nonce < nonce, "nonce too low"),
            (tx.gas_limit * tx.max_fee + tx.value > min(balance, MAX_WORD), "insufficient funds"),
        )
        return next((reason for failed, reason in checks if failed), None)

    def call_many(self, env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        """See Chain."""
        state = self._state(env)
        receipts = _Receipts()
        for call in calls:
            tx = Transaction(call.sender, call.to, 0, 0, call.gas_limit, 0, 0, call.data)
            self._view(state, _Unsigned(tx), receipts)
        return receipts.result()

    def _view(self, state: _State, tx: _Unsigned, receipts: _Receipts) -> None:
        if tx.intrinsic_gas > tx.gas:
            receipts.exclude("gas limit below intrinsic gas")
            return
        accounts = self._accounts
        checkpoint = accounts.record()
        accounts.increment_nonce(tx.sender)
        message = Message(
            gas=tx.gas - tx.intrinsic_gas,
            to=tx.to,  # type: ignore[arg-type]
            sender=tx.sender,  # type: ignore[arg-type]
            value=tx.value,
            data=tx.data,
            code=accounts.get_code(tx.to),
        )
        # A price of 0 whatever the base fee: nobody pays for a view.
        tx.max_fee_per_gas = 0
        computation = state.get_transaction_executor().build_computation(message, tx)  # type: ignore[arg-type]
        computation.data_floor_gas = 0
        receipts.include(tx, computation, 0)
        accounts.discard(checkpoint)
        accounts.lock_changes()

    def fund(self, address: bytes, balance: int) -> None:
        """See Chain."""
        self._accounts.set_balance(address, balance)

    def balance(self, address: bytes) -> int:
        """See Chain."""
        return self._accounts.get_balance(address)

    def nonce(self, address: bytes) -> int:
        """See Chain."""
        return self._accounts.get_nonce(address)

    def code(self, address: bytes) -> bytes:
        """See Chain."""
        return self._accounts.get_code(address)

    def storage(self, address: bytes, slot: int) -> int:
        """See Chain."""
        return self._accounts.get_storage(address, slot)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """See Chain."""
        self._accounts.set_storage(address, slot, value)
        self._accounts.lock_changes()

    def snapshot(self) -> int:
        """See Chain."""
        self._last_mark += 1
        self._marks[self._last_mark] = self._accounts.record()
        return self._last_mark

    def revert(self, snapshot: int) -> None:
        """See Chain."""
        if snapshot not in self._marks:
            raise ChainError(f"tester: snapshot {snapshot} is unknown or was dropped")
        self._marks = {mark: point for mark, point in self._marks.items() if mark <= snapshot}
        self._accounts.discard(self._marks[snapshot])

    def state_hash(self) -> bytes:
        """See Chain."""
        return self._accounts.state_hash()

    def copy(self) -> PyEvmChain:
        """See Chain."""
        return PyEvmChain(self.chain_id, self._gas_cap, self._accounts.replica(), self._plain)


class _Receipts:
    """Collects what happened, then makes columns of it."""

    def __init__(self) -> None:
        self.total_gas = 0
        self._rows: list[tuple[int, int, int, int]] = []
        self._outputs: list[bytes] = []
        self._created: list[bytes] = []
        self._logs: list[tuple[int, bytes, Sequence[int], bytes]] = []

    def exclude(self, reason: str) -> None:
        self._add(Outcome.EXCLUDED, reason, 0, 0, b"", bytes(20))

    def include(self, tx: _Unsigned, computation: ComputationAPI, price: int) -> None:
        gas = CancunVM.finalize_gas_used(tx, computation)  # type: ignore[arg-type]
        self.total_gas += gas
        if computation.is_success:
            for address, topics, data in computation.get_log_entries():
                self._logs.append((len(self._rows), address, topics, data))
            if tx.to:
                self._add(Outcome.SUCCESS, "none", gas, price, computation.output, bytes(20))
            else:
                self._add(Outcome.SUCCESS, "none", gas, price, b"", computation.msg.storage_address)
        elif isinstance(computation.error, exceptions.Revert):
            self._add(Outcome.REVERTED, "none", gas, price, computation.output, bytes(20))
        else:
            error = computation.error
            reason = next((reason for kind, reason in _HALTS if isinstance(error, kind)), "halted")
            self._add(Outcome.HALTED, reason, gas, price, b"", bytes(20))

    def _add(
        self, outcome: Outcome, reason: str, gas: int, price: int, output: bytes, created: bytes
    ) -> None:
        self._rows.append((outcome, _CODE[reason], gas, price))
        self._outputs.append(output)
        self._created.append(created)

    def result(self) -> BlockResult:
        rows = np.array(self._rows, np.int64).reshape(-1, 4)
        logs = self._logs
        topics = b"".join(
            b"".join(topic.to_bytes(32, "big") for topic in log[2]).ljust(128, b"\0") for log in logs
        )
        return BlockResult(
            status=rows[:, 0].astype(np.uint8),
            reason=rows[:, 1].astype(np.uint8),
            gas_used=rows[:, 2],
            gas_price=rows[:, 3],
            outputs=b"".join(self._outputs),
            offsets=_ends(map(len, self._outputs)),
            created=np.frombuffer(b"".join(self._created), np.uint8).reshape(-1, 20),
            logs=Logs(
                transaction=np.array([log[0] for log in logs], np.int64),
                address=np.frombuffer(b"".join(log[1] for log in logs), np.uint8).reshape(-1, 20),
                topic_count=np.array([len(log[2]) for log in logs], np.uint8),
                topics=np.frombuffer(topics, ">u8").astype(np.uint64).reshape(-1, 4, 4),
                data=b"".join(log[3] for log in logs),
                offsets=_ends(len(log[3]) for log in logs),
            ),
        )


def _ends(lengths: Iterable[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.cumsum([0, *lengths], dtype=np.int64)
