# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from tests.evm import NOBODY, Contract, reverts
from tests.protocol import World


@pytest.fixture
def vault(world: World) -> Contract:
    """A Vault that is not wired yet."""
    return world.env.deploy("Vault", world.cash, world.oracle, world.env.address("guardian"), NOBODY)


def wired(vault: Contract) -> tuple[Any, ...]:
    return vault.ledger(), vault.liquidator(), vault.fee_receiver()


def test_effect_and_event(vault: Contract) -> None:
    names = [vault.env.address(role) for role in ("ledger", "liquidator", "fund")]
    receipt = vault.wire(*names)
    assert wired(vault) == tuple(names)
    assert receipt.named("Wired") == [dict(zip(("ledger", "liquidator", "fee_receiver"), names, strict=True))]


def test_once(world: World) -> None:
    before = wired(world.vault)
    with reverts("vault: already wired"):
        world.vault.wire(*before)
    assert wired(world.vault) == before


def test_refusals(vault: Contract) -> None:
    someone = vault.env.address("ledger")
    with reverts("ownable: caller is not the owner"):
        vault.wire(someone, someone, someone, sender=vault.env.address("attacker"))
    with reverts("vault: zero address"):
        vault.wire(NOBODY, someone, someone)
    with reverts("vault: zero address"):
        vault.wire(someone, NOBODY, someone)
    assert wired(vault) == (NOBODY, NOBODY, NOBODY)
