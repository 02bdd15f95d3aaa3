# SPDX-License-Identifier: Apache-2.0
"""The constructor: what it stores and what it refuses."""

from __future__ import annotations

import pytest

from tests.evm import Reverted
from tests.unit.exchange.world import MAKER_FEE_BPS, TAKER_FEE_BPS, World

ZERO = "0x" + "00" * 20


def test_owner_guardian_and_fees(world: World) -> None:
    assert world.exchange.owner() == world.env.deployer
    assert world.exchange.guardian() == world.guardian
    assert world.exchange.fees() == (MAKER_FEE_BPS, TAKER_FEE_BPS)
    assert world.exchange.paused() == 0
    assert world.exchange.best(1) == (0, 0)


@pytest.mark.parametrize(
    ("ledger", "instruments", "maker", "taker", "reason"),
    [
        (False, True, 0, 0, "exchange: zero address"),
        (True, False, 0, 0, "exchange: zero address"),
        (True, True, 101, 0, "exchange: fee out of range"),
        (True, True, 0, 101, "exchange: fee out of range"),
    ],
)
def test_refused(world: World, ledger: bool, instruments: bool, maker: int, taker: int, reason: str) -> None:
    parts = (
        world.ledger.address if ledger else ZERO,
        world.instruments.address if instruments else ZERO,
    )
    with pytest.raises(Reverted) as refused:
        world.env.deploy("Exchange", *parts, world.guardian, maker, taker, ZERO)
    assert refused.value.reason == reason
