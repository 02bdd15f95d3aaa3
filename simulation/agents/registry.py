# SPDX-License-Identifier: Apache-2.0
"""Kinds of agents by the name that stands in a scenario, and agents made from what stands there.

Imports: every module of agents, config, errors.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from simulation.agents.base import Agent
from simulation.agents.carry_traders import CarryTraders
from simulation.agents.depositors import InsuranceDepositors
from simulation.agents.keeper import Keeper
from simulation.agents.lenders import Lenders
from simulation.agents.market_maker import MarketMaker
from simulation.agents.operator import ProtocolOperator
from simulation.agents.option_traders import BasisTraders, OptionWriters, PutBuyers
from simulation.agents.relayer import OracleRelayer
from simulation.agents.spread_traders import SpreadTraders
from simulation.agents.surface_relayer import SurfaceRelayer
from simulation.agents.traders import MeanReversionTraders, MomentumTraders, NoiseTraders
from simulation.agents.underwriter import Underwriter
from simulation.agents.whale import Whale
from simulation.config import MAIN, AgentSpec, stream
from simulation.errors import InputError, Problem, ScenarioError

__all__ = ["AGENT_KINDS", "SETTINGS_CLASSES", "load_agent", "make_agent", "make_agents"]

AGENT_KINDS: Final[Mapping[str, type[Agent]]] = {
    "basis_trader": BasisTraders,
    "carry_trader": CarryTraders,
    "insurance_depositor": InsuranceDepositors,
    "keeper": Keeper,
    "lender": Lenders,
    "market_maker": MarketMaker,
    "mean_reversion_trader": MeanReversionTraders,
    "momentum_trader": MomentumTraders,
    "noise_trader": NoiseTraders,
    "operator": ProtocolOperator,
    "option_writer": OptionWriters,
    "oracle_relayer": OracleRelayer,
    "put_buyer": PutBuyers,
    "spread_trader": SpreadTraders,
    "surface_relayer": SurfaceRelayer,
    "underwriter": Underwriter,
    "whale": Whale,
}
"""Every kind that a scenario may name."""

SETTINGS_CLASSES: Final[Mapping[str, type[Any]]] = {
    kind: cls.settings_class for kind, cls in AGENT_KINDS.items() if cls.settings_class is not None
}
"""Settings class of each kind, as `config.load_scenario` wants them."""


def make_agents(specs: Sequence[AgentSpec], seed: int, first_account: int = 1) -> list[Agent]:
    """All agents of a scenario, in its order, their accounts numbered one after the other.

    A kind that stands for individuals gives `count` agents named NAME-1, NAME-2, ...; any other gives one
    agent for `count` accounts. Raises ScenarioError naming every kind that does not exist, and every
    population at several venues whose kind keeps to one.
    """
    unknown = [
        Problem(
            "scenario", f"agents.{spec.name}.kind", f'got "{spec.kind}"', f"one of {', '.join(AGENT_KINDS)}"
        )
        for spec in specs
        if spec.kind not in AGENT_KINDS
    ]
    unknown += [
        Problem(
            "scenario", f"agents.{spec.name}.venues", f"{len(spec.venues)} for a {spec.kind}", "one venue"
        )
        for spec in specs
        if len(spec.venues) > 1 and spec.kind in AGENT_KINDS and not AGENT_KINDS[spec.kind].spreads
    ]
    if unknown:
        raise ScenarioError(unknown)
    agents: list[Agent] = []
    account = first_account
    for spec in specs:
        cls = AGENT_KINDS[spec.kind]
        if cls.individual:
            groups = [
                (f"{spec.name}-{place + 1}" if spec.count > 1 else spec.name, 1)
                for place in range(spec.count)
            ]
        else:
            groups = [(spec.name, spec.count)] if spec.count else []
        for name, count in groups:
            shared = name if spec.twin is None else spec.twin + name.removeprefix(spec.name)
            agents.append(make_agent(cls, name, account, count, spec.settings, seed, spec.venues, shared))
            account += count
    return agents


def make_agent(
    cls: type[Agent],
    name: str,
    account: int,
    count: int,
    settings: Any,
    seed: int,
    venues: tuple[str, ...] = (MAIN,),
    shared: str = "",
) -> Agent:
    """One agent for `count` accounts from `account` on.

    Its random numbers come from the stream of its name, or from `shared`, that of another agent.
    """
    accounts = np.arange(account, account + count, dtype=np.int64)
    agent = cls(name, accounts, settings, stream(seed, "agents", shared or name, "tastes"))
    agent.venues, agent.stream = venues, shared or name
    return agent


def load_agent(source: str) -> type[Agent]:
    """The agent class that a user names as FILE.py:Class. Raises InputError in one line."""
    path, separator, name = source.rpartition(":")
    if not separator or not name.isidentifier() or not path.endswith(".py"):
        raise InputError(f"--agent {source}: got no file and class; expected FILE.py:Class")
    file = Path(path)
    if not file.is_file():
        raise InputError(f"--agent {source}: no such file {path}; expected a Python file")
    module_name = f"plimsoll_agent_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"--agent {source}: {path} cannot be imported; expected a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is being executed.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InputError(
            f"--agent {source}: {path} fails, {type(error).__name__}: {error}; expected a Python file"
        ) from error
    cls = getattr(module, name, None)
    if not isinstance(cls, type):
        raise InputError(
            f"--agent {source}: no class {name} in {path}; expected one derived from Agent or Keeper"
        )
    if not issubclass(cls, Agent) or cls.decide is Agent.decide:
        raise InputError(
            f"--agent {source}: {name} cannot decide; expected a subclass of Agent with `decide`"
        )
    return cls
