# SPDX-License-Identifier: Apache-2.0
"""Every block gives what py-evm gives: status, gas, output, logs, nonces, fees, balances and storage."""

from __future__ import annotations

import random

import pytest
from eth_keys import keys
from eth_utils import keccak

from tests.native.probe import (
    BASE_FEE,
    COINBASE,
    ETHER,
    block,
    calldata,
    header,
    new_evm,
    outcomes_of,
    probe_code,
    row,
)
from tests.native.reference import Block, Outcome, Reference, Row, address_of, key_of

ROLES = ("trader", "maker", "keeper")
TRADER, MAKER, KEEPER = (address_of(role) for role in ROLES)
SLOTS = [int.from_bytes(keccak(bytes(32) + slot.to_bytes(32, "big")), "big") for slot in (*range(64), 98, 99)]
SELF_DESTRUCT = bytes.fromhex("33ff")
"""Init code that destroys itself for the benefit of its caller."""
ONE_BYTE_OF_CODE = bytes.fromhex("5f5f5360015ff3")
"""Init code that leaves a single zero byte."""
STARTS_WITH_EF = bytes.fromhex("60ef5f5360015ff3")


class Pair:
    """The native EVM beside py-evm, fed the same blocks and compared after each."""

    def __init__(self) -> None:
        self.reference = Reference(dict.fromkeys(ROLES, 100 * ETHER))
        self.native = new_evm(dict.fromkeys((TRADER, MAKER, KEEPER), 100 * ETHER))
        self.number = 0
        self.nonces = dict.fromkeys((TRADER, MAKER, KEEPER), 0)
        self.known = {TRADER, MAKER, KEEPER, COINBASE}
        self.probe = self.run([self.row(TRADER, None, probe_code(), gas_limit=5_000_000)])[0].created

    def row(self, sender: bytes, to: bytes | None, data: bytes = b"", **fields: int) -> Row:
        """The sender's next transaction."""
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        return row(sender, to, nonce, data, **fields)

    def call(self, signature: str, *values: object, sender: bytes = TRADER, **fields: int) -> Row:
        """The sender's next call of the probe."""
        return self.row(sender, self.probe, calldata(signature, *values), **fields)

    def run(self, rows: list[Row], **fields: object) -> list[Outcome]:
        """One block on both, compared in full."""
        self.number += 1
        source: Block = block(self.number, **fields)
        self.native.set_block_hash(self.number - 1, self.reference.hash)
        expected = self.reference.execute_block(source, rows)
        found = outcomes_of(self.native.execute_block(header(source), rows))
        assert found == expected
        self.known |= {outcome.created for outcome in expected if outcome.created != bytes(20)}
        for address in sorted(self.known | {source.coinbase}):
            state = (self.native.balance(address), self.native.nonce(address), self.native.code(address))
            assert state == self.reference.account(address), address.hex()
        if len(expected) and hasattr(self, "probe"):
            slots = [1, *SLOTS]
            mine = [self.native.storage(self.probe, slot) for slot in slots]
            assert mine == self.reference.storage(self.probe, slots)
        assert self.native.state_hash() == self.native.state_hash_from_scratch()
        return found


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_storage_writes_cold_warm_and_refunds(pair: Pair) -> None:
    first = pair.run([pair.call("store(uint256,uint256)", 8, 5)])[0]
    rows = [
        pair.call("store(uint256,uint256)", 8, 6),
        pair.call("store(uint256,uint256)", 8, 6),
        pair.call("store(uint256,uint256)", 8, 0),
        pair.call("store(uint256,uint256)", 8, 0),
        pair.call("store(uint256,uint256)", 8, 9, sender=MAKER),
    ]
    changed, same, cleared, empty, again = pair.run(rows)
    assert first.gas_used == again.gas_used > changed.gas_used > same.gas_used
    assert empty.gas_used < cleared.gas_used < changed.gas_used


def test_events_with_zero_to_four_topics(pair: Pair) -> None:
    outcome = pair.run([pair.call("emit_events(uint256)", 41)])[0]
    assert [len(topics) for _, topics, _ in outcome.logs] == [0, 1, 2, 3, 4]


