# SPDX-License-Identifier: Apache-2.0
"""A scenario with all that it depends on: files read, keys checked, agents of the user found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.agents import SETTINGS_CLASSES, load_agent
from simulation.chain.backends import backend_in_use
from simulation.config import Scenario, load_scenario
from simulation.market import MarketPath, build_market

__all__ = ["Resolved", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked scenario with its path and the user's own agents: all that a run depends on."""

    scenario: Scenario
    path: MarketPath
    agents: tuple[str, ...]
    """FILE.py:Class, in the order given."""

    @property
    def name(self) -> str:
        return self.scenario.name

    @property
    def seed(self) -> int:
        return self.scenario.seed

    @property
    def without_native(self) -> bool:
        """The scenario asks for the native EVM, which was not built: py-evm runs it, slower."""
        wanted = self.scenario.chain.backend
        return backend_in_use(wanted) != wanted

    @property
    def blocks(self) -> int:
        """Blocks that the run will have."""
        return len(self.path) - 1


def resolve(
    source: str, overrides: Sequence[str] = (), prices: Sequence[str] = (), agents: Sequence[str] = ()
) -> Resolved:
    """Reads and checks everything that a run depends on.

    Args:
        source: name of a shipped scenario, or a TOML file.
        overrides: `key=value`.
        prices: `SYMBOL=FILE`.
        agents: `FILE.py:Class`.

    Raises:
        InputError: anything wrong in the scenario, the options or the files.
    """
    scenario, path = build_market(load_scenario(source, overrides, prices, SETTINGS_CLASSES))
    for agent in agents:
        load_agent(agent)
    return Resolved(scenario, path, tuple(agents))
