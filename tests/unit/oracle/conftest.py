# SPDX-License-Identifier: Apache-2.0
"""An oracle with one signer per update and two feeds; each test starts from the same state."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.evm import Contract, Env
from tests.prices import deploy_oracle


@cache
def _deployed() -> Contract:
    return deploy_oracle(Env(), feeds=2, signers=("signer", "second signer", "third signer"))


@pytest.fixture
def oracle() -> Iterator[Contract]:
    contract = _deployed()
    with contract.env.anchor():
        yield contract


@pytest.fixture
def env(oracle: Contract) -> Env:
    return oracle.env
