# SPDX-License-Identifier: Apache-2.0
"""The Portfolio: what a portfolio file says, as frozen values. Integers are in the chain's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulation.analysis.kinds import MATRIX, PARAMETER_WAD, QUANTITY, Quantity
from simulation.config.kinds import (
    BPS,
    EVENTS_PER_YEAR,
    MOMENT,
    NUMBER,
    PRICE_NANO,
    SECONDS,
    SIZE_NANO,
    TEXT,
    USD_WAD,
    YEARLY_WAD,
    choice,
)
from simulation.config.scenario import ENGINES, ProtocolSpec
from simulation.config.schema import Array, Table, Tables, knob
from simulation.domain.market_math import Kind, coins_down
from simulation.domain.svi import Params
from simulation.domain.units import NANO
from simulation.market.tails import TailShape

__all__ = [
    "ENGINES",
    "SECTIONS",
    "AssetSpec",
    "CollateralAmount",
    "CorrelationSpec",
    "HedgeSpec",
    "Instrument",
    "MoneySpec",
    "Portfolio",
    "PositionSpec",
    "SeriesSpec",
    "SurfaceSpec",
    "TailSpec",
]

YEAR = 365 * 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class MoneySpec:
    """[portfolio]: whose it is and what cash it has."""

    name: str = knob(TEXT)
    description: str = knob(TEXT, "")
    time: int = knob(MOMENT)
    """Unix seconds at which it is valued."""
    cash: int = knob(USD_WAD, "0 USD")
    """Wad USD; negative is a loan."""
    credit: int = knob(USD_WAD, "0 USD", low="0 USD")
    """Line of a credit desk, wad USD; credit-based margin alone knows it."""
    engine: str = knob(choice(*ENGINES), "cross")
    """Margin system whose terms are shown first and that a hedge is sought under."""


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """[assets.SYMBOL]: what the oracle's signers say."""

    spot: int = knob(PRICE_NANO, low="0.000000001 USD")
    mark: int | None = knob(PRICE_NANO, None)
    """Of perpetuals; spot where it is not given."""
    confidence: int = knob(BPS, "100 %", low="0 %", high="100 %")
    volatility: int = knob(YEARLY_WAD, "80 %/year", low="0.01 %/year", high="500 %/year")
    """Of daily returns, for risk-based margin."""


@dataclass(frozen=True, slots=True)
class SurfaceSpec:
    """[series.NAME.surface]: raw SVI, total variance by log-strike."""

    a: int = knob(PARAMETER_WAD)
    b: int = knob(PARAMETER_WAD)
    rho: int = knob(PARAMETER_WAD)
    m: int = knob(PARAMETER_WAD)
    sigma: int = knob(PARAMETER_WAD)

    @property
    def params(self) -> Params:
        return Params(self.a, self.b, self.rho, self.m, self.sigma)


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """[series.NAME]: a dated future and the options of its expiry."""

    asset: str = knob(TEXT)
    expiry: int = knob(MOMENT)
    """Unix seconds."""
    forward: int | None = knob(PRICE_NANO, None)
    """Spot where it is not given."""
    rate: int = knob(YEARLY_WAD, "0 %/year", low="-100 %/year", high="100 %/year")
    volatility: int | None = knob(YEARLY_WAD, None)
    """Flat at all strikes; or `surface`."""
    surface: SurfaceSpec | None = knob(Table(SurfaceSpec), None)
    strikes: tuple[int, ...] = knob(Array(PRICE_NANO), [])
    tick: int = knob(PRICE_NANO, "0.1 USD", low="0.000000001 USD")
    """Of the future and of the options."""
    lot: int = knob(SIZE_NANO, "0.01 base", low="0.000000001 base")
    confidence: int = knob(BPS, "100 %", low="0 %", high="100 %")


@dataclass(frozen=True, slots=True)
class PositionSpec:
    """[[positions]]: one instrument that is held."""

    instrument: str = knob(TEXT)
    size: Quantity = knob(QUANTITY)
    """Positive long; contracts of an inverse perpetual in USD."""
    entry: int | None = knob(PRICE_NANO, None)
    """Price at which it was opened; its mark where it is not given."""


@dataclass(frozen=True, slots=True)
class CollateralAmount:
    """[[collaterals]]: tokens that are held beside cash."""

    asset: str = knob(TEXT)
    amount: int = knob(SIZE_NANO, low="0 base")
    """Nano tokens."""


