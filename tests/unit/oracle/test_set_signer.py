# SPDX-License-Identifier: Apache-2.0
"""Oracle.set_signer: the owner admits and revokes, the guardian revokes."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, account_key, reverts

NOBODY = "0x0000000000000000000000000000000000000000"


def test_a_signer_is_admitted_and_revoked(oracle: Contract) -> None:
    key = account_key("fourth signer").address
    receipt = oracle.set_signer(key, True)
    assert (oracle.is_signer(key), oracle.signer_count()) == (True, 4)
    assert receipt.named("SignerSet") == [{"signer": key, "allowed": True}]
    receipt = oracle.set_signer(key, False)
    assert (oracle.is_signer(key), oracle.signer_count()) == (False, 3)
    assert receipt.named("SignerSet") == [{"signer": key, "allowed": False}]


def test_saying_it_twice_counts_once(oracle: Contract) -> None:
    oracle.set_signer(account_key("signer").address, True)
    assert oracle.signer_count() == 3
    oracle.set_signer(account_key("fourth signer").address, False)
    assert oracle.signer_count() == 3


def test_the_guardian_may_revoke_but_not_admit(oracle: Contract, env: Env) -> None:
    oracle.set_signer(account_key("signer").address, False, sender=env.address("guardian"))
    assert not oracle.is_signer(account_key("signer").address)
    with reverts("oracle: caller not permitted"):
        oracle.set_signer(account_key("signer").address, True, sender=env.address("guardian"))
    assert (oracle.is_signer(account_key("signer").address), oracle.signer_count()) == (False, 2)


@pytest.mark.parametrize("allowed", [True, False])
def test_others_are_refused(oracle: Contract, env: Env, allowed: bool) -> None:
    with reverts("oracle: caller not permitted"):
        oracle.set_signer(account_key("signer").address, allowed, sender=env.address("attacker"))
    assert (oracle.is_signer(account_key("signer").address), oracle.signer_count()) == (True, 3)


def test_nobody_is_no_signer(oracle: Contract) -> None:
    with reverts("oracle: signer is zero"):
        oracle.set_signer(NOBODY, True)
    assert oracle.signer_count() == 3
