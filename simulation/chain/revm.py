# SPDX-License-Identifier: Apache-2.0
"""The default backend: the native EVM. Importing it fails where it was not built."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plimsoll_evm
from numpy.typing import NDArray

from simulation.chain.protocol import CHAIN_ID, TX_GAS_LIMIT_CAP
from simulation.errors import ChainError
from simulation.messages.chain import REASONS, BlockEnv, BlockResult, Call, Logs, Transaction

__all__ = ["RECORD", "RevmChain", "pack"]

if tuple(plimsoll_evm.REASONS) != REASONS:
    raise ImportError("plimsoll_evm: built from other sources; run `make setup`")

RECORD = np.dtype(
    [
        ("sender", "u1", 20),
        ("recipient", "u1", 20),
        ("create", "u1"),
        ("value", "u1", 32),
        ("nonce", "<u8"),
        ("gas_limit", "<u8"),
        ("max_fee", "<u8"),
        ("priority_fee", "<u8"),
        ("end", "<u8"),
    ]
)
"""A packed transaction, as `plimsoll_evm.Transactions` takes it."""

Row = tuple[bytes, bytes | None, int, int, int, int, int, bytes]
"""Fields of a Transaction, in their order."""


class RevmChain:
    """revm behind the Chain protocol; a block is one call with the interpreter lock released."""

    name = "revm"

    def __init__(
        self,
        chain_id: int = CHAIN_ID,
        gas_cap: int | None = TX_GAS_LIMIT_CAP,
        evm: plimsoll_evm.Evm | None = None,
    ) -> None:
        self._evm = evm or plimsoll_evm.Evm(chain_id, "cancun", gas_cap)
        self._calls: Sequence[Call] = ()
        """The batch of views asked for last, which is the same in every block of a run."""
        self._packed = plimsoll_evm.Transactions(b"", b"")

    @property
    def chain_id(self) -> int:
        """What CHAINID answers."""
        return self._evm.chain_id

    @property
    def evm(self) -> plimsoll_evm.Evm:
        """The native EVM itself, for benchmarks, dumps and all that the protocol does not name."""
        return self._evm

    def execute_block(self, env: BlockEnv, transactions: Sequence[Transaction]) -> BlockResult:
        """See Chain."""
        return _result(self._evm.execute_block(_header(env), transactions))

    def call_many(self, env: BlockEnv, calls: Sequence[Call]) -> BlockResult:
        """See Chain."""
        if calls is not self._calls or not isinstance(calls, tuple):
            self._calls = calls
            rows = [
                Transaction(call.sender, call.to, 0, 0, call.gas_limit, 0, 0, call.data) for call in calls
            ]
            # The native EVM keeps the answers of the batch that it is given again.
            self._packed = plimsoll_evm.Transactions(*pack(rows))
        return _result(self._evm.call_many(_header(env), self._packed))

    def fund(self, address: bytes, balance: int) -> None:
        """See Chain."""
        self._evm.set_balance(address, balance)

    def balance(self, address: bytes) -> int:
        """See Chain."""
        return self._evm.balance(address)

    def nonce(self, address: bytes) -> int:
        """See Chain."""
        return self._evm.nonce(address)

    def code(self, address: bytes) -> bytes:
        """See Chain."""
        return self._evm.code(address)

    def storage(self, address: bytes, slot: int) -> int:
        """See Chain."""
        return self._evm.storage(address, slot)

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """See Chain."""
        self._evm.set_storage(address, slot, value)

    def snapshot(self) -> int:
        """See Chain."""
        return self._evm.snapshot()

    def revert(self, snapshot: int) -> None:
        """See Chain."""
        try:
            self._evm.revert(snapshot)
        except plimsoll_evm.SnapshotError as error:
            raise ChainError(f"revm: {error}") from error

    def state_hash(self) -> bytes:
        """See Chain."""
        return self._evm.state_hash()

    def copy(self) -> RevmChain:
        """See Chain."""
        return RevmChain(evm=self._evm.copy())


def pack(rows: Sequence[Row]) -> tuple[bytes, bytes]:
    """Rows as the packed records of `plimsoll_evm.Transactions`, and their calldata."""
    records = np.zeros(len(rows), RECORD)
    if rows:
        senders, recipients, nonces, values, gas_limits, max_fees, tips, datas = zip(*rows, strict=True)
        records["sender"] = np.frombuffer(b"".join(senders), np.uint8).reshape(-1, 20)
        to = b"".join(address or bytes(20) for address in recipients)
        records["recipient"] = np.frombuffer(to, np.uint8).reshape(-1, 20)
        records["create"] = [address is None for address in recipients]
        wei = b"".join(value.to_bytes(32, "big") for value in values)
        records["value"] = np.frombuffer(wei, np.uint8).reshape(-1, 32)
        for name, column in (
            ("nonce", nonces),
            ("gas_limit", gas_limits),
            ("max_fee", max_fees),
            ("priority_fee", tips),
        ):
            records[name] = column
        records["end"] = np.cumsum([len(data) for data in datas])
    return records.tobytes(), b"".join(row[7] for row in rows)


NO_LOGS = Logs(
    transaction=np.zeros(0, np.int64),
    address=np.zeros((0, 20), np.uint8),
    topic_count=np.zeros(0, np.uint8),
    topics=np.zeros((0, 4, 4), np.uint64),
    data=b"",
    offsets=np.zeros(1, np.int64),
)


def _header(env: BlockEnv) -> plimsoll_evm.Header:
    return plimsoll_evm.Header(
        env.number, env.timestamp, env.coinbase, env.gas_limit, env.base_fee, env.prevrandao
    )


def _numbers(column: bytes) -> NDArray[np.int64]:
    """Counts and wei per gas, all far below 2**63."""
    return np.frombuffer(column, np.int64)


def _result(native: plimsoll_evm.BlockResult) -> BlockResult:
    logs = (
        NO_LOGS
        if not native.log_count
        else Logs(
            transaction=np.frombuffer(native.log_tx, np.uint32).astype(np.int64),
            address=np.frombuffer(native.log_address, np.uint8).reshape(-1, 20),
            topic_count=np.frombuffer(native.log_topic_count, np.uint8),
            topics=np.frombuffer(native.log_topics, ">u8").astype(np.uint64).reshape(-1, 4, 4),
            data=native.log_data,
            offsets=_numbers(native.log_data_offsets),
        )
    )
    return BlockResult(
        status=np.frombuffer(native.status, np.uint8),
        reason=np.frombuffer(native.reason, np.uint8),
        gas_used=_numbers(native.gas_used),
        gas_price=_numbers(native.gas_price),
        outputs=native.output,
        offsets=_numbers(native.output_offsets),
        created=np.frombuffer(native.created, np.uint8).reshape(-1, 20),
        logs=logs,
    )
