# SPDX-License-Identifier: Apache-2.0
"""The Scenario: everything a run is made from, and the sections that are no asset and no protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.config.kinds import INTEGER, NUMBER, SECONDS, SHARE, START, TEXT, WAYPOINTS_WEI, WEI, choice
from simulation.config.scenario.assets import MODELS, AssetModel, SmileSpec
from simulation.config.scenario.protocol import ProtocolSpec
from simulation.config.scenario.venues import MAIN, VenueSpec
from simulation.config.schema import Problems, Table, Tables, Variant, knob

__all__ = ["SECTIONS", "AgentSpec", "ChainSpec", "GasSpec", "RecorderSpec", "Scenario", "TimeSpec"]


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """[scenario]: the name and the clock."""

    name: str = knob(TEXT)
    description: str = knob(TEXT, "")
    seed: int = knob(INTEGER, 1, low=0)
    start: int | None = knob(START)
    """Unix seconds of block 0; None until a replay has found the most volatile day of its files."""
    duration: int = knob(SECONDS, low="1 s")
    block_time: int = knob(SECONDS, "12 s", low="1 s")


@dataclass(frozen=True, slots=True)
class GasSpec:
    """[gas]: block space and what the rest of the world pays for it; the defaults are those of a rollup."""

    block_gas_limit: int = knob(INTEGER, 30_000_000, low=21_000)
    initial_base_fee: int = knob(WEI, "0.05 gwei", low="1 wei")
    external_price: tuple[tuple[int, int], ...] = knob(WAYPOINTS_WEI, [["0 s", "0.05 gwei"]])
    """Base fee at which other users' demand just meets the gas target: seconds since the start and wei."""
    elasticity: float = knob(NUMBER, 2.0, low=0.0)
    """How steeply their demand falls as the base fee rises above that price."""
    noise: float = knob(SHARE, "10 %", low="0 %")
    """Standard deviation of the logarithm of the external price from block to block."""
    external_tip: int = knob(WEI, "0.01 gwei", low="0 wei")
    """Priority fee of other users; whoever bids less waits when blocks are full."""


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """[chain]: which EVM."""

    backend: str = knob(choice("revm", "tester"), "revm")
    chain_id: int = knob(INTEGER, 1337, low=1)


@dataclass(frozen=True, slots=True)
class RecorderSpec:
    """[recorder]: what a run folder keeps."""

    sample_blocks: int = knob(INTEGER, 10, low=1)
    """Blocks between two records of every account and agent."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """[agents.NAME]: a population. Only its `kind` knows which parameters it has."""

    name: str
    kind: str
    count: int
    params: dict[str, Any]
    """The rest of the table, as it stands in the file."""
    settings: Any = None
    """`params` read by the settings class of its kind, once the agents layer has given one."""
    engine: str | None = None
    """Margin system of its accounts; None: that of the protocol."""
    venues: tuple[str, ...] = (MAIN,)
    """Where its accounts are, its home first."""
    twin: str | None = None
    """Population whose random numbers it shares, account by account; None: none."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a run is made from, and nothing else: the same Scenario gives the same bytes."""

    time: TimeSpec
    assets: dict[str, AssetModel]
    """Price model by asset, in the order of the file."""
    gas: GasSpec
    protocol: ProtocolSpec
    agents: dict[str, AgentSpec]
    chain: ChainSpec
    recorder: RecorderSpec
    file: str = field(default="", compare=False)
    """Where it was read from, for messages; no part of the run."""
    overrides: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Dotted keys that came from the command line, for messages."""
    smiles: dict[str, SmileSpec] = field(default_factory=dict)
    """Volatility by asset, of those that have series; others have that of the defaults."""
    venues: dict[str, VenueSpec] = field(default_factory=dict)
    """By name, as the file has them; MAIN may be among them."""

    @property
    def name(self) -> str:
        return self.time.name

    @property
    def seed(self) -> int:
        return self.time.seed

    @property
    def start(self) -> int:
        """Unix seconds of block 0. Only after `market.resolve_start` when a replay looks for its day."""
        if self.time.start is None:
            raise ValueError("the start is not known before the price files were read")
        return self.time.start

    @property
    def blocks(self) -> int:
        """Number of blocks after block 0; block k is at start + k * block_time."""
        return self.time.duration // self.time.block_time

    @property
    def venue_names(self) -> tuple[str, ...]:
        """All venues, MAIN first."""
        return (MAIN, *(name for name in self.venues if name != MAIN))

    def protocol_of(self, venue: str) -> ProtocolSpec:
        """The parameters of a venue."""
        own = None if venue == MAIN else self.venues[venue].protocol
        return self.protocol if own is None else own

    def problems(self) -> Problems:
        """An empty collector that names this scenario's file and overrides, for layers above."""
        return Problems(self.file, self.overrides)


SECTIONS: Mapping[str, Any] = {
    "scenario": Table(TimeSpec),
    "assets": Tables(Variant(MODELS), least=1),
    "smiles": Tables(Table(SmileSpec)),
    "gas": Table(GasSpec),
    "protocol": Table(ProtocolSpec),
    "chain": Table(ChainSpec),
    "recorder": Table(RecorderSpec),
}
