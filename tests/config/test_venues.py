# SPDX-License-Identifier: Apache-2.0
"""[venues] of a scenario: what they inherit, what they may change, and one line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.config import MAIN, dump_scenario, load_scenario
from simulation.errors import ScenarioError

TWO = """
[scenario]
name = "two"
start = 2024-01-01T00:00:00Z
duration = "10 min"

[assets.ETH]
kind = "gbm"
price = "2_000 USD"
volatility = "60 %/year"

[protocol.markets.ETH]
asset = "ETH"
initial_margin = "5 %"
maintenance_margin = "3 %"

[protocol.insurance]
seed = "70 USD"

[venues.second]
default_probability = "30 %"

[venues.second.protocol.markets.ETH]
initial_margin = "4 %"

[agents.near]
kind = "noise_trader"

[agents.far]
kind = "noise_trader"
venue = "second"

[agents.both]
kind = "noise_trader"
venues = ["second", "main"]

[agents.like]
kind = "noise_trader"
twin = "near"
"""


def written(folder: Path, text: str = TWO) -> str:
    path = folder / "two.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_venue_has_what_it_does_not_change(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path))
    assert scenario.venue_names == (MAIN, "second")
    market = scenario.protocol_of("second").markets["ETH"]
    assert (market.initial_margin, market.maintenance_margin) == (400, 300)
    assert scenario.protocol_of("second").insurance == scenario.protocol.insurance
    assert scenario.protocol_of(MAIN) is scenario.protocol
    assert scenario.protocol.markets["ETH"].initial_margin == 500
    assert (scenario.venues["second"].default_probability, scenario.venues["second"].recovery) == (0.3, 0.4)
    agents = scenario.agents
    assert [agents[name].venues for name in ("near", "far", "both")] == [
        ("main",),
        ("second",),
        ("second", "main"),
    ]
    assert (agents["near"].twin, agents["like"].twin) == (None, "near")


def test_it_reads_back_what_it_shows(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path))
    path = tmp_path / "shown.toml"
    path.write_text(dump_scenario(scenario), encoding="utf-8")
    assert load_scenario(str(path)) == scenario
    # What [protocol] says later is not inherited by a file that says everything.
    changed = load_scenario(str(path), ("protocol.insurance.seed=1 USD",))
    assert changed.protocol_of("second") == scenario.protocol_of("second")


def test_a_scenario_without_venues_shows_none(tmp_path: Path) -> None:
    text = TWO[: TWO.index("[venues.second]")] + "\n[agents.near]\nkind = 'noise_trader'\n"
    shown = dump_scenario(load_scenario(written(tmp_path, text)))
    assert "venue" not in shown and "twin" not in shown


def test_an_override_reaches_all_venues_or_one(tmp_path: Path) -> None:
    file = written(tmp_path)
    both = load_scenario(file, ("protocol.insurance.seed=9 USD",))
    assert both.protocol_of("second").insurance.seed == both.protocol.insurance.seed == 9 * 10**18
    one = load_scenario(file, ("venues.second.protocol.insurance.seed=9 USD",))
    assert one.protocol_of("second").insurance.seed == 9 * 10**18 != one.protocol.insurance.seed


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("venues.second.protocol.insurance.seed=9", "venues.second.protocol.insurance.seed: got 9"),
        ("venues.second.default_probability=120 %", "venues.second.default_probability: got"),
        ("venues.second.risk=1", "venues.second.risk: unknown key"),
        ("venues.second=1", "venues.second: got 1; expected a table"),
        ("venues=1", "venues: got 1; expected named tables"),
        ("venues.a_b.recovery=0 %", "venues.a_b: no name for a folder"),
        ("venues.main.protocol.insurance.seed=9 USD", "venues.main.protocol: a second time"),
        ("venues.second.protocol.oracle.signers=3", "venues.second.protocol.oracle: changed"),
        ("venues.second.protocol.cash.decimals=18", "venues.second.protocol.cash: changed"),
        (
            "venues.second.protocol.markets.ETH.maintenance_margin=9 %",
            "venues.second.protocol.markets.ETH.maintenance_margin: above initial_margin",
        ),
        ("venues.second.protocol.engine=risk", 'venues.second.protocol.engine: got "risk"'),
        ("agents.far.venue=third", 'agents.far.venues: got "third"; expected one of main, second'),
        ("agents.far.venues=['main']", "agents.far.venue: beside venues"),
        ("agents.both.venues=[]", "agents.both.venues: none, or one twice"),
        ("agents.both.venues=['main','main']", "agents.both.venues: none, or one twice"),
        ("agents.like.twin=nobody", 'agents.like.twin: got "nobody"'),
        ("agents.like.twin=like", 'agents.like.twin: got "like"'),
        ("agents.near.count=2", "agents.like.twin: agents.near is no like"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, override: str, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(written(tmp_path), (override,))
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 and line in lines[0], lines


def test_markets_are_the_same_at_every_venue(tmp_path: Path) -> None:
    text = TWO + (
        "[venues.second.protocol.markets.BTC]\nasset = 'ETH'\n"
        "initial_margin = '5 %'\nmaintenance_margin = '3 %'\n"
    )
    with pytest.raises(ScenarioError, match=r"venues\.second\.protocol\.markets: other names or assets"):
        load_scenario(written(tmp_path, text))
