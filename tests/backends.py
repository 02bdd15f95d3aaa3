# SPDX-License-Identifier: Apache-2.0
"""The EVMs behind tests.evm.Env: what one transaction does, as plain data."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

__all__ = ["Backend", "Outcome", "new_backend"]

CHAIN_ID = 1337
CALL_GAS = 300_000_000
COINBASE = b"\x00" * 19 + b"\xfe"
Header = tuple[int, int, int, int]
"""Block number, timestamp, base fee, gas limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    success: bool
    output: bytes
    gas_used: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...] = ()
    """Emitter, topics, data."""
    created: bytes = b""


class Backend(Protocol):
    def execute(
        self, header: Header, sender: bytes, to: bytes | None, data: bytes, value: int
    ) -> Outcome: ...
    def call(self, header: Header, sender: bytes, to: bytes, data: bytes, value: int) -> Outcome: ...
    def set_balance(self, address: bytes, amount: int) -> None: ...
    def balance(self, address: bytes) -> int: ...
    def set_storage(self, address: bytes, slot: int, value: int) -> None: ...
    def snapshot(self) -> Any: ...
    def revert(self, snapshot: Any) -> None: ...


def new_backend(name: str | None = None) -> Backend:
    """`revm`, `py-evm`, or `both` backends of simulation.chain compared call by call.

    Where none is named PLIMSOLL_TEST_EVM chooses, or revm if it has been built.
    """
    name = name or os.environ.get("PLIMSOLL_TEST_EVM") or ("revm" if find_spec("plimsoll_evm") else "py-evm")
    if name == "revm":
        return Revm()
    if name == "both":
        from tests.chain.both import BothBackends

        return BothBackends()
    if name != "py-evm":
        raise ValueError(f"no test EVM {name!r}; expected revm, py-evm or both")
    return PyEvm()


class Revm:
    """The native EVM, one block for each transaction."""

    def __init__(self) -> None:
        import plimsoll_evm

        self._native = plimsoll_evm
        self._evm = plimsoll_evm.Evm(CHAIN_ID, "cancun")

    def _context(self, header: Header) -> Any:
        number, timestamp, base_fee, gas_limit = header
        return self._native.Header(number, timestamp, COINBASE, gas_limit, base_fee)

    def execute(self, header: Header, sender: bytes, to: bytes | None, data: bytes, value: int) -> Outcome:
        row = (sender, to, self._evm.nonce(sender), value, header[3], header[2], 0, data)
        block = self._evm.execute_block(self._context(header), [row])
        status = block.status[0]
        if status == self._native.INVALID:
            raise ValueError(f"transaction not included: {self._native.REASONS[block.reason[0]]}")
        gas = int.from_bytes(block.gas_used, sys.byteorder)
        created = block.created if to is None and status == self._native.SUCCESS else b""
        return Outcome(status == self._native.SUCCESS, block.output_of(0), gas, _logs(block), created)

    def call(self, header: Header, sender: bytes, to: bytes, data: bytes, value: int) -> Outcome:
        intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
        row = (sender, to, 0, value, CALL_GAS, 0, 0, data)
        view = self._evm.call_many(self._context((*header[:3], CALL_GAS)), [row])
        gas = int.from_bytes(view.gas_used, sys.byteorder)
        return Outcome(view.status[0] == self._native.SUCCESS, view.output_of(0), gas - intrinsic)

    def set_balance(self, address: bytes, amount: int) -> None:
        self._evm.set_balance(address, amount)

    def balance(self, address: bytes) -> int:
        return self._evm.balance(address)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self._evm.set_storage(address, slot, value)

    def snapshot(self) -> Any:
        return self._evm.snapshot()

    def revert(self, snapshot: Any) -> None:
        self._evm.revert(snapshot)


