# SPDX-License-Identifier: Apache-2.0
"""Oracle.check_signatures: who has signed a hash of another contract."""

from __future__ import annotations

import pytest

from tests.evm import Contract, account_key, reverts
from tests.prices import sign

DIGEST = b"\x5a" * 32
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@pytest.mark.parametrize("signers", [("signer",), ("signer", "third signer"), ("second signer", "signer")])
def test_enough_signers(oracle: Contract, signers: tuple[str, ...]) -> None:
    for required in range(len(signers) + 1):
        assert oracle.check_signatures(DIGEST, sign(DIGEST, *signers), required) is True
    with reverts("oracle: too few signers"):
        oracle.check_signatures(DIGEST, sign(DIGEST, *signers), len(signers) + 1)


def test_a_stranger_among_them(oracle: Contract) -> None:
    with reverts("oracle: not a signer"):
        oracle.check_signatures(DIGEST, sign(DIGEST, "signer", "attacker"), 1)


def test_one_twice_or_out_of_order(oracle: Contract) -> None:
    signatures = sign(DIGEST, "signer", "second signer")
    for wrong in (signatures[::-1], [signatures[0]] * 2):
        with reverts("oracle: signers not ascending"):
            oracle.check_signatures(DIGEST, wrong, 2)


def test_a_revoked_signer(oracle: Contract) -> None:
    oracle.set_signer(account_key("signer").address, False)
    with reverts("oracle: not a signer"):
        oracle.check_signatures(DIGEST, sign(DIGEST, "signer"), 1)


def test_another_hash(oracle: Contract) -> None:
    with reverts("oracle: not a signer"):
        oracle.check_signatures(b"\x5b" * 32, sign(DIGEST, "signer"), 1)


def test_the_mirrored_signature_is_refused(oracle: Contract) -> None:
    """High s, which EIP-2098 can only write by flipping what names the key."""
    [(r, vs)] = sign(DIGEST, "signer")
    s = vs & (2**255 - 1)
    assert s <= HALF_ORDER
    with reverts():
        oracle.check_signatures(DIGEST, [(r, 2 * HALF_ORDER + 1 - s)], 1)
