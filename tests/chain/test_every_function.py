# SPDX-License-Identifier: Apache-2.0
"""Every external function of every contract: status, gas, output, logs and state are the same on both."""

from __future__ import annotations

from typing import Any

import pytest

from simulation.chain.artifacts import load_artifact
from tests.chain.both import BothEnv
from tests.evm import Contract, Reverted
from tests.inverse import ETH_USD, inverse_protocol
from tests.protocol import BUY, SELL, World

ROLES = ("owner", "trader", "attacker")


def lived_in() -> tuple[World, BothEnv]:
    """A protocol that has seen deposits, trades, resting orders, a fall, a margin call and an auction."""
    env = BothEnv()
    world = World(inverse_protocol(), env=env)
    world.prices(ETH=2_000, BTC=30_000)
    trader, maker = world.account("trader", cash=10_000), world.account("maker", cash=1_000_000)
    keeper = world.account("keeper", cash=500_000)
    world.trade(trader, maker, 1, price=2_000, size=30)
    world.trade(maker, trader, 2, price=30_000, size=0.5)
    world.deposit("keeper", keeper, 1, 10**18)
    world.trade(keeper, maker, ETH_USD, price=2_000, size=1_000)
    world.trade(maker, keeper, ETH_USD, price=1_900, size=1_000)
    pool = world.contracts["CoinPool"]
    assert pool.settle(keeper, ETH_USD).value == -pool.settle(maker, ETH_USD).value != 0
    world.place("maker", maker, 1, SELL, 2_100, 2)
    resting, _ = world.place("trader", trader, 1, BUY, 1_900, 1)
    world.exchange.cancel(resting, sender=env.address("trader"))
    world.advance(3_600, ETH=2_000, BTC=30_000)
    world.ledger.settle(trader)
    cash = world.cash
    cash.mint(env.address("fund"), 10**12)
    cash.approve(world.fund.address, 2**256 - 1, sender=env.address("fund"))
    world.fund.deposit(10**9, env.address("fund"), sender=env.address("fund"))
    world.advance(60, ETH=1_700, BTC=30_500)
    world.liquidator.start(trader, sender=env.address("keeper"))
    world.liquidator.bid(trader, keeper, 10**17, 10**24, sender=env.address("keeper"))
    world.check()
    return world, env


@pytest.fixture(scope="module")
def world_and_env() -> tuple[World, BothEnv]:
    return lived_in()


def plausible(kind: str, parts: list[dict[str, Any]], variant: int, env: BothEnv) -> Any:
    """A value of an ABI type."""
    if kind.endswith("]"):
        inner, _, count = kind[:-1].rpartition("[")
        return [plausible(inner, parts, variant, env) for _ in range(int(count) if count else variant)]
    if kind == "tuple":
        return tuple(plausible(part["type"], part.get("components", []), variant, env) for part in parts)
    if kind.startswith("uint"):
        return 1 + variant
    if kind.startswith("int"):
        return 1 if variant else -1
    if kind == "bool":
        return bool(variant)
    if kind == "address":
        return env.address(ROLES[variant])
    if kind == "string":
        return "plausible"
    if kind == "bytes":
        return b"plausible"
    return bytes(int(kind.removeprefix("bytes")))


def contracts_of(world: World) -> dict[str, Contract]:
    """One of each code."""
    return {contract.name: contract for contract in world.contracts.values()}


CODES = (
    "Vault",
    "Ledger",
    "Exchange",
    "Liquidator",
    "InsuranceFund",
    "Oracle",
    "Instruments",
    "Lens",
    "CrossMargin",
    "IsolatedMargin",
    "CoinPool",
)


@pytest.mark.parametrize("code", CODES)
def test_every_function(world_and_env: tuple[World, BothEnv], code: str) -> None:
    world, env = world_and_env
    contract = contracts_of(world)[code]
    before = env.both.compared
    calls = 0
    for item in load_artifact(code).abi:
        if item["type"] != "function":
            continue
        snapshot = env.snapshot()
        for variant in (0, 1):
            arguments = [
                plausible(part["type"], part.get("components", []), variant, env) for part in item["inputs"]
            ]
            for role in ROLES:
                calls += 1
                try:
                    contract.__getattr__(item["name"])(*arguments, sender=env.address(role))
                except Reverted:
                    continue
        env.revert(snapshot)
    assert env.both.compared - before >= calls > 0


def test_what_was_compared_was_not_all_refused(world_and_env: tuple[World, BothEnv]) -> None:
    _, env = world_and_env
    assert env.both.succeeded > 100


def test_no_code_is_missing(world_and_env: tuple[World, BothEnv]) -> None:
    world, _ = world_and_env
    tokens = {contract.name for contract in contracts_of(world).values()} - set(CODES)
    assert tokens <= {"MockToken", "Timelock"}
