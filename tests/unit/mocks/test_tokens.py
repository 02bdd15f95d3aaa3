# SPDX-License-Identifier: Apache-2.0
"""The test tokens do what the tests that use them rely on."""

from __future__ import annotations

import pytest

from tests.evm import Contract, Env, reverts

UNIT = 10**6


@pytest.fixture
def env() -> Env:
    return Env()


def fee_token(env: Env, fee_bps: int = 100) -> Contract:
    return env.deploy("MockFeeToken", "Fee Token", "FEE", 6, fee_bps)


@pytest.mark.parametrize("decimals", [0, 6, 8, 18, 27])
def test_anyone_mints_a_token_of_any_decimals(env: Env, decimals: int) -> None:
    token = env.deploy("MockToken", "Test Token", "TEST", decimals)
    trader = env.address("trader")
    token.mint(trader, 5, sender=trader)
    assert (token.decimals(), token.balanceOf(trader), token.totalSupply()) == (decimals, 5, 5)


def test_a_fee_is_burnt_on_transfer(env: Env) -> None:
    token = fee_token(env)
    trader, maker = env.address("trader"), env.address("maker")
    token.mint(trader, UNIT)
    token.transfer(maker, UNIT // 2, sender=trader)
    assert token.balanceOf(trader) == UNIT // 2
    assert token.balanceOf(maker) == UNIT // 2 * 99 // 100
    assert token.totalSupply() == UNIT - UNIT // 200


def test_a_fee_is_burnt_on_transfer_from(env: Env) -> None:
    token = fee_token(env)
    trader, keeper = env.address("trader"), env.address("keeper")
    token.mint(trader, UNIT)
    token.approve(keeper, UNIT, sender=trader)
    token.transferFrom(trader, keeper, UNIT, sender=keeper)
    assert (token.balanceOf(trader), token.balanceOf(keeper)) == (0, UNIT * 99 // 100)
    assert token.allowance(trader, keeper) == 0


def test_no_transfer_from_without_allowance(env: Env) -> None:
    token = fee_token(env)
    token.mint(env.address("trader"), UNIT)
    with reverts("erc20: insufficient allowance"):
        token.transferFrom(env.address("trader"), env.address("attacker"), 1, sender=env.address("attacker"))
    assert token.balanceOf(env.address("trader")) == UNIT


def test_a_fee_above_the_whole_is_refused(env: Env) -> None:
    with reverts("mock_fee_token: fee"):
        fee_token(env, 10_001)
