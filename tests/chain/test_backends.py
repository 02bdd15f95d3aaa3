# SPDX-License-Identifier: Apache-2.0
"""Both backends give the same block for the same transactions, to the last byte."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from eth_utils import keccak

from simulation.chain.protocol import TX_GAS_LIMIT_CAP, Chain
from simulation.chain.revm import RevmChain
from simulation.chain.tester import PyEvmChain
from simulation.errors import ChainError
from simulation.messages.chain import REASONS, BlockEnv, BlockResult, Call, Outcome, Transaction
from tests.chain.both import picture
from tests.native.probe import calldata, probe_code
from tests.native.reference import key_of

ETHER = 10**18
GWEI = 10**9
TRADER, MAKER, KEEPER = (bytes([number]) * 20 for number in (0x11, 0x22, 0x33))
COINBASE = b"\xc0" * 20
SELF_DESTRUCT = bytes.fromhex("33ff")
ONE_BYTE_OF_CODE = bytes.fromhex("5f5f5360015ff3")
ROLES = (TRADER, MAKER, KEEPER)


def environment(number: int, **fields: object) -> BlockEnv:
    """A block whose every field differs from any default."""
    env = BlockEnv(
        number, 1_600_000_000 + 13 * number, COINBASE, 30_000_000, GWEI + number, keccak(bytes([number]))
    )
    return replace(env, **fields)  # type: ignore[arg-type]


def transaction(
    sender: bytes, to: bytes | None, nonce: int, data: bytes = b"", **fields: object
) -> Transaction:
    """A transaction that any block of the tests accepts."""
    tx = Transaction(sender, to, nonce, 0, 1_000_000, 3 * GWEI, GWEI // 2, data)
    return tx._replace(**fields)  # type: ignore[arg-type]


class Both:
    """The two backends, fed the same blocks and compared after each."""

    def __init__(self) -> None:
        self.chains: tuple[Chain, Chain] = (RevmChain(), PyEvmChain())
        for role in ROLES:
            for chain in self.chains:
                chain.fund(role, 100 * ETHER)
        self.number = 0
        self.nonces = dict.fromkeys(ROLES, 0)
        created = self.run([self.next(TRADER, None, probe_code(), gas_limit=5_000_000)]).created_by(0)
        assert created is not None
        self.probe = created

    def next(self, sender: bytes, to: bytes | None, data: bytes = b"", **fields: object) -> Transaction:
        """The sender's next transaction."""
        self.nonces[sender] += 1
        return transaction(sender, to, self.nonces[sender] - 1, data, **fields)

    def call(self, signature: str, *values: object, sender: bytes = TRADER, **fields: object) -> Transaction:
        """The sender's next call of the probe."""
        return self.next(sender, self.probe, calldata(signature, *values), **fields)

    def same(self) -> None:
        """The states are equal."""
        revm, tester = self.chains
        assert revm.state_hash() == tester.state_hash()
        for address in (*ROLES, COINBASE):
            assert revm.balance(address) == tester.balance(address)
            assert revm.nonce(address) == tester.nonce(address)

    def run(self, transactions: list[Transaction], **fields: object) -> BlockResult:
        """One block on both, compared in full."""
        self.number += 1
        env = environment(self.number, **fields)
        first, second = (chain.execute_block(env, transactions) for chain in self.chains)
        assert picture(first) == picture(second)
        self.same()
        return first

    def view(self, calls: list[Call]) -> BlockResult:
        """Views on both, compared in full."""
        env = environment(self.number + 1)
        first, second = (chain.call_many(env, calls) for chain in self.chains)
        assert picture(first) == picture(second)
        self.same()
        return first


@pytest.fixture
def both() -> Both:
    return Both()


