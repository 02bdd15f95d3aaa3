# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tests.protocol import EXCHANGE_AND_LIQUIDATOR, World, fresh_world


@pytest.fixture
def world() -> World:
    """The whole protocol at 2,000 and 30,000 USD."""
    return fresh_world()


@pytest.fixture
def desk() -> World:
    """Vault and Ledger whose liquidator is a role."""
    return fresh_world(EXCHANGE_AND_LIQUIDATOR)


@pytest.fixture
def money() -> World:
    """A Vault whose ledger and liquidator are roles."""
    return fresh_world((("Vault", ("ledger", "liquidator", "InsuranceFund")),))
