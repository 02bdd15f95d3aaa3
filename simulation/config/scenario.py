# SPDX-License-Identifier: Apache-2.0
"""The Scenario: everything a run is made from, as frozen values. Integers are in the chain's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.config.kinds import (
    BPS,
    EVENTS_PER_YEAR,
    HOURLY_WAD,
    INTEGER,
    NUMBER,
    PRICE_NANO,
    SECONDS,
    SHARE,
    SIZE_NANO,
    START,
    TEXT,
    USD_WAD,
    WAYPOINTS_NANO,
    WAYPOINTS_WEI,
    WEI,
    YEARLY,
    YEARLY_WAD,
    choice,
)
from simulation.config.schema import Array, Problems, Table, Tables, Variant, knob

__all__ = [
    "AgentSpec",
    "AssetModel",
    "CashSpec",
    "ChainSpec",
    "CollateralSpec",
    "CreditSpec",
    "DynamicSpec",
    "FeeSpec",
    "FundingSpec",
    "GasSpec",
    "GbmSpec",
    "InsuranceSpec",
    "InterestSpec",
    "JumpSpec",
    "LiquidationSpec",
    "MarketSpec",
    "OracleSpec",
    "ProtocolSpec",
    "RecorderSpec",
    "ReplaySpec",
    "Scenario",
    "SeriesSpec",
    "TierSpec",
    "TimeSpec",
    "WaypointSpec",
]


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
class GbmSpec:
    """Geometric Brownian motion: dS/S = drift dt + volatility dW."""

    price: int = knob(PRICE_NANO, low="0.000000001 USD")
    """At the start, nano USD."""
    volatility: float = knob(YEARLY, low="0 %/year")
    """Standard deviation of the yearly log return."""
    drift: float = knob(YEARLY, "0 %/year")
    """Growth rate of the expected price."""
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)
    """Correlation with the common factor; two assets correlate at the product of their loadings."""


@dataclass(frozen=True, slots=True)
class JumpSpec:
    """Merton's jump-diffusion: GBM with Poisson jumps of normal log size, compensated so `drift` holds."""

    price: int = knob(PRICE_NANO, low="0.000000001 USD")
    volatility: float = knob(YEARLY, low="0 %/year")
    """Of the diffusion alone."""
    jump_rate: float = knob(EVENTS_PER_YEAR, low="0 /year")
    """Expected jumps a year."""
    jump_mean: float = knob(SHARE)
    """Mean of a jump's log return; negative falls."""
    jump_deviation: float = knob(SHARE, low="0 %")
    """Standard deviation of a jump's log return."""
    drift: float = knob(YEARLY, "0 %/year")
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


@dataclass(frozen=True, slots=True)
class WaypointSpec:
    """Brownian bridges in the logarithm between published prices, each of which is hit exactly.

    A reconstruction: the points are facts, what lies between them is drawn and stays within the lowest and
    highest point.
    """

    points: tuple[tuple[int, int], ...] = knob(WAYPOINTS_NANO)
    """Seconds since the start and nano USD; the first at 0 s. After the last the price diffuses freely."""
    volatility: float = knob(YEARLY, "80 %/year", low="0 %/year")
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


@dataclass(frozen=True, slots=True)
class ReplaySpec:
    """Prices of a file with columns timestamp,open,high,low,close,volume."""

    file: str = knob(TEXT, "")
    """CSV or Parquet; empty until given by --prices."""
    inside: str = knob(choice("prints", "close", "bridge"), "prints")
    """Within a bar: its four prints in turn, the last finished bar's close, or a bridge through prints."""
    volatility: float = knob(YEARLY, "80 %/year", low="0 %/year")
    """Of the bridge; unused otherwise."""
    loading: float = knob(NUMBER, 0.0, low=-1.0, high=1.0)


AssetModel = GbmSpec | JumpSpec | WaypointSpec | ReplaySpec
MODELS: Mapping[str, type[Any]] = {
    "gbm": GbmSpec,
    "jump": JumpSpec,
    "waypoints": WaypointSpec,
    "replay": ReplaySpec,
}


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
class CashSpec:
    """[protocol.cash]: the token in which cash is held."""

    symbol: str = knob(TEXT, "USDC")
    decimals: int = knob(INTEGER, 6, low=0, high=18)


@dataclass(frozen=True, slots=True)
class CollateralSpec:
    """[protocol.collaterals.SYMBOL]: a token accepted beside cash."""

    asset: str = knob(TEXT)
    """The price path that values it."""
    decimals: int = knob(INTEGER, 18, low=0, high=36)
    initial_haircut: int = knob(BPS, low="0 %", high="100 %")
    maintenance_haircut: int = knob(BPS, low="0 %", high="100 %")
    cap: int = knob(INTEGER, 1_000_000, low=0)
    """Whole tokens that the Vault accepts in all."""


