# SPDX-License-Identifier: Apache-2.0
"""The blocks of a run, recorded as they are executed, and the same blocks again on the bare native EVM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plimsoll_evm

from simulation.chain.revm import RevmChain
from simulation.messages.chain import BlockEnv, BlockResult, Transaction

__all__ = ["RECORD", "Prepared", "Tape", "pack", "replay"]

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
Prepared = list[tuple[plimsoll_evm.Header, plimsoll_evm.Transactions]]


class Tape:
    """A chain that remembers the blocks it is given, and the state in which it was before them.

    Args:
        chain: set up, on the native EVM.
    """

    def __init__(self, chain: RevmChain) -> None:
        self._chain = chain
        self._start = chain.copy()
        self.blocks: list[tuple[BlockEnv, Sequence[Transaction]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def execute_block(self, env: BlockEnv, transactions: Sequence[Transaction]) -> BlockResult:
        """See Chain."""
        self.blocks.append((env, transactions))
        return self._chain.execute_block(env, transactions)

    def start(self) -> plimsoll_evm.Evm:
        """A fresh copy of the state before the first block."""
        return self._start.copy().evm

    def prepare(self) -> Prepared:
        """Headers and packed transactions of all blocks: what an execution needs and nothing else."""
        return [(_header(env), plimsoll_evm.Transactions(*pack(given))) for env, given in self.blocks]


def replay(evm: plimsoll_evm.Evm, blocks: Prepared) -> None:
    """Executes the blocks, one call each; receipts and logs are made and thrown away."""
    for header, transactions in blocks:
        evm.execute_block(header, transactions)


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


def _header(env: BlockEnv) -> plimsoll_evm.Header:
    return plimsoll_evm.Header(
        env.number, env.timestamp, env.coinbase, env.gas_limit, env.base_fee, env.prevrandao
    )
