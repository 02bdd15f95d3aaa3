# SPDX-License-Identifier: Apache-2.0
"""The whole path: the same bytes for the same seed, and no asset touches another's draws."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from simulation.config import JumpSpec, Scenario, load_scenario
from simulation.domain.units import NANO
from simulation.errors import ScenarioError
from simulation.market import MarketPath, build_market

NAMES = ["calm", "black-thursday", "flash-crash"]

HASH_IN_ANOTHER_PROCESS = """
import hashlib, sys
from simulation.config import load_scenario
from simulation.market import build_market
path = build_market(load_scenario(sys.argv[1]))[1]
columns = (path.timestamp, path.prices, path.external_price)
print(hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest())
"""


def hash_elsewhere(name: str, hash_seed: str) -> str:
    command = [sys.executable, "-c", HASH_IN_ANOTHER_PROCESS, name]
    environment = {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def path_of(scenario: Scenario) -> MarketPath:
    return build_market(scenario)[1]


def column(path: MarketPath, symbol: str) -> list[int]:
    prices: list[int] = path.prices[:, path.symbols.index(symbol)].tolist()
    return prices


@pytest.mark.parametrize("name", NAMES)
def test_every_process_gets_the_same_bytes(name: str) -> None:
    assert hash_elsewhere(name, "1") == hash_elsewhere(name, "2")


def test_another_seed_gives_another_path() -> None:
    one, two = (path_of(load_scenario("calm", [f"scenario.seed={seed}"])) for seed in (1, 2))
    assert column(one, "ETH") != column(two, "ETH")
    assert one.external_price.tolist() != two.external_price.tolist()


def test_a_further_asset_changes_no_others_path() -> None:
    scenario = load_scenario("calm")
    jumps = JumpSpec(
        price=7 * NANO, volatility=0.9, jump_rate=1000.0, jump_mean=-0.01, jump_deviation=0.02, loading=0.5
    )
    wider = dataclasses.replace(scenario, assets={"LINK": jumps, **scenario.assets})
    before, after = path_of(scenario), path_of(wider)
    assert after.symbols == ("LINK", "ETH", "BTC")
    for symbol in before.symbols:
        assert column(before, symbol) == column(after, symbol)
    assert before.external_price.tolist() == after.external_price.tolist()


def test_agents_and_protocol_do_not_touch_the_path() -> None:
    one = path_of(load_scenario("black-thursday"))
    other = path_of(
        load_scenario("black-thursday", ["agents.keepers.count=0", "protocol.insurance.seed=1 USD"])
    )
    assert np.array_equal(one.prices, other.prices)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short, long = (path_of(load_scenario("calm", [f"scenario.duration={hours} h"])) for hours in (1, 2))
    assert column(long, "ETH")[: len(short)] == column(short, "ETH")


def test_ticks_tell_the_columns() -> None:
    scenario, path = build_market(load_scenario("flash-crash"))
    assert len(path) == scenario.blocks + 1
    tick = path.tick(450)
    assert tick.timestamp == scenario.start + 450 * 12
    assert tick.price_nano("ETH") == 3435 * NANO
    assert tick.prices == tuple(path.prices[450].tolist())
    assert tick.external_price == path.external_price[450]


@pytest.mark.parametrize("tick", ["0.0000001 USD", "20 USD"])
def test_prices_that_do_not_fit_the_ticks_of_the_book_are_refused(tick: str) -> None:
    scenario = load_scenario("calm", [f"protocol.markets.ETH.tick={tick}"])
    with pytest.raises(
        ScenarioError, match=r"protocol\.markets\.ETH\.tick: prices from .* do not fit the book"
    ):
        build_market(scenario)
