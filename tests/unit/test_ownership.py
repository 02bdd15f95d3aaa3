# SPDX-License-Identifier: Apache-2.0
"""Ownership in two steps and the guardian, on the contracts that prices and margins come from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.evm import Contract, Env, reverts
from tests.prices import deploy_oracle
from tests.unit.engines.portfolios import CONTINGENCY

NOBODY = "0x0000000000000000000000000000000000000000"
GUARDED = ["Oracle", "Instruments"]


@cache
def _deployed(name: str) -> Contract:
    env = Env()
    if name == "Oracle":
        return deploy_oracle(env)
    if name == "Instruments":
        return env.deploy(name, deploy_oracle(env), env.address("guardian"))
    return env.deploy(name, CONTINGENCY)


@pytest.fixture(params=[*GUARDED, "CrossMargin", "IsolatedMargin"])
def contract(request: pytest.FixtureRequest) -> Iterator[Contract]:
    deployed = _deployed(request.param)
    with deployed.env.anchor():
        yield deployed


@pytest.fixture
def env(contract: Contract) -> Env:
    return contract.env


def test_the_new_owner_has_to_accept(contract: Contract, env: Env) -> None:
    successor = env.address("successor")
    contract.transfer_ownership(successor)
    assert (contract.owner(), contract.pending_owner()) == (env.deployer, successor)
    receipt = contract.accept_ownership(sender=successor)
    assert (contract.owner(), contract.pending_owner()) == (successor, NOBODY)
    assert receipt.named("OwnershipTransferred") == [{"previous_owner": env.deployer, "new_owner": successor}]


@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_others_can_neither_offer_nor_take(contract: Contract, env: Env, role: str) -> None:
    with reverts("ownable: caller is not the owner"):
        contract.transfer_ownership(env.address(role), sender=env.address(role))
    contract.transfer_ownership(env.address("successor"))
    with reverts("ownable_2step: caller is not the new owner"):
        contract.accept_ownership(sender=env.address(role))
    assert contract.owner() == env.deployer


@pytest.mark.parametrize("contract", GUARDED, indirect=True)
def test_the_owner_replaces_the_guardian(contract: Contract, env: Env) -> None:
    receipt = contract.set_guardian(env.address("successor"))
    assert contract.guardian() == env.address("successor")
    assert receipt.named("GuardianSet") == [{"guardian": env.address("successor")}]


@pytest.mark.parametrize("contract", GUARDED, indirect=True)
@pytest.mark.parametrize("role", ["attacker", "guardian"])
def test_others_cannot_replace_the_guardian(contract: Contract, env: Env, role: str) -> None:
    with reverts("ownable: caller is not the owner"):
        contract.set_guardian(env.address(role), sender=env.address(role))
    assert contract.guardian() == env.address("guardian")
