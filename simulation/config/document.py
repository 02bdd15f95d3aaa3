# SPDX-License-Identifier: Apache-2.0
"""Scenario files as tables: found by name, over the scenario that they extend, with what an engine brings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from simulation.config.scenario import DESK_KINDS, MIXED, SECTION_OF
from simulation.config.schema import one_of
from simulation.errors import InputError

__all__ = ["available_scenarios", "bring_engine", "read_document", "scenario_path"]

EXTENDS = "extends"
"""Key at the top of a file: name or file of the scenario that it changes."""
BROUGHT = {"lender": ("lenders", 16), "underwriter": ("underwriter", 1)}
"""Name and count of the agents that come with a desk which the command line has asked for."""
SHIPPED = Path(__file__).resolve().parents[1] / "scenarios"


def available_scenarios() -> dict[str, str]:
    """Name and description of every scenario that ships with the package."""
    found: dict[str, str] = {}
    for path in sorted(SHIPPED.glob("*.toml")):
        found[path.stem] = str(read_document(path.stem)["scenario"]["description"])
    return found


def scenario_path(source: str) -> Path:
    """The file of a shipped scenario's name, or the path itself. Raises InputError."""
    path = Path(source)
    if path.suffix == ".toml":
        if not path.is_file():
            raise InputError(f"{source}: no such file; expected a scenario file")
        return path
    shipped = SHIPPED / f"{source}.toml"
    if not shipped.is_file():
        names = one_of(source, available_scenarios())
        raise InputError(f"{source}: no such scenario; expected a path ending in .toml or {names}")
    return shipped


def read_document(source: str, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The tables of a scenario file over those of the scenario that it extends; price files stand anchored.

    A table takes the keys of the table below it that it does not name, unless its `kind` is another one;
    everything else replaces what is below.

    Args:
        source: name of a shipped scenario, or a path ending in .toml.
        above: files that extend it.

    Raises:
        InputError: no such scenario, no TOML, or a file that extends itself.
    """
    path = scenario_path(source)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: {error}; expected a TOML file") from error
    _anchor_files(document, path.parent)
    base = document.pop(EXTENDS, None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise InputError(f"{source}: {EXTENDS}: got {base!r}; expected a scenario's name or file in quotes")
    chain = (*above, path.resolve())
    if base.endswith(".toml"):
        base = str(path.parent / base)
    if scenario_path(base).resolve() in chain:
        raise InputError(f"{source}: {EXTENDS}: comes back to {base}; expected another scenario")
    return _over(read_document(base, chain), document)


def bring_engine(document: dict[str, Any], engine: str) -> None:
    """Adds what a margin system needs that the command line asks for and the file has not, with its defaults.

    Its section of [protocol]; with a credit desk, lenders and an underwriter; for `mixed` all of them.
    """
    protocol = document["protocol"]
    for section in SECTION_OF.values() if engine == MIXED else (SECTION_OF[engine],):
        protocol.setdefault(section, {})
    if engine == MIXED and protocol.get("series"):
        protocol.setdefault("options", {})
    if "credit" not in protocol:
        return
    agents = document.setdefault("agents", {})
    if not isinstance(agents, dict) or not all(isinstance(one, dict) for one in agents.values()):
        return
    known = {one.get("kind") for one in agents.values()}
    # They live with the gas prices of the file as the protocol's own bot does.
    tips = [one["tip"] for one in agents.values() if one.get("kind") == "operator" and "tip" in one]
    for kind in DESK_KINDS:
        name, count = BROUGHT[kind]
        if kind not in known:
            agents.setdefault(name, {"kind": kind, "count": count, **({"tip": tips[0]} if tips else {})})


def _over(below: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in table.items():
        old = merged.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            same_kind = value.get("kind", old.get("kind")) == old.get("kind")
            value = _over(old, value) if same_kind else value
        merged[name] = value
    return merged


def _anchor_files(document: dict[str, Any], folder: Path) -> None:
    """Price files named in a scenario stand relative to it, wherever the command is run."""
    assets = document.get("assets")
    for model in assets.values() if isinstance(assets, dict) else ():
        file = model.get("file") if isinstance(model, dict) else None
        if isinstance(file, str) and file:
            model["file"] = str((folder / file).resolve())
