# SPDX-License-Identifier: Apache-2.0
"""A test environment on both backends at once: every transaction and every view is compared in full."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from simulation.chain.protocol import Chain
from simulation.chain.revm import RevmChain
from simulation.chain.tester import PyEvmChain
from simulation.messages.chain import BlockEnv, BlockResult, Call, Logs, Transaction
from tests.backends import CALL_GAS, COINBASE, Header
from tests.backends import Outcome as Done
from tests.evm import Env

__all__ = ["BothBackends", "BothEnv", "picture"]


def picture(result: BlockResult) -> dict[str, object]:
    """Every column of a block as a value to compare."""
    columns: dict[str, object] = {}
    for source in (result, result.logs):
        for name in type(source).__slots__:
            column = getattr(source, name)
            if isinstance(column, np.ndarray):
                columns[f"{type(source).__name__}.{name}"] = column.dtype.str, column.shape, column.tolist()
            elif not isinstance(column, Logs):
                columns[f"{type(source).__name__}.{name}"] = column
    return columns


class BothBackends:
    """Behind tests.evm.Env; one block for each transaction."""

    def __init__(self) -> None:
        self.chains: tuple[Chain, Chain] = (RevmChain(gas_cap=None), PyEvmChain(gas_cap=None))
        self.compared = 0
        self.succeeded = 0

    def execute(self, header: Header, sender: bytes, to: bytes | None, data: bytes, value: int) -> Done:
        """A transaction on both."""
        number, timestamp, base_fee, gas_limit = header
        env = BlockEnv(number, timestamp, COINBASE, gas_limit, base_fee, bytes(32))
        nonce = self.chains[0].nonce(sender)
        tx = Transaction(sender, to, nonce, value, gas_limit, base_fee, 0, data)
        done = self._done([chain.execute_block(env, [tx]) for chain in self.chains])
        assert self.chains[0].state_hash() == self.chains[1].state_hash()
        return done

    def call(self, header: Header, sender: bytes, to: bytes, data: bytes, value: int) -> Done:
        """A view on both; its gas is told without that of a transaction and its calldata."""
        env = BlockEnv(header[0], header[1], COINBASE, CALL_GAS, header[2], bytes(32))
        view = Call(to, data, sender, CALL_GAS)
        done = self._done([chain.call_many(env, [view]) for chain in self.chains])
        intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
        return replace(done, gas_used=done.gas_used - intrinsic)

    def _done(self, results: list[BlockResult]) -> Done:
        first, second = results
        assert picture(first) == picture(second)
        self.compared += 1
        success = bool(first.status[0] == 1)
        self.succeeded += success
        logs = tuple(
            (first.logs.address[row].tobytes(), first.logs.topics_of(row), first.logs.data_of(row))
            for row in range(len(first.logs))
        )
        return Done(success, first.output(0), int(first.gas_used[0]), logs, first.created_by(0) or b"")

    def set_balance(self, address: bytes, amount: int) -> None:
        """Wei on both."""
        for chain in self.chains:
            chain.fund(address, amount)

    def balance(self, address: bytes) -> int:
        """The one that both have."""
        first, second = (chain.balance(address) for chain in self.chains)
        assert first == second
        return first

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """A word on both."""
        for chain in self.chains:
            chain.set_storage(address, slot, value)

    def snapshot(self) -> Any:
        """One of each."""
        return [chain.snapshot() for chain in self.chains]

    def revert(self, snapshot: Any) -> None:
        """Both back."""
        for chain, mark in zip(self.chains, snapshot, strict=True):
            chain.revert(mark)


class BothEnv(Env):
    """An Env whose every step is compared."""

    def __init__(self) -> None:
        super().__init__()
        self.both = BothBackends()
        self.backend = self.both
        self.funded = {}
        self.deployer = self.address("owner")
