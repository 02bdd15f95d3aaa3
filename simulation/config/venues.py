# SPDX-License-Identifier: Apache-2.0
"""[venues] of a scenario: read as changes to [protocol], shown in full, checked like it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulation.config.checks import check_protocol
from simulation.config.scenario import MAIN, MIXED, SECTIONS, ProtocolSpec, Scenario, VenueSpec
from simulation.config.schema import FAILED, Problems, one_of, read_table, show_table

__all__ = ["check_venues", "read_venues", "show_venues"]

SAME = ("markets", "inverse", "series", "collaterals")
"""Tables of [protocol] whose names, assets and order are those of every venue."""


def read_venues(document: Mapping[str, Any], problems: Problems) -> dict[str, VenueSpec]:
    """The venues of a file whose [protocol] is in order."""
    raw = document.get("venues", {})
    if not isinstance(raw, Mapping):
        problems.add("venues", f"got {raw!r}", "named tables")
        return {}
    found: dict[str, VenueSpec] = {}
    for name, table in raw.items():
        key = f"venues.{name}"
        if not isinstance(table, Mapping):
            problems.add(key, f"got {table!r}", "a table")
            continue
        if not name.replace("-", "").isalnum():
            problems.add(key, "no name for a folder", "letters, digits and hyphens")
            continue
        settings = read_table(
            VenueSpec, {entry: table[entry] for entry in table if entry != "protocol"}, key, problems
        )
        changes = table.get("protocol", {})
        if name == MAIN and "protocol" in table:
            problems.add(f"{key}.protocol", "a second time", "the parameters of this venue in [protocol]")
            continue
        if not isinstance(changes, Mapping):
            problems.add(f"{key}.protocol", f"got {changes!r}", "a table of changes to [protocol]")
            continue
        protocol = None
        if name != MAIN:
            protocol = SECTIONS["protocol"].read(
                _changed(document["protocol"], changes), f"{key}.protocol", problems
            )
        if settings is not None and protocol is not FAILED:
            found[name] = replace(settings, protocol=protocol)
    return found


def show_venues(venues: Mapping[str, VenueSpec]) -> dict[str, Any]:
    """The tables that read back to these venues."""
    return {
        name: {
            **show_table(venue),
            **({} if venue.protocol is None else {"protocol": show_table(venue.protocol)}),
        }
        for name, venue in venues.items()
    }


def check_venues(scenario: Scenario, problems: Problems) -> None:
    """Add every contradiction between venues, and between them and the agents."""
    own: ProtocolSpec = scenario.protocol
    for name, venue in scenario.venues.items():
        if venue.protocol is None:
            continue
        key = f"venues.{name}"
        inner = Problems(problems.file, problems.overrides)
        check_protocol(venue.protocol, scenario.assets, inner)
        for problem in inner.found:
            problems.add(f"{key}.{problem.key}", problem.found, problem.expected)
        for table in SAME:
            if _listed(venue.protocol, table) != _listed(own, table):
                problems.add(f"{key}.protocol.{table}", "other names or assets", f"those of protocol.{table}")
        for table in ("cash", "oracle"):
            if getattr(venue.protocol, table) != getattr(own, table):
                problems.add(f"{key}.protocol.{table}", "changed", f"protocol.{table}, common to all venues")
    names = scenario.venue_names
    for name, agent in scenario.agents.items():
        key = f"agents.{name}"
        for venue_name in agent.venues:
            if venue_name not in names:
                problems.add(f"{key}.venues", f'got "{venue_name}"', one_of(venue_name, names))
            elif agent.engine not in (None, MIXED, *scenario.protocol_of(venue_name).engines):
                problems.add(
                    f"{key}.engine", f'"{agent.engine}" is not deployed at {venue_name}', "its table"
                )
        if agent.twin is None:
            continue
        other = scenario.agents.get(agent.twin)
        if other is None or other is agent:
            others = [each for each in scenario.agents if each != name]
            problems.add(f"{key}.twin", f'got "{agent.twin}"', one_of(agent.twin, others))
        elif (other.kind, other.count) != (agent.kind, agent.count) or other.twin is not None:
            problems.add(f"{key}.twin", f"agents.{agent.twin} is no like", "its kind and count, and no twin")


def _listed(protocol: ProtocolSpec, table: str) -> list[tuple[str, Any]]:
    """Names and underlyings of one table, by which markets and assets are numbered."""
    found: list[tuple[str, Any]] = []
    for name, item in getattr(protocol, table).items():
        if table == "inverse":
            found.append((name, item.collateral))
        elif table == "series":
            found.append((name, (item.asset, item.strikes, item.expiry)))
        elif table == "collaterals":
            found.append((name, (item.asset, item.decimals)))
        else:
            found.append((name, item.asset))
    return found


def _changed(base: Any, changes: Mapping[str, Any]) -> Any:
    """A table with changes put in, table by table; lists are replaced whole."""
    if not isinstance(base, Mapping):
        return copy.deepcopy(dict(changes))
    merged = {name: copy.deepcopy(value) for name, value in base.items()}
    for name, value in changes.items():
        merged[name] = _changed(merged.get(name, {}), value) if isinstance(value, Mapping) else value
    return merged
