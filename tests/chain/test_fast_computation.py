# SPDX-License-Identifier: Apache-2.0
"""Programs made of anything give the same end on translated py-evm, on py-evm itself and on revm."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulation.chain.protocol import Chain
from simulation.chain.revm import RevmChain
from simulation.chain.tester import PyEvmChain
from simulation.messages.chain import BlockEnv, BlockResult, Outcome, Transaction

SENDER = b"\x11" * 20
ENV = BlockEnv(7, 1_700_000_000, b"\xc0" * 20, 30_000_000, 5, b"\x99" * 32)
EDGES = [
    0,
    1,
    2,
    5,
    31,
    32,
    33,
    64,
    255,
    256,
    257,
    2**64,
    2**128 - 1,
    2**255 - 1,
    2**255,
    2**256 - 2,
    2**256 - 1,
]
KEEP_FOUR_WORDS = bytes.fromhex("5f55600155600255600355")
"""Stores the four topmost words at the slots 0 to 3."""
RETURN_MEMORY = bytes.fromhex("6101005ff3")
"""Makes code of the first 256 bytes of memory."""


def push(value: int) -> bytes:
    """The shortest push of `value`."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([0x5F + len(data)]) + data


def run(chain: Chain, program: bytes, gas_limit: int) -> tuple[BlockResult, bytes]:
    """Executes `program` as the code of a creation."""
    chain.fund(SENDER, 10**18)
    result = chain.execute_block(ENV, [Transaction(SENDER, None, 0, 3, gas_limit, 9, 1, program)])
    return result, chain.state_hash()


def check(program: bytes, gas_limit: int) -> BlockResult:
    """The three agree on outcome, gas and state.

    Where a halt has two causes at once, py-evm and revm may name different ones, but translation changes none
    of py-evm's names; only a jump into the data of a push is called what it is.
    """
    expected, state = run(RevmChain(), program, gas_limit)
    fast, fast_state = run(PyEvmChain(), program, gas_limit)
    plain, plain_state = run(PyEvmChain(plain=True), program, gas_limit)
    assert state == fast_state == plain_state
    for result in (fast, plain):
        assert result.status.tolist() == expected.status.tolist()
        assert result.gas_used.tolist() == expected.gas_used.tolist()
        assert result.outputs == expected.outputs
    if plain.reason_of(0) != fast.reason_of(0):
        assert (plain.reason_of(0), fast.reason_of(0)) == ("invalid opcode", "invalid jump destination")
    return expected


words = st.sampled_from(EDGES) | st.integers(0, 2**256 - 1)
ARITHMETIC = [*range(0x01, 0x0C), *range(0x10, 0x1E)]


@given(st.sampled_from(ARITHMETIC), st.lists(words, min_size=3, max_size=3))
@settings(max_examples=300, deadline=None)
def test_arithmetic(opcode: int, operands: list[int]) -> None:
    program = b"".join(map(push, operands)) + bytes([opcode]) + push(1) * 3 + KEEP_FOUR_WORDS
    assert check(program, 500_000).outcome(0) is Outcome.SUCCESS


pieces = st.one_of(
    words.map(push),
    st.integers(0, 40).map(push),
    st.sampled_from(ARITHMETIC).map(lambda opcode: bytes([opcode])),
    st.integers(0x80, 0x9F).map(lambda opcode: bytes([opcode])),
    st.sampled_from([0x30, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3D, 0x43, 0x50, 0x58, 0x59, 0x5A, 0x5B]).map(
        lambda opcode: bytes([opcode])
    ),
    st.sampled_from(
        [
            "5160005260205120",
            "60205f20",
            "604060205f5e",
            "5f51",
            "60205e",
            "602051",
            "5952",
            "6040600160003960205f5f37",
            "602060ff606037",
            "60fe6003604039",
        ]
    ).map(bytes.fromhex),
    st.tuples(st.integers(0, 200), words).map(lambda pair: push(pair[1]) + push(pair[0]) + b"\x52"),
    st.integers(0, 120).map(lambda target: push(target) + b"\x56"),
    st.tuples(st.integers(0, 1), st.integers(0, 120)).map(
        lambda pair: push(pair[0]) + push(pair[1]) + b"\x57"
    ),
    st.binary(min_size=1, max_size=3),
)


@given(
    st.integers(0, 8),
    st.lists(pieces, max_size=40),
    st.sampled_from([54_000, 60_000, 100_000, 300_000]),
)
@settings(max_examples=500, deadline=None)
@example(0, [bytes.fromhex("5b60005660005b")], 60_000)
@example(0, [bytes.fromhex("605b600156")], 60_000)
@example(0, [b"\x5f" * 1024], 300_000)
@example(0, [b"\x5f" * 1025], 300_000)
@example(1, [b"\x9f"], 60_000)
@example(0, [b"\x5b"], 60_000)
@example(0, [b"\x00" * 64], 53_250)
@example(0, [push(2**60) + push(2**60) + b"\x20"], 60_000)
@example(0, [push(2**255) + b"\x51"], 60_000)
def test_any_program(depth: int, parts: list[bytes], gas_limit: int) -> None:
    program = push(7) * depth + b"".join(parts) + KEEP_FOUR_WORDS + RETURN_MEMORY
    check(program, gas_limit)


@pytest.mark.parametrize("gas_limit", range(53_300, 53_700, 7))
def test_gas_may_end_anywhere(gas_limit: int) -> None:
    store = bytes.fromhex("602a5f525f51600101602052602051604052")
    check(store * 6 + bytes.fromhex("60605f2050"), gas_limit)


def test_a_loop() -> None:
    # for i in range(200): memory[i * 32] = i * i
    program = bytes.fromhex("5f5b8080028160051b5260010180" + "60c8" + "11600157") + RETURN_MEMORY
    result = check(program, 2_000_000)
    assert result.outcome(0) is Outcome.SUCCESS
