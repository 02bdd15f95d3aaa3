# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from simulation.agents import (
    AGENT_KINDS,
    SETTINGS_CLASSES,
    Keeper,
    load_agent,
    make_agent,
    make_agents,
)
from simulation.config import (
    AgentSpec,
    Problems,
    available_scenarios,
    load_scenario,
    read_table,
    show_table,
    stream,
)
from simulation.errors import InputError, ScenarioError
from tests.agents import views

ROOT = Path(__file__).resolve().parents[2]


def spec(name: str, kind: str, count: int = 1) -> AgentSpec:
    return AgentSpec(name, kind, count, {})


def test_accounts_are_numbered_in_the_order_of_the_scenario() -> None:
    agents = make_agents([spec("makers", "market_maker", 2), spec("noise", "noise_trader", 3)], 1)
    assert [agent.name for agent in agents] == ["makers-1", "makers-2", "noise"]
    assert [agent.accounts.tolist() for agent in agents] == [[1], [2], [3, 4, 5]]
    assert make_agents([spec("keeper", "keeper")], 1)[0].name == "keeper"
    assert make_agents([spec("none", "noise_trader", 0)], 1) == []


def test_every_unknown_kind_is_named_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        make_agents([spec("a", "oracle"), spec("b", "noise_trader"), spec("c", "kepper")], 1)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2 and "agents.a.kind" in lines[0] and "keeper" in lines[1]


def test_adding_an_agent_changes_no_other_draws() -> None:
    alone = make_agents([spec("noise", "noise_trader", 5)], 7)[0]
    beside = make_agents([spec("first", "momentum_trader", 4), spec("noise", "noise_trader", 5)], 7)[1]
    assert np.array_equal(alone.capital, beside.capital)  # type: ignore[attr-defined]
    one, other = stream(7, "agents", "noise"), stream(7, "agents", "noise")
    stream(7, "agents", "first").random(100)
    assert one.random() == other.random()


@pytest.mark.parametrize("kind", sorted(SETTINGS_CLASSES))
def test_settings_round_trip_and_collect_all_errors(kind: str) -> None:
    cls = SETTINGS_CLASSES[kind]
    problems = Problems("scenario.toml")
    settings = read_table(cls, {}, "agents.a", problems)
    assert not problems.found
    assert read_table(cls, show_table(settings), "agents.a", problems) == settings
    some = next(iter(show_table(settings)))
    assert read_table(cls, {some: "nonsense", "unknown_key": 1}, "agents.a", problems) is None
    assert [problem.key for problem in problems.found] == ["agents.a.unknown_key", f"agents.a.{some}"]


@pytest.mark.parametrize("name", sorted(available_scenarios()))
def test_the_agents_of_shipped_scenarios_are_known(name: str, tmp_path: Path) -> None:
    prices = []
    if name == "replay":
        for symbol in ("ETH", "BTC"):
            file = tmp_path / f"{symbol}.csv"
            file.write_text("timestamp,open,high,low,close,volume\n", encoding="utf-8")
            prices.append(f"{symbol}={file}")
    scenario = load_scenario(name, prices=prices, agent_kinds=SETTINGS_CLASSES)
    agents = make_agents(list(scenario.agents.values()), scenario.seed)
    assert sum(agent.role == "keeper" for agent in agents) >= 3
    assert {agent.role for agent in agents} >= {"relayer", "operator", "maker", "trader", "keeper"}
    assert len({agent.capital for agent in agents if isinstance(agent, Keeper)}) >= 3
    for agent in agents:
        assert len(agent.endowments()) == len(agent.accounts)


@pytest.mark.parametrize("kind", sorted(set(AGENT_KINDS) - {"oracle_relayer"}))
def test_every_kind_is_deterministic(kind: str) -> None:
    def decisions() -> list[object]:
        agent = make_agents([spec("a", kind, 1 if AGENT_KINDS[kind].individual else 5)], 3)[0]
        rng = stream(3, "agents", "a")
        found: list[object] = []
        for block in range(30):
            world = views.view(
                block=block,
                timestamp=10**6 + 600 * block,
                block_time=600,
                markets=(views.market(1, 100.0 + block), views.market(2, 5_000.0 - 40 * block)),
            )
            found += agent.decide(world, rng)
        return [*found, *agent.measure().items()]

    assert decisions() == decisions()


def test_a_users_keeper_is_loaded_and_bids() -> None:
    cls = load_agent(f"{ROOT}/examples/simple_keeper.py:PatientKeeper")
    agent = make_agent(cls, "mine", 1, 1, None, 1)
    assert isinstance(agent, Keeper) and agent.capital == 500_000.0 and agent.least_tip == 2 * 10**9
    assert agent.decide(views.view(), stream(1, "d")) == []
    lines = (ROOT / "examples/simple_keeper.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith("#")]) <= 15


def test_a_users_trader_is_loaded_and_buys_the_dip() -> None:
    cls = load_agent(f"{ROOT}/examples/simple_trader.py:DipBuyer")
    agent = make_agent(cls, "mine", 1, 1, None, 1)
    assert agent.decide(views.view(), stream(1, "d")) == []
    assert len(agent.decide(views.view(markets=(views.market(1, 97.0),)), stream(1, "d"))) == 1


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (None, "Mine", "no such file"),
        ("x = 1", "Mine", "no class Mine"),
        ("def broken(:", "Mine", "SyntaxError"),
        ("import nothing_of_this_name", "Mine", "ModuleNotFoundError"),
        ("class Mine: pass", "Mine", "cannot decide"),
        ("from simulation.agents import Agent\nclass Mine(Agent): pass", "Mine", "cannot decide"),
        ("Mine = 3", "Mine", "no class Mine"),
    ],
)
def test_what_is_no_agent_is_refused_in_one_line(
    tmp_path: Path, content: str | None, name: str, expected: str
) -> None:
    file = tmp_path / "mine.py"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_agent(f"{file}:{name}")
    message = str(caught.value)
    assert expected in message and "expected" in message and "\n" not in message


@pytest.mark.parametrize("source", ["mine.py", "mine.py:", "mine:Class", "mine.py:not a name"])
def test_the_form_of_the_option_is_checked(source: str) -> None:
    with pytest.raises(InputError, match=r"FILE\.py:Class"):
        load_agent(source)
