# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.evm import Contract, reverts
from tests.protocol import World

NOBODY = "0x" + "00" * 20


@pytest.fixture
def ledger(world: World) -> Contract:
    """A Ledger that is not wired yet."""
    return world.env.deploy(
        "Ledger",
        world.vault,
        world.instruments,
        world.env.address("guardian"),
        world.env.address("coin pool"),
    )


def test_effect_and_event(ledger: Contract) -> None:
    exchange, liquidator = (ledger.env.address(role) for role in ("exchange", "liquidator"))
    receipt = ledger.wire(exchange, liquidator)
    assert (ledger.exchange(), ledger.liquidator()) == (exchange, liquidator)
    assert receipt.named("Wired") == [{"exchange": exchange, "liquidator": liquidator}]


def test_once(world: World) -> None:
    with reverts("ledger: already wired"):
        world.ledger.wire(world.exchange.address, world.liquidator.address)
    assert world.ledger.exchange() == world.exchange.address


def test_refusals(ledger: Contract) -> None:
    someone = ledger.env.address("exchange")
    with reverts("ownable: caller is not the owner"):
        ledger.wire(someone, someone, sender=ledger.env.address("attacker"))
    for pair in ((NOBODY, someone), (someone, NOBODY)):
        with reverts("ledger: zero address"):
            ledger.wire(*pair)
    assert (ledger.exchange(), ledger.liquidator()) == (NOBODY, NOBODY)
