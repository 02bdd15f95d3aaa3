# SPDX-License-Identifier: Apache-2.0
"""A registry with three perpetuals on feeds 1 to 3 at 1500 USD; each test starts from the same state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.evm import Contract, Env
from tests.markets import deploy_instruments
from tests.prices import push

SPOT = 1_500 * 10**9


@cache
def _deployed() -> tuple[Contract, Contract]:
    oracle, instruments = deploy_instruments(Env(), markets=3)
    for feed in (1, 2, 3):
        push(oracle, feed, SPOT)
    return oracle, instruments


@pytest.fixture
def instruments() -> Iterator[Contract]:
    contract = _deployed()[1]
    with contract.env.anchor():
        yield contract


@pytest.fixture
def oracle(instruments: Contract) -> Contract:
    assert instruments.ORACLE() == _deployed()[0].address
    return _deployed()[0]


@pytest.fixture
def env(instruments: Contract) -> Env:
    return instruments.env
