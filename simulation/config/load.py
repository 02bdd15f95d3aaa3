# SPDX-License-Identifier: Apache-2.0
"""Reading a scenario: file, overrides and price files in; a checked Scenario out; and back to TOML."""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from simulation.config.checks import check_scenario
from simulation.config.document import bring_engine, read_document
from simulation.config.kinds import INTEGER, TEXT, choice
from simulation.config.scenario import ENGINES, MAIN, MIXED, SECTION_OF, SECTIONS, AgentSpec, Scenario
from simulation.config.schema import FAILED, Array, Problems, one_of, read_table, show_table
from simulation.config.venues import check_venues, read_venues, show_venues
from simulation.errors import InputError

__all__ = ["dump_scenario", "load_scenario", "parse_override"]

OF_POPULATIONS = ("kind", "count", "engine", "venue", "venues", "twin")
"""Keys of [agents.NAME] that every kind of agent has."""
ENGINE = choice(*ENGINES, MIXED)


def parse_override(text: str) -> tuple[str, Any]:
    """Split `key=value`; the value is TOML where it parses as such, else the bare text. Raises InputError."""
    key, separator, value = text.partition("=")
    key = key.strip()
    if not separator or not key or any(not part for part in key.split(".")):
        raise InputError(f"--set {text}: got no key and value; expected --set section.key=value")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value.strip()


def load_scenario(
    source: str,
    overrides: Sequence[str] = (),
    prices: Sequence[str] = (),
    agent_kinds: Mapping[str, type[Any]] | None = None,
) -> Scenario:
    """Read and check a scenario.

    Args:
        source: name of a shipped scenario, or a path ending in .toml.
        overrides: `key=value` with dotted keys, checked exactly like the file; `protocol.engine` brings what
            its engine needs and the file has not.
        prices: `SYMBOL=FILE`; the asset then replays that file instead of its model.
        agent_kinds: settings class of each kind of agent; with it, agents' parameters are checked too.

    Raises:
        ScenarioError: all problems at once, each with file or option, key and what was expected.
        InputError: no such scenario, no TOML, or a malformed option.
    """
    document = read_document(source)
    pairs = [parse_override(text) for text in overrides]
    problems = Problems(source, tuple(key for key, _ in pairs))
    for key, value in pairs:
        _set(document, key, value, problems)
        if key == "protocol.engine" and (value in SECTION_OF or value == MIXED):
            bring_engine(document, str(value))
    for text in prices:
        _replay(document, text)
    scenario = _read(document, source, problems, agent_kinds)
    problems.raise_if_any()
    assert scenario is not None
    return scenario


def dump_scenario(scenario: Scenario) -> str:
    """The scenario with its defaults as TOML that loads to an equal Scenario; always the same bytes."""
    document: dict[str, Any] = {
        "scenario": show_table(scenario.time),
        "assets": SECTIONS["assets"].show(scenario.assets),
        "gas": show_table(scenario.gas),
        "chain": show_table(scenario.chain),
        "recorder": show_table(scenario.recorder),
        "protocol": show_table(scenario.protocol),
        "agents": {
            name: {
                "kind": agent.kind,
                "count": agent.count,
                **({} if agent.engine is None else {"engine": agent.engine}),
                **({} if agent.venues == (MAIN,) else {"venues": list(agent.venues)}),
                **({} if agent.twin is None else {"twin": agent.twin}),
                **(agent.params if agent.settings is None else show_table(agent.settings)),
            }
            for name, agent in scenario.agents.items()
        },
    }
    if scenario.smiles:
        document["smiles"] = SECTIONS["smiles"].show(scenario.smiles)
    if scenario.venues:
        document["venues"] = show_venues(scenario.venues)
    return tomli_w.dumps(document)


def _read(
    document: dict[str, Any], source: str, problems: Problems, agent_kinds: Mapping[str, type[Any]] | None
) -> Scenario | None:
    sections = (*SECTIONS, "venues", "agents")
    for name in document:
        if name not in sections:
            problems.add(name, "unknown section", one_of(name, sections))
    values = {name: kind.read(document.get(name, {}), name, problems) for name, kind in SECTIONS.items()}
    agents = _read_agents(document.get("agents", {}), problems, agent_kinds)
    if any(value is FAILED for value in values.values()) or problems.found:
        return None
    venues = read_venues(document, problems)
    if problems.found:
        return None
    scenario = Scenario(
        time=values["scenario"],
        assets=values["assets"],
        gas=values["gas"],
        protocol=values["protocol"],
        agents=agents,
        chain=values["chain"],
        recorder=values["recorder"],
        smiles=values["smiles"],
        venues=venues,
        file=source,
        overrides=problems.overrides,
    )
    check_scenario(scenario, problems)
    check_venues(scenario, problems)
    return scenario