@dataclass(frozen=True, slots=True)
class HedgeSpec:
    """[hedge]: what a trade costs beside the taker's fee, and in what."""

    instruments: tuple[str, ...] = knob(Array(TEXT), [])
    """All that are listed where none are named."""
    spread: int = knob(BPS, "0.02 %", low="0 %", high="50 %")
    """Ask over bid of futures and perpetuals, share of the mark."""
    option_spread: int = knob(BPS, "4 %", low="0 %", high="200 %")
    """Ask over bid of options, share of the mark; at least a tick."""


@dataclass(frozen=True, slots=True)
class TailSpec:
    """[tails]: how returns differ from normal ones, for the chance that a loss exceeds a margin."""

    horizon: int = knob(SECONDS, "1 d", low="1 h", high="30 d")
    """From one look at the account to the next."""
    skewness: float = knob(NUMBER, -0.5, low=-3.0, high=3.0)
    """Of the log return over the horizon."""
    excess_kurtosis: float = knob(NUMBER, 6.0, low=0.1, high=100.0)
    """Likewise."""
    jump_rate: float = knob(EVENTS_PER_YEAR, "12 /year", low="0.1 /year", high="3650 /year")
    """How often the law with jumps has one."""

    @property
    def shape(self) -> TailShape:
        return TailShape(self.horizon / YEAR, self.skewness, self.excess_kurtosis, self.jump_rate)


@dataclass(frozen=True, slots=True)
class CorrelationSpec:
    """[correlations]: of factors of risk-based margin, `SYMBOL` a price and `SYMBOL volatility` the other."""

    factors: tuple[str, ...] = knob(Array(TEXT), [])
    matrix: tuple[tuple[float, ...], ...] = knob(MATRIX, [])


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market by its name in a portfolio file."""

    name: str
    market: int
    """Number of the market on chain (math/market_math.vy)."""
    kind: Kind
    asset: str
    tick: int
    """Nano USD."""
    lot: int
    """Nano base; of an inverse perpetual nano contracts of one USD."""
    series: str = ""
    strike: int = 0
    """Nano USD; of options."""
    call: bool = False

    @property
    def inverse(self) -> bool:
        """Whether sizes are contracts of one USD."""
        return self.kind is Kind.INVERSE_PERPETUAL

    @property
    def unit(self) -> str:
        """Of sizes, as portfolio files write it."""
        return "USD" if self.inverse else "base"

    def notional(self, size: int, price: int) -> int:
        """Of an unsigned size at a price, wad USD: what fees are a share of."""
        return size * (NANO if self.inverse else price)

    def worse(self, size: int, price: int, mark: int) -> int:
        """What a trade at a price loses against the mark, wad USD; size in nano units, positive buys.

        Of an inverse perpetual as the Ledger has it: coin is a whole number of nano, toward zero.
        """
        if not self.inverse:
            return size * (price - mark)
        coins = coins_down(abs(size), price)
        return size * NANO - (coins if size > 0 else -coins) * mark


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A checked portfolio file: prices, parameters, instruments and what is held of them."""

    money: MoneySpec
    assets: Mapping[str, AssetSpec]
    protocol: ProtocolSpec
    series: Mapping[str, SeriesSpec]
    positions: tuple[PositionSpec, ...]
    collaterals: tuple[CollateralAmount, ...]
    hedge: HedgeSpec
    correlations: CorrelationSpec
    tails: TailSpec
    instruments: Mapping[str, Instrument]
    """Everything that is listed, by name, in order of market numbers."""
    file: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.money.name

    def by_market(self, market: int) -> Instrument:
        """The instrument of a market number."""
        return next(one for one in self.instruments.values() if one.market == market)


SECTIONS: Mapping[str, Any] = {
    "portfolio": Table(MoneySpec),
    "assets": Tables(Table(AssetSpec), least=1),
    "protocol": Table(ProtocolSpec),
    "series": Tables(Table(SeriesSpec)),
    "positions": Array(Table(PositionSpec)),
    "collaterals": Array(Table(CollateralAmount)),
    "hedge": Table(HedgeSpec),
    "correlations": Table(CorrelationSpec),
    "tails": Table(TailSpec),
}
DEFAULTS: Mapping[str, Any] = {"positions": [], "collaterals": []}
