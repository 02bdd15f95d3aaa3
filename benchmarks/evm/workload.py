# SPDX-License-Identifier: Apache-2.0
"""The common work: blocks of 100 operations by distinct senders on Ledger.vy.

60% transfers, 30% margin health as a transaction, 10% liquidations; 200 accounts of 18 slots each. No two
operations of a block touch the same account, so the order in a block does not matter to the final state.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from eth_abi import encode
from eth_utils import keccak
from vyper.compiler import compile_code
from vyper.compiler.settings import OptimizationLevel, Settings

__all__ = ["ACCOUNTS", "BLOCK_SIZE", "DEPLOYER", "Operation", "Workload", "make_workload"]

ACCOUNTS = tuple(keccak(b"ledger account %d" % number)[12:] for number in range(200))
DEPLOYER = keccak(b"ledger deployer")[12:]
BLOCK_SIZE = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the ledger."""

    sender: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Workload:
    """Code to deploy, calls that seed the accounts, and the blocks."""

    code: bytes
    seeds: tuple[bytes, ...]
    blocks: tuple[tuple[Operation, ...], ...]


def calldata(signature: str, *values: object) -> bytes:
    """Selector and arguments of `name(type,type)`."""
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak(text=signature)[:4] + encode(types, values)


def make_workload(blocks: int, seed: int = 7) -> Workload:
    """The same operations for the same seed."""
    source = Path(__file__).with_name("Ledger.vy").read_text(encoding="utf-8")
    settings = Settings(optimize=OptimizationLevel.GAS, evm_version="cancun")
    output = compile_code(source, output_formats=["bytecode"], settings=settings)
    draw = random.Random(seed)
    return Workload(
        code=bytes.fromhex(output["bytecode"].removeprefix("0x")),
        seeds=tuple(calldata("seed(address,uint256)", who, salt) for salt, who in enumerate(ACCOUNTS)),
        blocks=tuple(_block(draw) for _ in range(blocks)),
    )


def _block(draw: random.Random) -> tuple[Operation, ...]:
    order = list(ACCOUNTS)
    draw.shuffle(order)
    senders, others = order[:BLOCK_SIZE], order[BLOCK_SIZE:]
    operations = []
    for place, (sender, other) in enumerate(zip(senders, others, strict=True)):
        kind = place % 10
        if kind < 6:
            data = calldata("transfer(address,uint256)", other, draw.randrange(1, 10**12))
        elif kind < 9:
            data = calldata("health(address)", sender)
        else:
            data = calldata("liquidate(address)", other)
        operations.append(Operation(sender, data))
    return tuple(operations)
