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
    """Vault and Ledger with `as_exchange` in the place of the Exchange and a role in the Liquidator's."""
    return fresh_world(EXCHANGE_AND_LIQUIDATOR)