def test_block_environment(pair: Pair) -> None:
    rows = [
        pair.call("emit_environment()"),
        pair.call("emit_environment()", max_fee=BASE_FEE + 20, priority_fee=5),
    ]
    outcomes = pair.run(rows, timestamp=1_700_000_123, coinbase=MAKER, gas_limit=12_345_678)
    data = outcomes[1].logs[0][2]
    words = [int.from_bytes(data[start : start + 32], "big") for start in range(0, len(data), 32)]
    assert words[:2] == [2, 1_700_000_123]
    assert words[2] == int.from_bytes(MAKER, "big")
    assert words[3:5] == [BASE_FEE + 2, 12_345_678]
    assert words[6] == 1337
    assert words[7] == BASE_FEE + 2 + 5
    assert words[10] == 1


@pytest.mark.parametrize("reason", ["", "probe: no", "probe: a reason longer than one word of 32 bytes"])
def test_revert_reason(pair: Pair, reason: str) -> None:
    outcome = pair.run([pair.call("fail(string)", reason), pair.call("store(uint256,uint256)", 1, 1)])
    assert not outcome[0].success and outcome[0].logs == ()
    assert outcome[0].output == calldata("Error(string)", reason)
    assert outcome[1].success


@pytest.mark.parametrize("data", [b"", b"\x01", bytes(range(100))])
def test_raw_revert(pair: Pair, data: bytes) -> None:
    assert pair.run([pair.call("fail_raw(bytes)", data)])[0].output == data


def test_halts_take_all_gas(pair: Pair) -> None:
    rows = [
        pair.call("unreachable()", gas_limit=77_777),
        pair.call("exhaust()", gas_limit=300_000),
        pair.row(TRADER, None, STARTS_WITH_EF, gas_limit=100_000),
        pair.call("store(uint256,uint256)", 1, 1),
    ]
    outcomes = pair.run(rows)
    assert [outcome.gas_used for outcome in outcomes[:3]] == [77_777, 300_000, 100_000]
    assert [outcome.success for outcome in outcomes] == [False, False, False, True]


def test_a_failed_inner_call_undoes_only_itself(pair: Pair) -> None:
    outcome = pair.run([pair.call("catch_failure(string)", "inside")])[0]
    assert outcome.success and len(outcome.logs) == 1
    assert pair.native.storage(pair.probe, 1) == 2


def test_transient_storage_ends_with_the_transaction(pair: Pair) -> None:
    outcomes = pair.run([pair.call("bump_thrice()"), pair.call("bump()"), pair.call("bump_thrice()")])
    assert [int.from_bytes(outcome.output, "big") for outcome in outcomes] == [3, 1, 3]


def test_ecrecover(pair: Pair) -> None:
    digest = keccak(text="price")
    signature = key_of("keeper").sign_msg_hash(digest)
    v, r, s = signature.v + 27, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")
    good = pair.call("recover_and_store(bytes32,uint8,bytes32,bytes32)", digest, v, r, s)
    bad = [
        pair.call("recover_and_store(bytes32,uint8,bytes32,bytes32)", digest, 29, r, s),
        pair.call("recover_and_store(bytes32,uint8,bytes32,bytes32)", digest, 27, bytes(32), s),
    ]
    pair.run([good])
    slot = SLOTS[64]
    assert pair.native.storage(pair.probe, slot) == int.from_bytes(KEEPER, "big")
    pair.run(bad)
    assert pair.native.storage(pair.probe, slot) == 0


def test_creation_inside_and_outside(pair: Pair) -> None:
    salt = keccak(text="salt")
    rows = [
        pair.call("spawn(bytes,bytes32)", ONE_BYTE_OF_CODE, salt, value=5),
        pair.call("spawn(bytes,bytes32)", ONE_BYTE_OF_CODE, salt),
        pair.row(MAKER, None, ONE_BYTE_OF_CODE, value=7),
        pair.row(MAKER, None, b""),
    ]
    outcomes = pair.run(rows)
    assert [outcome.success for outcome in outcomes] == [True, False, True, True]
    child = outcomes[0].output[12:]
    assert pair.native.code(child) == b"\x00" == pair.reference.account(child)[2]
    assert pair.native.balance(child) == 5


def test_a_contract_may_live_again_after_it_destroyed_itself(pair: Pair) -> None:
    salt = keccak(text="phoenix")
    rows = [
        pair.call("spawn(bytes,bytes32)", SELF_DESTRUCT, salt, value=9),
        pair.call("spawn(bytes,bytes32)", SELF_DESTRUCT, salt, value=4),
        pair.row(KEEPER, None, SELF_DESTRUCT, value=3),
        pair.call("spawn(bytes,bytes32)", ONE_BYTE_OF_CODE, salt),
        pair.call("store(uint256,uint256)", 3, 3),
    ]
    outcomes = pair.run(rows)
    assert [outcome.success for outcome in outcomes] == [True, True, True, True, True]
    assert outcomes[0].output == outcomes[1].output