def _logs(block: Any) -> tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]:
    """Emitter, topics and data of each log, out of the columns."""
    offsets = memoryview(block.log_data_offsets).cast("Q")
    logs = []
    for i in range(len(block.log_topic_count)):
        words = block.log_topics[128 * i : 128 * i + 32 * block.log_topic_count[i]]
        topics = tuple(words[place : place + 32] for place in range(0, len(words), 32))
        data = block.log_data[offsets[i] : offsets[i + 1]]
        logs.append((block.log_address[20 * i : 20 * i + 20], topics, data))
    return tuple(logs)


class PyEvm:
    """py-evm's Cancun state, driven without blocks: each transaction starts cold."""

    def __init__(self) -> None:
        from eth.db.atomic import AtomicDB
        from eth.vm.forks.cancun.state import CancunState

        self._type = CancunState
        self._db = AtomicDB()
        self._state = CancunState(self._db, self._context((0, 0, 0, 30_000_000)), self._empty_root())

    @staticmethod
    def _empty_root() -> Any:
        from eth.constants import BLANK_ROOT_HASH

        return BLANK_ROOT_HASH

    @staticmethod
    def _context(header: Header) -> Any:
        from eth.vm.execution_context import ExecutionContext

        number, timestamp, base_fee, gas_limit = header
        return ExecutionContext(
            coinbase=COINBASE,  # type: ignore[arg-type]
            timestamp=timestamp,
            block_number=number,  # type: ignore[arg-type]
            difficulty=0,
            mix_hash=b"\x00" * 32,  # type: ignore[arg-type]
            gas_limit=gas_limit,
            prev_hashes=(),
            chain_id=CHAIN_ID,
            base_fee_per_gas=base_fee,
            excess_blob_gas=0,
        )

    def execute(self, header: Header, sender: bytes, to: bytes | None, data: bytes, value: int) -> Outcome:
        from eth.vm.forks.cancun import CancunVM
        from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
        from eth.vm.spoof import SpoofTransaction

        state = self._state
        state.execution_context = self._context(header)
        state.lock_changes()
        unsigned = CancunTransactionBuilder.new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=state.get_nonce(sender),  # type: ignore[arg-type]
            max_priority_fee_per_gas=0,
            max_fee_per_gas=header[2],
            gas=header[3],
            to=to or b"",  # type: ignore[arg-type]
            value=value,
            data=data,
            access_list=(),
        )
        transaction: Any = SpoofTransaction(unsigned, from_=sender, sender=sender, y_parity=0, r=1, s=1)
        computation = state.apply_transaction(transaction)
        gas = CancunVM.finalize_gas_used(transaction, computation)
        logs = tuple(
            (emitter, tuple(topic.to_bytes(32, "big") for topic in topics), body)
            for emitter, topics, body in computation.get_log_entries()
        )
        created = computation.msg.storage_address if to is None and computation.is_success else b""
        return Outcome(computation.is_success, computation.output, gas, logs, created)

    def call(self, header: Header, sender: bytes, to: bytes, data: bytes, value: int) -> Outcome:
        from eth.vm.message import Message

        state = self._state
        state.execution_context = self._context(header)
        state.lock_changes()
        context = state.get_transaction_context_class()(gas_price=0, origin=sender)
        message = Message(gas=CALL_GAS, to=to, sender=sender, value=value, data=data, code=state.get_code(to))
        snapshot = state.snapshot()
        state.mark_address_warm(to)  # type: ignore[arg-type]
        computation = state.computation_class.apply_message(state, message, context)
        state.revert(snapshot)
        state.clear_transient_storage()
        return Outcome(computation.is_success, computation.output, computation.get_gas_used())

    def set_balance(self, address: bytes, amount: int) -> None:
        self._state.set_balance(address, amount)  # type: ignore[arg-type]

    def balance(self, address: bytes) -> int:
        return int(self._state.get_balance(address))  # type: ignore[arg-type]

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        self._state.set_storage(address, slot, value)  # type: ignore[arg-type]

    def snapshot(self) -> Any:
        self._state.lock_changes()
        self._state.persist()
        return self._state.state_root

    def revert(self, snapshot: Any) -> None:
        self._state = self._type(self._db, self._state.execution_context, snapshot)
