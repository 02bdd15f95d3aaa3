# SPDX-License-Identifier: Apache-2.0
"""A desk with 5,000 of junior and 10,000 of senior assets, and a maker to trade with."""

from __future__ import annotations

import pytest

from tests.credit import JUNIOR, SENIOR, UNIT, CreditWorld, fresh_credit_world


@pytest.fixture
def world() -> CreditWorld:
    desk = fresh_credit_world()
    desk.lend("junior", JUNIOR, 5_000 * UNIT)
    desk.lend("senior", SENIOR, 10_000 * UNIT)
    desk.maker = desk.account("maker", cash=10**6)
    return desk