def _read_agents(
    raw: object, problems: Problems, kinds: Mapping[str, type[Any]] | None
) -> dict[str, AgentSpec]:
    if not isinstance(raw, Mapping):
        problems.add("agents", f"got {raw!r}", "named tables")
        return {}
    agents: dict[str, AgentSpec] = {}
    for name, table in raw.items():
        key = f"agents.{name}"
        if not isinstance(table, Mapping):
            problems.add(key, f"got {table!r}", "a table with kind, count and the parameters of that kind")
            continue
        if "kind" not in table:
            problems.add(
                f"{key}.kind", "missing", one_of("", kinds) if kinds else "the kind of agent, in quotes"
            )
            continue
        kind = TEXT.read(table["kind"], f"{key}.kind", problems)
        count = INTEGER.read(table.get("count", 1), f"{key}.count", problems)
        engine = None
        if "engine" in table:
            engine = ENGINE.read(table["engine"], f"{key}.engine", problems)
        venues = _read_venues_of(table, key, problems)
        twin = TEXT.read(table["twin"], f"{key}.twin", problems) if "twin" in table else None
        if FAILED in (kind, count, engine, venues, twin):
            continue
        if count < 0:
            problems.add(f"{key}.count", f"got {count}", "a whole number from 0")
        params = {entry: copy.deepcopy(table[entry]) for entry in table if entry not in OF_POPULATIONS}
        settings = None
        if kinds is not None:
            if kind not in kinds:
                problems.add(f"{key}.kind", f'got "{kind}"', one_of(kind, kinds))
                continue
            settings = read_table(kinds[kind], params, key, problems)
        agents[name] = AgentSpec(name, kind, count, params, settings, engine, venues, twin)
    return agents


def _read_venues_of(table: Mapping[str, Any], key: str, problems: Problems) -> Any:
    """Names of the venues of a population, or FAILED."""
    if "venue" in table and "venues" in table:
        problems.add(f"{key}.venue", "beside venues", "one of the two keys")
        return FAILED
    if "venue" in table:
        name = TEXT.read(table["venue"], f"{key}.venue", problems)
        return FAILED if name is FAILED else (name,)
    names = Array(TEXT).read(table.get("venues", [MAIN]), f"{key}.venues", problems)
    if names is not FAILED and (not names or len(set(names)) != len(names)):
        problems.add(f"{key}.venues", "none, or one twice", "names of venues, each once")
        return FAILED
    return names


def _set(document: dict[str, Any], key: str, value: Any, problems: Problems) -> None:
    *parents, last = key.split(".")
    table = document
    for depth, part in enumerate(parents):
        below = table.setdefault(part, {})
        if not isinstance(below, dict):
            problems.add(key, f"{'.'.join(parents[: depth + 1])} is no table", "a key of the scenario file")
            return
        table = below
    table[last] = value


def _replay(document: dict[str, Any], text: str) -> None:
    symbol, separator, file = text.partition("=")
    if not separator or not symbol or not file:
        raise InputError(f"--prices {text}: got no symbol and file; expected --prices SYMBOL=FILE")
    assets = document.setdefault("assets", {})
    if not isinstance(assets, dict) or symbol not in assets:
        raise InputError(f"--prices {text}: no asset {symbol}; expected {one_of(symbol, assets)}")
    if not Path(file).is_file():
        raise InputError(f"--prices {text}: no such file; expected a CSV or Parquet file")
    model = assets[symbol]
    kept = {"kind", "inside", "volatility", "loading"} if model.get("kind") == "replay" else {"loading"}
    replayed = {name: model[name] for name in model if name in kept}
    assets[symbol] = {**replayed, "kind": "replay", "file": str(Path(file).resolve())}


def with_start(scenario: Scenario, start: int, duration: int) -> Scenario:
    """The scenario with its clock set, as a replay does once it knows its files."""
    return dataclasses.replace(
        scenario, time=dataclasses.replace(scenario.time, start=start, duration=duration)
    )
