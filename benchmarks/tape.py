# SPDX-License-Identifier: Apache-2.0
"""The blocks of a run, recorded as they are executed, and the same blocks again on the bare native EVM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plimsoll_evm

from simulation.chain.revm import RevmChain, pack
from simulation.messages.chain import BlockEnv, BlockResult, Transaction

__all__ = ["Prepared", "Tape", "pack", "replay"]

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


def _header(env: BlockEnv) -> plimsoll_evm.Header:
    return plimsoll_evm.Header(
        env.number, env.timestamp, env.coinbase, env.gas_limit, env.base_fee, env.prevrandao
    )
