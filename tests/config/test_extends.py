# SPDX-License-Identifier: Apache-2.0
"""Scenarios over others, and what the command line brings along with a margin system."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.agents import SETTINGS_CLASSES
from simulation.config import Scenario, WaypointSpec, dump_scenario, load_scenario
from simulation.config.scenario import ENGINES
from simulation.errors import InputError, ScenarioError
from tests.config.test_load import MINIMAL, written

BARE = MINIMAL.replace('size = "100 USD"', "")


def over(folder: Path, text: str, base: str = "trial.toml") -> str:
    written(folder, BARE)
    path = folder / "over.toml"
    path.write_text(f'extends = "{base}"\n{text}', encoding="utf-8")
    return str(path)


def read(source: str, *overrides: str) -> Scenario:
    return load_scenario(source, overrides, (), SETTINGS_CLASSES)


def test_tables_are_merged_and_values_replaced(tmp_path: Path) -> None:
    found = read(
        over(
            tmp_path,
            """
[scenario]
name = "over"
[protocol.markets.ETH]
initial_margin = "7 %"
[protocol.series.DEC]
asset = "ETH"
expiry = "2 h"
strikes = ["2_000 USD"]
[protocol.options]
[agents.noise]
count = 5
[agents.more]
kind = "whale"
""",
        )
    )
    assert (found.name, found.blocks) == ("over", 50)
    market = found.protocol.markets["ETH"]
    assert (market.initial_margin, market.maintenance_margin) == (700, 300)
    assert list(found.protocol.series) == ["DEC"]
    assert {name: agent.count for name, agent in found.agents.items()} == {"noise": 5, "more": 1}


def test_a_table_of_another_kind_replaces_the_whole(tmp_path: Path) -> None:
    points = '[assets.ETH]\nkind = "waypoints"\npoints = [["0 s", "9 USD"], ["5 min", "8 USD"]]\n'
    assert isinstance(read(over(tmp_path, points)).assets["ETH"], WaypointSpec)


def test_it_extends_shipped_scenarios_by_name_and_files_by_place(tmp_path: Path) -> None:
    assert read(over(tmp_path, "", "black-thursday")).blocks == 2_160
    inner = tmp_path / "inner"
    inner.mkdir()
    over(tmp_path, "[gas]\nelasticity = 3.0\n")
    (inner / "third.toml").write_text('extends = "../over.toml"\n', encoding="utf-8")
    assert read(str(inner / "third.toml")).gas.elasticity == 3.0


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("over.toml", "over.toml: extends: comes back to .*over.toml; expected another scenario"),
        ("no.toml", "no.toml: no such file; expected a scenario file"),
        ("black-wednesday", "black-wednesday: no such scenario; .*did you mean black-thursday"),
    ],
)
def test_a_wrong_base_is_one_line(tmp_path: Path, base: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read(over(tmp_path, "", base))
    assert "\n" not in str(error.value)


def test_a_base_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "over.toml"
    path.write_text("extends = 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"over.toml: extends: got 3; expected a scenario's name"):
        read(str(path))


def test_credit_brings_a_desk_with_lenders_and_an_underwriter() -> None:
    found = read("black-thursday", "protocol.engine=credit")
    assert found.protocol.credit is not None
    assert [found.agents[name].kind for name in ("lenders", "underwriter")] == ["lender", "underwriter"]
    assert found.agents["lenders"].settings.tip == found.agents["operator"].settings.tip == 1.0
    assert list(read("black-thursday").agents) == [
        name for name in found.agents if name not in ("lenders", "underwriter")
    ]


def test_mixed_brings_every_margin_system(tmp_path: Path) -> None:
    found = read("options-expiry", "protocol.engine=mixed")
    assert list(found.protocol.engines) == list(ENGINES)
    again = tmp_path / "again.toml"
    again.write_text(dump_scenario(found), encoding="utf-8")
    assert dump_scenario(read(str(again))) == dump_scenario(found)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["agents.l.kind=lender"], '--set: agents.l.kind: got "lender" without a desk; expected a table'),
        (
            ["protocol.engine=credit", "agents.u.kind=underwriter", "agents.u.count=2"],
            "--set: agents.u.count: a second underwriter; expected one in all",
        ),
        (["agents.noise.engine=mixd"], '--set: agents.noise.engine: got "mixd"; expected one of cross'),
        (["protocol.engine=credi"], '--set: protocol.engine: got "credi"; expected one of'),
        (["protocol.engine=credit", "agents.lenders=3"], "--set: agents.lenders: got 3; expected a table"),
    ],
)
def test_wrong_settings_are_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ScenarioError) as error:
        read("calm", *overrides)
    (line,) = str(error.value).splitlines()
    assert line.startswith(message), line
