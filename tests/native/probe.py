# SPDX-License-Identifier: Apache-2.0
"""The compiled probe, calldata for it, and the native receipts as plain values."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import numpy as np
import plimsoll_evm
from eth_abi import encode
from eth_utils import keccak
from vyper.compiler import compile_code
from vyper.compiler.settings import OptimizationLevel, Settings

from tests.native.reference import CHAIN_ID, Block, Log, Outcome, Row

BASE_FEE = 10**9
ETHER = 10**18
COINBASE = bytes.fromhex("c0ffee") + bytes(17)


@cache
def probe_code() -> bytes:
    """Deployment code of Probe.vy."""
    source = Path(__file__).with_name("Probe.vy").read_text(encoding="utf-8")
    settings = Settings(optimize=OptimizationLevel.GAS, evm_version="cancun")
    output = compile_code(source, output_formats=["bytecode"], settings=settings)
    return bytes.fromhex(output["bytecode"].removeprefix("0x"))


def calldata(signature: str, *values: object) -> bytes:
    """Calldata of one function, named as `name(type,type)`."""
    types = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4] + encode(types.split(",") if types else [], values)


def block(number: int, **fields: object) -> Block:
    """A block whose every field differs from any default."""
    values: dict[str, object] = {
        "timestamp": 1_600_000_000 + 13 * number,
        "coinbase": COINBASE,
        "gas_limit": 30_000_000,
        "base_fee": BASE_FEE + number,
        "prevrandao": keccak(number.to_bytes(32, "big")),
    }
    return Block(number, **(values | fields))  # type: ignore[arg-type]


def header(source: Block) -> plimsoll_evm.Header:
    """The same block for the native EVM."""
    return plimsoll_evm.Header(
        source.number, source.timestamp, source.coinbase, source.gas_limit, source.base_fee, source.prevrandao
    )


def row(
    sender: bytes,
    to: bytes | None,
    nonce: int,
    data: bytes = b"",
    *,
    value: int = 0,
    gas_limit: int = 1_000_000,
    max_fee: int = 3 * BASE_FEE,
    priority_fee: int = BASE_FEE // 2,
) -> Row:
    """A transaction with fees that any block of the tests accepts."""
    return sender, to, nonce, value, gas_limit, max_fee, priority_fee, data


def new_evm(balances: dict[bytes, int], **options: object) -> plimsoll_evm.Evm:
    """A native chain whose accounts have these balances."""
    evm = plimsoll_evm.Evm(CHAIN_ID, **options)  # type: ignore[arg-type]
    for address, balance in balances.items():
        evm.set_balance(address, balance)
    return evm


def logs_of(result: plimsoll_evm.BlockResult) -> list[tuple[int, Log]]:
    """Row and content of each log."""
    ends = np.frombuffer(result.log_data_offsets, np.uint64).tolist()
    rows = np.frombuffer(result.log_tx, np.uint32).tolist()
    found = []
    for index, transaction in enumerate(rows):
        words = result.log_topics[128 * index : 128 * (index + 1)]
        count = result.log_topic_count[index]
        assert words[32 * count :] == bytes(128 - 32 * count)
        topics = tuple(words[32 * place : 32 * (place + 1)] for place in range(count))
        address = result.log_address[20 * index : 20 * (index + 1)]
        found.append((transaction, (address, topics, result.log_data[ends[index] : ends[index + 1]])))
    return found


def outcomes_of(result: plimsoll_evm.BlockResult) -> list[Outcome]:
    """The columns of a block as values to compare."""
    gas = struct.unpack(f"={len(result)}Q", result.gas_used)
    logs = logs_of(result)
    return [
        Outcome(
            included=result.status[index] != plimsoll_evm.INVALID,
            success=result.status[index] == plimsoll_evm.SUCCESS,
            gas_used=gas[index],
            output=result.output_of(index),
            logs=tuple(log for transaction, log in logs if transaction == index),
            created=result.created[20 * index : 20 * (index + 1)],
        )
        for index in range(len(result))
    ]