def test_transfers_create_accounts_and_leave_no_empty_ones(pair: Pair) -> None:
    stranger, nobody = b"\x51" * 20, b"\x52" * 20
    before = pair.native.addresses()
    rows = [
        pair.row(TRADER, stranger, value=123),
        pair.row(TRADER, nobody),
        pair.row(TRADER, pair.probe, value=10**18),
        pair.call("pay(address,uint256)", b"\x53" * 20, 5 * 10**17),
        pair.call("touch(address)", stranger),
        pair.row(TRADER, TRADER, value=1),
    ]
    pair.known |= {stranger, nobody, b"\x53" * 20}
    pair.run(rows)
    assert set(pair.native.addresses()) - set(before) == {stranger, b"\x53" * 20}


def test_fees_are_charged_burnt_and_paid(pair: Pair) -> None:
    coinbase = b"\xfe" * 20
    before = pair.native.balance(MAKER)
    outcome = pair.run(
        [pair.call("store(uint256,uint256)", 1, 1, sender=MAKER, max_fee=2 * BASE_FEE, priority_fee=77)],
        coinbase=coinbase,
        base_fee=1_234_567,
    )[0]
    assert before - pair.native.balance(MAKER) == outcome.gas_used * (1_234_567 + 77)
    assert pair.native.balance(coinbase) == outcome.gas_used * 77


def test_invalid_transactions_are_left_out_by_both(pair: Pair) -> None:
    nonce = pair.nonces[TRADER]
    data = calldata("store(uint256,uint256)", 1, 7)
    rows = [
        row(TRADER, pair.probe, nonce + 1, data),
        row(TRADER, pair.probe, nonce, data, max_fee=BASE_FEE // 2, priority_fee=1),
        row(TRADER, pair.probe, nonce, data, gas_limit=21_100),
        row(TRADER, pair.probe, nonce, data, value=10**30),
        row(TRADER, pair.probe, nonce, data),
        row(TRADER, pair.probe, nonce, data),
        row(TRADER, pair.probe, nonce + 1, data, gas_limit=30_000_000),
        row(MAKER, pair.probe, 0, data),
    ]
    outcomes = pair.run(rows)
    assert [outcome.included for outcome in outcomes] == [False] * 4 + [True, False, False, True]


@pytest.mark.parametrize("seed", [1, 2])
def test_random_blocks(pair: Pair, seed: int) -> None:
    draw = random.Random(seed)
    sign = keys.PrivateKey(bytes(31) + bytes([seed])).sign_msg_hash(keccak(text="x"))
    signed = (keccak(text="x"), sign.v + 27, sign.r.to_bytes(32, "big"), sign.s.to_bytes(32, "big"))
    pair.run([pair.row(TRADER, pair.probe, value=10**17)])
    for _ in range(6):
        rows = []
        for _ in range(draw.randrange(1, 9)):
            choices = [
                ("store(uint256,uint256)", (draw.randrange(12), draw.randrange(3))),
                ("emit_events(uint256)", (draw.randrange(1 << 200),)),
                ("emit_environment()", ()),
                ("fail(string)", ("random",)),
                ("catch_failure(string)", ("random",)),
                ("bump_thrice()", ()),
                ("recover_and_store(bytes32,uint8,bytes32,bytes32)", signed),
                (
                    "spawn(bytes,bytes32)",
                    (draw.choice((SELF_DESTRUCT, ONE_BYTE_OF_CODE)), bytes(31) + b"\x01"),
                ),
                ("pay(address,uint256)", (draw.choice((TRADER, MAKER, KEEPER)), draw.randrange(10**15))),
                ("exhaust()", ()),
            ]
            signature, values = draw.choice(choices)
            rows.append(
                pair.call(
                    signature,
                    *values,
                    sender=draw.choice((TRADER, MAKER, KEEPER)),
                    gas_limit=draw.randrange(60_000, 400_000),
                    priority_fee=draw.randrange(BASE_FEE),
                )
            )
        pair.run(rows, coinbase=draw.choice((COINBASE, MAKER, pair.probe)))


def test_views_agree_with_what_a_transaction_uses(pair: Pair) -> None:
    data = calldata("bump_thrice()")
    source = block(pair.number + 1)
    view = outcomes_of(pair.native.call_many(header(source), [row(TRADER, pair.probe, 0, data)]))
    assert view == pair.run([pair.row(TRADER, pair.probe, data)])
