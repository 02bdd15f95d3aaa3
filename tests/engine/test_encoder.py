# SPDX-License-Identifier: Apache-2.0
"""Calldata against eth_abi and against the ABI of the compiled contracts."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

import simulation.messages as messages
from simulation.chain.artifacts import load_artifact
from simulation.engine.abi import encode_call, packer, revert_reason, selector
from simulation.engine.encoder import TX_GAS_CAP, Encoder
from simulation.messages import Intent, OracleUpdate, PlaceOrder, Reprice
from tests.engine.books import ADDRESSES, PROTOCOL, owner

ENCODER = Encoder(PROTOCOL, owner)

INTENTS: list[tuple[Intent, tuple[Any, ...]]] = [
    (
        messages.PlaceOrder(
            account=3, market=1, is_bid=True, tick=9, lots=8, options=3, expiry=7, max_fills=2
        ),
        (3, 1, True, 9, 8, 3, 7, 2),
    ),
    (messages.ReplaceOrder(account=3, order_id=2**62, tick=9, lots=8, options=1), (2**62, 9, 8, 1, 0, 8)),
    (messages.CancelOrder(account=3, order_id=2**62), (2**62,)),
    (messages.CancelAll(account=3), (3,)),
    (messages.Purge(account=3, order_ids=(5, 6, 7)), ((5, 6, 7),)),
    (messages.Deposit(account=3, asset=1, amount=2**70), (3, 1, 2**70)),
    (messages.Withdraw(account=3, asset=0, amount=5), (3, 0, 5, owner(3))),
    (messages.TransferCash(account=3, receiver=4, amount=10**20), (3, 4, 10**20)),
    (messages.Settle(account=3, target=4), (4,)),
    (messages.AccrueInterest(account=3), ()),
    (messages.SweepFees(account=3), ()),
    (messages.FundDeposit(account=3, amount=5), (5, owner(3))),
    (messages.FundRedeem(account=3, shares=5), (5, owner(3), owner(3))),
    (
        messages.OracleUpdate(
            account=3,
            feed=1,
            spot=2,
            mark=3,
            confidence=4,
            timestamp=5,
            deadline=6,
            signatures=((2**255, 2**254), (7, 8)),
        ),
        ((1, 2, 3, 4, 5, 6), ((2**255, 2**254), (7, 8))),
    ),
    (messages.CallMargin(account=3, target=4), (4,)),
    (messages.EscalateCall(account=3, target=4), (4,)),
    (messages.CureCall(account=3, target=4), (4,)),
    (messages.StartAuction(account=3, target=4), (4, 3)),
    (messages.Bid(account=3, target=4, fraction=10**18, max_price=-(10**22)), (4, 3, 10**18, -(10**22))),
    (messages.MarkInsolvent(account=3, target=4), (4,)),
    (messages.MarkDeleverage(account=3, target=4), (4,)),
    (messages.Deleverage(account=3, target=4, market=1, counterparties=(9, 8)), (4, 1, (9, 8))),
    (messages.WriteOff(account=3, target=4), (4,)),
    (messages.StopAuction(account=3, target=4), (4,)),
    (
        messages.UpdateSurface(
            account=3,
            update=(1, -2, 3, -4, 5, -6, -7, 8, 9, 10, 11, 12, 13, 14, 15),
            signatures=((2**255, 2**254), (7, 8)),
        ),
        ((1, -2, 3, -4, 5, -6, -7, 8, 9, 10, 11, 12, 13, 14, 15), ((2**255, 2**254), (7, 8))),
    ),
    (messages.RefreshBoard(account=3, series=2), (2,)),
    (messages.RefreshContributions(account=3, targets=(7, 9)), ((7, 9),)),
    (messages.AccumulatePrice(account=3, series=(1, 2)), ((1, 2),)),
    (messages.FinaliseSeries(account=3, series=2), (2,)),
    (messages.DeskDeposit(account=3, tranche=2, amount=5), (2, 5, owner(3))),
    (messages.DeskRedeem(account=3, tranche=1, shares=2**90), (1, 2**90, owner(3))),
    (messages.GrantLine(account=3, target=4, amount=5, term=6), (4, 5, 6)),
    (messages.ReviewLine(account=3, target=4), (4,)),
    (messages.DeclareDefault(account=3, target=4), (4,)),
    (messages.SettleExpired(account=3, target=4, series=2), (4, 2)),
    (messages.SettleCoin(account=3, target=4, market=128), (4, 128)),
    (messages.CloseDebt(account=3, target=4, creditor=5, market=128), (4, 5, 128)),
]


def kind(item: dict[str, Any]) -> str:
    if item["type"].startswith("tuple"):
        return f"({','.join(map(kind, item['components']))}){item['type'][5:]}"
    return str(item["type"])


def plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(plain(item) for item in value)
    return bytes.fromhex(value[2:]) if isinstance(value, str) else value


@pytest.mark.parametrize(("intent", "arguments"), INTENTS, ids=lambda value: type(value).__name__)
def test_every_intent_calls_a_function_of_its_contract(intent: Intent, arguments: tuple[Any, ...]) -> None:
    (encoded,) = ENCODER.encode([intent])
    contract, _, function = encoded.function.partition(".")
    assert encoded.to == ADDRESSES[contract]
    assert 21_000 < encoded.gas_limit <= TX_GAS_CAP
    found = [
        types
        for item in load_artifact(contract).abi
        if item["type"] == "function" and item["name"] == function
        for types in [[kind(argument) for argument in item["inputs"]]]
        if keccak(f"{function}({','.join(types)})".encode())[:4] == encoded.data[:4]
    ]
    assert len(found) == 1
    assert plain(decode(found[0], encoded.data[4:])) == arguments


def test_every_kind_of_intent_is_covered() -> None:
    kinds = {
        value
        for value in vars(messages).values()
        if isinstance(value, type) and issubclass(value, Intent) and value is not Intent
    }
    assert kinds - {type(intent) for intent, _ in INTENTS} == {Reprice}
    with pytest.raises(TypeError, match="Reprice calls no function"):
        ENCODER.encode([Reprice(account=1)])


def test_intents_of_many_kinds_keep_their_order() -> None:
    mixed = [intent for intent, _ in INTENTS] * 3
    alone = [ENCODER.encode([intent])[0] for intent in mixed]
    assert ENCODER.encode(mixed) == alone


def test_gas_grows_with_the_orders_that_may_be_touched() -> None:
    few, many = (
        ENCODER.encode([PlaceOrder(account=1, market=1, is_bid=True, tick=1, lots=1, max_fills=fills)])[
            0
        ].gas_limit
        for fills in (1, 1_000)
    )
    assert few < many == TX_GAS_CAP


WORDS = st.integers(-(2**255), 2**255 - 1) | st.integers(0, 2**64 - 1) | st.booleans()


@given(st.lists(WORDS))
def test_words_are_packed_as_eth_abi_does(values: list[int]) -> None:
    types = ["int256"] * len(values)
    function = selector("f(int256)")
    assert packer(function, len(values))(*values) == function + encode(
        types, [int(value) for value in values]
    )


@given(st.lists(st.integers(0, 2**256 - 1)), st.integers(0, 2**256 - 1), st.lists(st.integers(0, 5)))
def test_arrays_are_encoded_as_eth_abi_does(first: list[int], number: int, second: list[int]) -> None:
    signature = "f(uint256[],uint256,uint256[])"
    expected = selector(signature) + encode(["uint256[]", "uint256", "uint256[]"], [first, number, second])
    assert encode_call(signature, first, number, second) == expected


def test_revert_data_becomes_words() -> None:
    assert revert_reason(selector("Error(string)") + encode(["string"], ["vault: no ü"])) == "vault: no ü"
    assert revert_reason(selector("Panic(uint256)") + encode(["uint256"], [0x11])) == "panic 0x11"
    assert revert_reason(b"") == "no reason"
    assert revert_reason(b"\x01\x02") == "0x0102"


def test_an_update_carries_its_signatures() -> None:
    update = next(intent for intent, _ in INTENTS if isinstance(intent, OracleUpdate))
    one, two = ENCODER.encode([update])[0], ENCODER.encode([update, update])[1]
    assert one == two