def test_one_block_of_everything(both: Both) -> None:
    digest = keccak(text="price")
    signature = key_of("keeper").sign_msg_hash(digest)
    signed = (digest, signature.v + 27, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big"))
    salt = keccak(text="salt")
    result = both.run(
        [
            both.call("store(uint256,uint256)", 8, 5),
            both.call("store(uint256,uint256)", 8, 0),
            both.call("emit_events(uint256)", 2**255, sender=MAKER),
            both.call("emit_environment()", sender=KEEPER),
            both.call("fail(string)", "probe: a reason longer than one word of 32 bytes"),
            both.call("catch_failure(string)", "inside"),
            both.call("bump_thrice()"),
            both.call("recover_and_store(bytes32,uint8,bytes32,bytes32)", *signed),
            both.call("spawn(bytes,bytes32)", ONE_BYTE_OF_CODE, salt, value=3),
            both.call("spawn(bytes,bytes32)", ONE_BYTE_OF_CODE, salt),
            both.call("spawn(bytes,bytes32)", SELF_DESTRUCT, bytes(32), value=9),
            both.call("spawn(bytes,bytes32)", SELF_DESTRUCT, bytes(32), value=4),
            both.call("unreachable()", gas_limit=77_777),
            both.call("exhaust()", gas_limit=300_000),
            both.next(KEEPER, None, SELF_DESTRUCT, value=3),
            both.next(KEEPER, None, bytes.fromhex("60ef5f5360015ff3"), gas_limit=100_000),
            both.next(KEEPER, None, ONE_BYTE_OF_CODE, value=1),
            both.next(MAKER, b"\x77" * 20),
            both.next(MAKER, b"\x78" * 20, value=5),
            both.next(MAKER, both.probe, value=ETHER),
            both.call("pay(address,uint256)", KEEPER, ETHER // 3),
            both.call("touch(address)", b"\x79" * 20),
        ]
    )
    assert [result.outcome(row) for row in (0, 4, 12, 13)] == [
        Outcome.SUCCESS,
        Outcome.REVERTED,
        Outcome.HALTED,
        Outcome.HALTED,
    ]
    assert [result.reason_of(row) for row in (12, 13, 15)] == [
        "invalid opcode",
        "out of gas",
        "contract code refused",
    ]
    assert len(result.logs) == 10
    assert [len(result.logs.topics_of(row)) for row in range(6)] == [0, 1, 2, 3, 4, 1]
    environment_data = result.logs.data_of(5)
    assert int.from_bytes(environment_data[:32], "big") == both.number
    assert environment_data[256:288] == keccak((both.number - 1).to_bytes(32, "big"))
    assert result.created_by(16) is not None and result.created_by(0) is None
    assert result.total_gas == sum(result.gas_used.tolist())


def test_every_exclusion(both: Both) -> None:
    nonce = both.nonces[TRADER]
    to = both.probe
    codes = [
        (transaction(TRADER, to, nonce - 1), "nonce too low"),
        (transaction(TRADER, to, nonce + 1), "nonce too high"),
        (transaction(TRADER, to, nonce, value=101 * ETHER), "insufficient funds"),
        (transaction(TRADER, to, nonce, value=2**256 - 1), "insufficient funds"),
        (transaction(TRADER, to, nonce, max_fee=GWEI, max_priority_fee=0), "max fee below base fee"),
        (transaction(TRADER, to, nonce, max_priority_fee=4 * GWEI), "priority fee above max fee"),
        (transaction(TRADER, to, nonce, gas_limit=30_000_001), "gas limit above what the block has left"),
        (
            transaction(TRADER, to, nonce, gas_limit=TX_GAS_LIMIT_CAP + 1),
            "gas limit above the transaction cap",
        ),
        (transaction(TRADER, to, nonce, gas_limit=20_999), "gas limit below intrinsic gas"),
        (transaction(TRADER, None, nonce, bytes(49_153), gas_limit=9_000_000), "init code too large"),
        (transaction(TRADER, to, 2**64 - 1), "nonce overflow"),
        (transaction(to, TRADER, 1), "sender has code"),
    ]
    result = both.run([tx for tx, _ in codes])
    assert [result.reason_of(row) for row in range(len(codes))] == [reason for _, reason in codes]
    assert set(result.status.tolist()) == {Outcome.EXCLUDED}
    assert result.total_gas == 0 and both.chains[0].nonce(TRADER) == nonce
    # Several faults at once: both name the same one.
    mixed = [
        transaction(TRADER, to, nonce + 5, value=10**30, gas_limit=100, max_fee=1, max_priority_fee=2),
        transaction(TRADER, to, nonce + 5, value=10**30, gas_limit=100, max_fee=1, max_priority_fee=1),
        transaction(TRADER, to, nonce + 5, value=10**30, gas_limit=100),
        transaction(TRADER, to, nonce + 5, value=10**30),
        transaction(to, to, 77, value=10**30),
    ]
    both.run(mixed)


def test_the_block_gas_limit_counts_what_was_used(both: Both) -> None:
    rows = [both.next(MAKER, KEEPER, gas_limit=29_000) for _ in range(3)]
    result = both.run(rows, gas_limit=50_000)
    assert result.status.tolist() == [Outcome.SUCCESS, Outcome.SUCCESS, Outcome.EXCLUDED]


def test_views(both: Both) -> None:
    both.run([both.call("store(uint256,uint256)", 4, 5)])
    calls = [
        Call(both.probe, calldata("load(uint256)", 3)),
        Call(both.probe, calldata("store(uint256,uint256)", 4, 9), MAKER),
        Call(both.probe, calldata("load(uint256)", 3), both.probe),
        Call(both.probe, calldata("fail(string)", "seen"), gas_limit=100_000),
        Call(both.probe, calldata("emit_environment()")),
        Call(both.probe, calldata("bump_thrice()")),
        Call(both.probe, calldata("bump()")),
        Call(both.probe, calldata("unreachable()"), gas_limit=50_000),
        Call(both.probe, calldata("load(uint256)", 3), gas_limit=21_000),
        Call(MAKER, b"\x01"),
    ]
    result = both.view(calls)
    assert result.output(0) == result.output(2) == (5).to_bytes(32, "big")
    assert [int.from_bytes(result.output(row), "big") for row in (5, 6)] == [3, 1]
    assert result.outcome(8) == Outcome.EXCLUDED
    gas = int(result.gas_used[1])
    outcome = both.run([both.call("store(uint256,uint256)", 4, 9, sender=MAKER)])
    assert gas == int(outcome.gas_used[0])


def test_snapshots(both: Both) -> None:
    hashes, marks = [], []
    nonces = dict(both.nonces)
    for step in range(3):
        hashes.append(both.chains[0].state_hash())
        marks.append([chain.snapshot() for chain in both.chains])
        both.run(
            [
                both.call("store(uint256,uint256)", 3 + step, step + 1),
                both.next(MAKER, None, ONE_BYTE_OF_CODE),
            ]
        )
        for chain in both.chains:
            chain.set_storage(both.probe, 500, step)
        both.same()
    for place in (1, 1, 0):
        for chain, mark in zip(both.chains, marks[place], strict=True):
            chain.revert(mark)
            assert chain.state_hash() == hashes[place]
        both.same()
    both.nonces = nonces
    both.run([both.call("store(uint256,uint256)", 9, 9)])
    for chain, mark in zip(both.chains, marks[2], strict=True):
        with pytest.raises(ChainError, match="unknown or was dropped"):
            chain.revert(mark)


def test_replicas(both: Both) -> None:
    copies = [chain.copy() for chain in both.chains]
    before = both.chains[0].state_hash()
    tx = both.call("store(uint256,uint256)", 5, 5)
    both.run([tx])
    assert {chain.state_hash() for chain in copies} == {before}
    env = environment(both.number)
    for chain in copies:
        chain.execute_block(env, [tx])
    assert {chain.state_hash() for chain in copies} == {both.chains[0].state_hash()}
    copies[0].fund(KEEPER, 7)
    assert both.chains[0].balance(KEEPER) == copies[1].balance(KEEPER) == 100 * ETHER


def test_reads(both: Both) -> None:
    for chain in both.chains:
        chain.set_storage(both.probe, 2**256 - 1, 2**256 - 1)
        assert chain.storage(both.probe, 2**256 - 1) == 2**256 - 1
        assert chain.code(both.probe) and chain.code(TRADER) == b""
        assert chain.chain_id == 1337
    both.same()
    assert [chain.name for chain in both.chains] == ["revm", "tester"]


def test_an_empty_block_changes_nothing(both: Both) -> None:
    before = both.chains[0].state_hash()
    result = both.run([])
    assert len(result) == len(result.logs) == result.total_gas == 0
    assert both.chains[0].state_hash() == before


@pytest.mark.parametrize("seed", range(3))
def test_random_blocks(both: Both, seed: int) -> None:
    draw = random.Random(seed)
    both.run([both.next(TRADER, both.probe, value=ETHER)])
    for _ in range(8):
        rows = []
        for _ in range(draw.randrange(1, 10)):
            choices: list[tuple[str, tuple[object, ...]]] = [
                ("store(uint256,uint256)", (draw.randrange(12), draw.randrange(3))),
                ("emit_events(uint256)", (draw.randrange(1 << 200),)),
                ("emit_environment()", ()),
                ("fail(string)", ("random",)),
                ("fail_raw(bytes)", (draw.randbytes(draw.randrange(60)),)),
                ("catch_failure(string)", ("random",)),
                ("bump_thrice()", ()),
                (
                    "spawn(bytes,bytes32)",
                    (draw.choice((SELF_DESTRUCT, ONE_BYTE_OF_CODE)), bytes(31) + bytes([draw.randrange(2)])),
                ),
                ("pay(address,uint256)", (draw.choice(ROLES), draw.randrange(10**15))),
                ("exhaust()", ()),
            ]
            signature, values = draw.choice(choices)
            rows.append(
                both.call(
                    signature,
                    *values,
                    sender=draw.choice(ROLES),
                    gas_limit=draw.randrange(60_000, 400_000),
                    max_priority_fee=draw.randrange(GWEI),
                )
            )
        both.run(rows, coinbase=draw.choice((COINBASE, MAKER, both.probe)))
        both.view([Call(tx.to or b"", tx.data, tx.sender, tx.gas_limit) for tx in rows])


def test_reasons_are_those_of_the_native_evm() -> None:
    import plimsoll_evm

    assert tuple(plimsoll_evm.REASONS) == REASONS