@dataclass(frozen=True, slots=True)
class TierSpec:
    """Size tiers: what a position's notional exceeds a bound by pays the margin ratios times a multiplier."""

    first_bound: int = knob(USD_WAD, "2_000_000 USD", low="1_000_000 USD")
    second_bound: int = knob(USD_WAD, "10_000_000 USD", low="1_000_000 USD")
    first_multiplier: int = knob(BPS, "150 %", low="100 %", high="600 %")
    second_multiplier: int = knob(BPS, "250 %", low="100 %", high="600 %")


@dataclass(frozen=True, slots=True)
class FundingSpec:
    """Premium-based funding: rate per hour = clamp(premium / convergence + static rate, ±max rate)."""

    convergence: int = knob(SECONDS, "8 h", low="1 h", high="7 d")
    """In whole hours."""
    max_rate: int = knob(HOURLY_WAD, "0.75 %/h", low="0 %/h", high="2 %/h")
    static_rate: int = knob(HOURLY_WAD, "0 %/h")


@dataclass(frozen=True, slots=True)
class MarketSpec:
    """[protocol.markets.NAME]: one linear perpetual."""

    asset: str = knob(TEXT)
    tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    lot: int = knob(SIZE_NANO, "0.001 base", low="0.000000001 base")
    initial_margin: int = knob(BPS, low="0.01 %", high="100 %")
    maintenance_margin: int = knob(BPS, low="0.01 %", high="100 %")
    tiers: TierSpec = knob(Table(TierSpec), {})
    open_interest_cap: int = knob(SIZE_NANO, "1_000_000 base", low="0 base")
    funding: FundingSpec = knob(Table(FundingSpec), {})


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """[protocol.series.NAME]: a dated future and options on one asset, all of one expiry."""

    asset: str = knob(TEXT)
    expiry: int = knob(SECONDS, low="1 h")
    """After the start of the scenario."""
    strikes: tuple[int, ...] = knob(Array(PRICE_NANO), [])
    """Ascending, at most 64; a call and a put each."""
    future_tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    future_lot: int = knob(SIZE_NANO, "0.001 base", low="0.000000001 base")
    option_tick: int = knob(PRICE_NANO, "0.01 USD", low="0.000000001 USD")
    option_lot: int = knob(SIZE_NANO, "0.01 base", low="0.000000001 base")
    future_open_interest_cap: int = knob(SIZE_NANO, "1_000_000 base", low="0 base")
    option_open_interest_cap: int = knob(SIZE_NANO, "100_000 base", low="0 base")
    """Of each option."""


@dataclass(frozen=True, slots=True)
class InterestSpec:
    """[protocol.interest]: kinked yearly rate on utilisation, paid by negative cash."""

    minimum: int = knob(YEARLY_WAD, "2 %/year", low="0 %/year")
    slope: int = knob(YEARLY_WAD, "8 %/year", low="0 %/year")
    high_slope: int = knob(YEARLY_WAD, "90 %/year", low="0 %/year")
    optimal: int = knob(BPS, "85 %", low="0 %", high="100 %")
    reserve_fee: int = knob(BPS, "20 %", low="0 %", high="100 %")


@dataclass(frozen=True, slots=True)
class OracleSpec:
    """[protocol.oracle]: what the chain demands of an update; the relayer's policy stands with its agent."""

    heartbeat: int = knob(SECONDS, "1 h", low="1 s")
    """An older price refuses every action that adds risk."""
    max_spread: int = knob(BPS, "3 %", low="0 %", high="100 %")
    """Bound of mark around spot."""
    signers: int = knob(INTEGER, 1, low=1, high=8)
    threshold: int = knob(INTEGER, 1, low=1, high=8)
    confidence: int = knob(BPS, "100 %", low="0 %", high="100 %")


@dataclass(frozen=True, slots=True)
class LiquidationSpec:
    """[protocol.liquidation]: the Dutch auction of portfolio slices."""

    start_discount: int = knob(BPS, "95 %", low="0 %", high="100 %")
    """Share of the slice's value asked at the start."""
    cut_discount: int = knob(BPS, "70 %", low="0 %", high="100 %")
    """Share asked when the fast phase ends."""
    fast: int = knob(SECONDS, "15 min", low="1 s", high="7 d")
    slow: int = knob(SECONDS, "12 h", low="10 min", high="7 d")
    insolvent: int = knob(SECONDS, "1 h", low="1 s", high="7 d")
    """In this time an insolvent auction's payment rises from nothing to the maintenance margin."""
    fee: int = knob(BPS, "5 %", low="0 %", high="100 %")
    """Share of the first slice's equity that goes to the insurance fund."""
    buffer: int = knob(BPS, "15 %", low="1 %", high="100 %")
    equity_cutoff: int = knob(USD_WAD, "500 USD", low="0 USD", high="10_000 USD")
    """An account with less equity may be taken whole: its lots are too coarse to be cut into slices."""
    reward_rate: int = knob(BPS, "2 %", low="0 %", high="10 %")
    """Share of the equity paid to whoever starts an auction."""
    reward: int = knob(USD_WAD, "500 USD", low="0 USD", high="10_000 USD")
    """Bound of that payment."""


