# SPDX-License-Identifier: Apache-2.0
"""Both engines, with parameters for markets 1 to 64; each test starts from the same state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.evm import Contract, Env
from tests.unit.engines.portfolios import CONTINGENCY, RISK


@cache
def _deployed(name: str) -> Contract:
    engine = Env().deploy(name, CONTINGENCY)
    engine.set_markets(list(range(1, 65)), [RISK] * 64)
    return engine


@pytest.fixture(params=["CrossMargin", "IsolatedMargin"])
def engine(request: pytest.FixtureRequest) -> Iterator[Contract]:
    contract = _deployed(request.param)
    with contract.env.anchor():
        yield contract


@pytest.fixture
def env(engine: Contract) -> Env:
    return engine.env
