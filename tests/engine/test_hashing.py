# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from simulation.engine.hashing import GENESIS, block_hash
from simulation.messages.chain import BlockEnv, BlockResult, Logs, Transaction

ENV = BlockEnv(5, 60, b"\x01" * 20, 1_000, 7, b"\x02" * 32)
TX = Transaction(b"\x03" * 20, b"\x04" * 20, 1, 0, 50_000, 9, 1, b"\x05\x06")
LOGS = Logs(
    transaction=np.array([0]),
    address=np.full((1, 20), 4, np.uint8),
    topic_count=np.array([1], np.uint8),
    topics=np.ones((1, 4, 4), np.uint64),
    data=b"\x07" * 32,
    offsets=np.array([0, 32]),
)
RESULT = BlockResult(
    status=np.array([1], np.uint8),
    reason=np.array([0], np.uint8),
    gas_used=np.array([40_000]),
    gas_price=np.array([8]),
    outputs=b"\x01",
    offsets=np.array([0, 1]),
    created=np.zeros((1, 20), np.uint8),
    logs=LOGS,
)
STATE = b"\x08" * 32


def hashed(**changes: Any) -> bytes:
    values: dict[str, Any] = {"previous": GENESIS, "env": ENV, "tx": TX, "result": RESULT, "state": STATE}
    values |= changes
    return block_hash(values["previous"], values["env"], [values["tx"]], values["result"], values["state"])


def other(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value + 1
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return value + 1


@pytest.mark.parametrize("name", [item.name for item in fields(BlockEnv)])
def test_every_field_of_the_header_counts(name: str) -> None:
    assert hashed(env=replace(ENV, **{name: other(getattr(ENV, name))})) != hashed()


@pytest.mark.parametrize("name", Transaction._fields)
def test_every_field_of_a_transaction_counts(name: str) -> None:
    assert hashed(tx=TX._replace(**{name: other(getattr(TX, name))})) != hashed()


@pytest.mark.parametrize("name", ["status", "reason", "gas_used", "gas_price", "outputs", "offsets"])
def test_every_receipt_counts(name: str) -> None:
    assert hashed(result=replace(RESULT, **{name: other(getattr(RESULT, name))})) != hashed()


@pytest.mark.parametrize("name", [item.name for item in fields(Logs)])
def test_every_log_counts(name: str) -> None:
    logs = replace(LOGS, **{name: other(getattr(LOGS, name))})
    assert hashed(result=replace(RESULT, logs=logs)) != hashed()


def test_the_state_and_all_blocks_before_count() -> None:
    assert hashed() == hashed()
    assert hashed(state=other(STATE)) != hashed()
    assert hashed(previous=hashed()) != hashed()
