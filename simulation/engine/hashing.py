# SPDX-License-Identifier: Apache-2.0
"""One hash for each block that chains everything a run has done: two runs are compared block by block. And
what stands for chance in a block.

Imports: messages only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from simulation.messages.chain import BlockEnv, BlockResult, Transaction

__all__ = ["GENESIS", "block_hash", "prevrandao"]

GENESIS = bytes(32)
"""What the first block is chained to."""


def prevrandao(seed: int, number: int) -> bytes:
    """32 bytes that look random to contracts and are the same in every run of a seed."""
    return hashlib.sha256(f"plimsoll prevrandao {seed} {number}".encode()).digest()


def block_hash(
    previous: bytes,
    env: BlockEnv,
    transactions: Sequence[Transaction],
    result: BlockResult,
    state_hash: bytes,
) -> bytes:
    """SHA-256 of the hash before, and the block's header, transactions, receipts, logs and state."""
    digest = hashlib.sha256(previous)
    header = (env.number, env.timestamp, env.gas_limit, env.base_fee, len(transactions), len(result.logs))
    digest.update(b"".join(number.to_bytes(32, "big") for number in header))
    digest.update(env.coinbase + env.prevrandao)
    parts: list[bytes] = []
    for sender, to, nonce, value, gas_limit, max_fee, tip, data in transactions:
        numbers = b"%d %d %d %d %d %d;" % (nonce, value, gas_limit, max_fee, tip, len(data))
        parts += (numbers, sender, to or b"", data)
    digest.update(b"".join(parts))
    logs = result.logs
    receipts = (result.status, result.reason, result.gas_used, result.gas_price, result.offsets)
    digest.update(b"".join([column.tobytes() for column in receipts]) + result.outputs)
    logged = (logs.transaction, logs.address, logs.topic_count, logs.topics, logs.offsets)
    digest.update(b"".join([column.tobytes() for column in logged]) + logs.data)
    digest.update(state_hash)
    return digest.digest()
