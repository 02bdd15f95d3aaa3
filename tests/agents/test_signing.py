# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from simulation.agents import TypedDataSigner, address_of, signing_key

ORACLE = bytes(range(20))
KEYS = [signing_key(f"signer {place}") for place in range(3)]


def typed(values: dict[str, int]) -> dict[str, object]:
    names = ("feed", "spot", "mark", "confidence", "timestamp", "deadline")
    return {
        "domain": {
            "name": "Plimsoll Oracle",
            "version": "1",
            "chainId": 1337,
            "verifyingContract": "0x" + ORACLE.hex(),
        },
        "primaryType": "PriceUpdate",
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "PriceUpdate": [{"name": name, "type": "uint256"} for name in names],
        },
        "message": values,
    }


def test_addresses_are_those_of_the_keys() -> None:
    for key in KEYS:
        assert Account.from_key(key).address.lower() == "0x" + address_of(key).hex()


@given(st.tuples(*[st.integers(0, 2**72 - 1)] * 6))
def test_signatures_recover_to_the_signers_in_rising_order(fields: tuple[int, ...]) -> None:
    values = dict(zip(("feed", "spot", "mark", "confidence", "timestamp", "deadline"), fields, strict=True))
    message = encode_typed_data(full_message=typed(values))
    signatures = TypedDataSigner(KEYS, 1337, ORACLE).sign(*fields)
    signers = []
    for r, vs in signatures:
        parity, s = vs >> 255, vs & (2**255 - 1)
        signers.append(Account.recover_message(message, vrs=(27 + parity, r, s)).lower())
    assert signers == sorted("0x" + address_of(key).hex() for key in KEYS)