@dataclass(frozen=True, slots=True)
class FeeSpec:
    """[protocol.fees]: of every fill, share of the notional."""

    maker: int = knob(BPS, "0.02 %", low="0 %", high="1 %")
    taker: int = knob(BPS, "0.05 %", low="0 %", high="1 %")


@dataclass(frozen=True, slots=True)
class InsuranceSpec:
    """[protocol.insurance]."""

    seed: int = knob(USD_WAD, "250_000 USD", low="0 USD")


@dataclass(frozen=True, slots=True)
class CreditSpec:
    """[protocol.credit]: lines of a CreditDesk on the CreditMargin engine over cross margin."""

    share: int = knob(BPS, "50 %", low="0 %", high="80 %")
    """Part of a requirement that a line may stand for."""
    multiple: int = knob(BPS, "200 %", low="0 %", high="1000 %")
    """Of own equity, what a line may stand for in initial margin."""
    use_rate: int = knob(YEARLY_WAD, "8 %/year", low="0 %/year", high="100 %/year")
    commitment_rate: int = knob(YEARLY_WAD, "1 %/year", low="0 %/year", high="100 %/year")
    junior_income: int = knob(BPS, "40 %", low="0 %", high="100 %")
    subordination: int = knob(BPS, "25 %", low="0 %", high="100 %")
    """Junior assets, as a share of all lines."""
    grace: int = knob(SECONDS, "1 d", low="10 min", high="7 d")
    """From the notice of a call to default."""
    fee_period: int = knob(SECONDS, "30 d", low="1 d", high="90 d")
    max_term: int = knob(SECONDS, "180 d", low="1 d", high="365 d")


@dataclass(frozen=True, slots=True)
class DynamicSpec:
    """[protocol.dynamic]: the DynamicMargin engine, the ratios of cross margin scaled by volatility."""

    reference_volatility: int = knob(BPS, "60 %", low="1 %", high="2000 %")
    """Annual; the ratios hold at it."""
    floor: int = knob(BPS, "50 %", low="10 %", high="100 %")
    cap: int = knob(BPS, "400 %", low="100 %", high="1000 %")
    rise: int = knob(BPS, "5 %", low="0.01 %", high="1000 %")
    """Of the ratios, in an hour at most."""
    fall: int = knob(BPS, "1 %", low="0.01 %", high="1000 %")
    buffer: int = knob(BPS, "25 %", low="0 %", high="100 %")
    """Held on top up to the reference volatility and used up above it."""


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """[protocol]: the risk parameters handed to deployment."""

    markets: dict[str, MarketSpec] = knob(Tables(Table(MarketSpec), least=1))
    series: dict[str, SeriesSpec] = knob(Tables(Table(SeriesSpec)), {})
    engine: str = knob(choice("cross", "isolated"), "cross")
    """Margin system of the agents' accounts."""
    cash: CashSpec = knob(Table(CashSpec), {})
    collaterals: dict[str, CollateralSpec] = knob(Tables(Table(CollateralSpec)), {})
    fees: FeeSpec = knob(Table(FeeSpec), {})
    interest: InterestSpec = knob(Table(InterestSpec), {})
    oracle: OracleSpec = knob(Table(OracleSpec), {})
    liquidation: LiquidationSpec = knob(Table(LiquidationSpec), {})
    insurance: InsuranceSpec = knob(Table(InsuranceSpec), {})
    timelock: int = knob(SECONDS, "2 d", low="0 s")
    engine_delay: int | None = knob(SECONDS, None, low="10 min", high="30 d")
    """From the request to the change of an account's margin system; without it none can be changed."""
    credit: CreditSpec | None = knob(Table(CreditSpec), None)
    """Without the table there is no desk."""
    dynamic: DynamicSpec | None = knob(Table(DynamicSpec), None)
    """Without the table there is no such engine."""


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

    def problems(self) -> Problems:
        """An empty collector that names this scenario's file and overrides, for layers above."""
        return Problems(self.file, self.overrides)


SECTIONS: Mapping[str, Any] = {
    "scenario": Table(TimeSpec),
    "assets": Tables(Variant(MODELS), least=1),
    "gas": Table(GasSpec),
    "protocol": Table(ProtocolSpec),
    "chain": Table(ChainSpec),
    "recorder": Table(RecorderSpec),
}
