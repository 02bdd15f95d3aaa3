# SPDX-License-Identifier: Apache-2.0
"""The contracts against the model of simulation/domain/model: equal to the wei after each of 7,500 calls.

Compared: what was refused and what was not; every account's cash, interest index, collateral, positions
(size, average entry, funding index, resting orders); the Vault's books; funding of every market; the levels
of the book; feeds; the fund's assets and shares; auctions.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.stateful.driver import Driver
from tests.stateful.mirror import Mirror
from tests.stateful.regimes import REGIMES, open_protocol, play

SEEDS = range(3)
CALLS = 500
"""Of one regime, after those that set it up."""


@pytest.mark.parametrize("seed", SEEDS)
def test_the_contracts_do_what_the_model_does(seed: int) -> None:
    calls = 0
    for regime, (_, fund_usd) in REGIMES.items():
        driver = Driver(Random(f"model {seed} {regime}"))
        mirror = Mirror(driver)
        open_protocol(driver, fund_usd)
        play(driver, regime, CALLS)
        assert mirror.calls == driver.rig.calls
        calls += mirror.calls
    assert calls >= CALLS * len(REGIMES)


def test_a_difference_is_found() -> None:
    """One wei of one account is enough."""
    driver = Driver(Random("difference"))
    mirror = Mirror(driver)
    open_protocol(driver, 1_000.0)
    assert mirror.compare(driver.state) == []
    mirror.model.ledger.accounts[1].cash += 1
    assert [line.split(":")[0] for line in mirror.compare(driver.state)] == ["account 1"]
