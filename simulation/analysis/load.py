# SPDX-License-Identifier: Apache-2.0
"""Reading a portfolio file: TOML in, a checked Portfolio out, every mistake told at once.

The contracts refuse the same by a named revert; here it has a file, a key and an expectation.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from simulation.analysis.portfolio import (
    DEFAULTS,
    SECTIONS,
    YEAR,
    AssetSpec,
    CorrelationSpec,
    Instrument,
    Portfolio,
    SeriesSpec,
)
from simulation.analysis.surfaces import butterfly, calendar
from simulation.chain.deployment import MAX_DIFFERENCE, feed_numbers, inverse_asset, inverse_numbers
from simulation.config.checks import check_protocol
from simulation.config.kinds import PRICE_NANO, USD_WAD, show_moment
from simulation.config.scenario import CorrelationSpec as FactorPair
from simulation.config.scenario import (
    CreditSpec,
    DynamicSpec,
    OptionsSpec,
    PortfolioSpec,
    ProtocolSpec,
    RiskSpec,
)
from simulation.config.scenario import SeriesSpec as ListedSeries
from simulation.config.schema import FAILED, Problems, one_of
from simulation.domain import market_math, svi
from simulation.domain.units import BPS, NANO, WAD
from simulation.errors import InputError
from simulation.market.tails import LAWS, law_of

__all__ = ["load_portfolio", "surface_of"]

MAX_OPEN_INTEREST = 10**18
"""Nano base: a thousand million."""
VOLATILITY = " volatility"
LOWEST_WAD, HIGHEST_WAD = 10**15, 24 * 10**18
"""Flat volatility: from 0.1 % to 2,400 % a year."""


def load_portfolio(source: str) -> Portfolio:
    """Read and check a portfolio file.

    Raises:
        ScenarioError: all problems at once, each with file, key and what was expected.
        InputError: no such file, or no TOML.
    """
    path = Path(source)
    if not path.is_file():
        raise InputError(f"{source}: no such file; expected a portfolio file (docs/portfolio-files.md)")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: {error}; expected a TOML file") from error
    problems = Problems(source)
    for name in document:
        if name not in SECTIONS:
            problems.add(name, "unknown section", one_of(name, SECTIONS))
    values = {
        name: kind.read(document.get(name, DEFAULTS.get(name, {})), name, problems)
        for name, kind in SECTIONS.items()
    }
    problems.raise_if_any()
    assert not any(value is FAILED for value in values.values())
    series = values["series"]
    if values["protocol"].series:
        problems.add("protocol.series", "unknown here", "[series.NAME], with expiry as a time and its prices")
    protocol: ProtocolSpec = values["protocol"]
    protocol = replace(
        protocol,
        series=_listed(series, values["portfolio"].time),
    )
    protocol = _with_systems(protocol, values["assets"], values["correlations"])
    portfolio = Portfolio(
        money=values["portfolio"],
        assets=values["assets"],
        protocol=protocol,
        series=series,
        positions=values["positions"],
        collaterals=values["collaterals"],
        hedge=values["hedge"],
        correlations=values["correlations"],
        tails=values["tails"],
        instruments=_instruments(protocol, series, problems),
        file=source,
    )
    told = Problems(source)
    check_protocol(protocol, portfolio.assets, told)
    for one in told.found:
        problems.add(_in_this_file(one.key), one.found, one.expected)
    _check_assets(portfolio, problems)
    for name, series in portfolio.series.items():
        _check_series(portfolio, f"series.{name}", series, problems)
    if not problems.found:
        _check_calendar(portfolio, problems)
    _check_held(portfolio, problems)
    _check_correlations(portfolio, problems)
    _check_tails(portfolio, problems)
    problems.raise_if_any()
    return portfolio


def surface_of(series: SeriesSpec, time: int) -> svi.Params:
    """SVI parameters at `time`: those of the file, or a flat surface of its volatility.

    Total variance of a flat one is volatility² · time to expiry, floored to wad; at least 4 units, the least
    that the Surface takes.
    """
    if series.surface is not None:
        return series.surface.params
    assert series.volatility is not None
    variance = series.volatility**2 * (series.expiry - time) // (YEAR * 10**18)
    return svi.Params(max(variance, 4), 0, 0, 0, 10**18)


def _in_this_file(key: str) -> str:
    """Where a portfolio file has what the deployment plan has under this key."""
    if key == "protocol.risk.correlations":
        return "correlations.matrix"
    return key.replace("protocol.series.", "series.")


def _listed(series: Mapping[str, SeriesSpec], time: int) -> dict[str, ListedSeries]:
    """The series as the deployment plan wants them: expiry counts from the valuation."""
    return {
        name: ListedSeries(
            asset=spec.asset,
            expiry=spec.expiry - time,
            strikes=spec.strikes,
            future_tick=spec.tick,
            future_lot=spec.lot,
            option_tick=spec.tick,
            option_lot=spec.lot,
            future_open_interest_cap=MAX_OPEN_INTEREST,
            option_open_interest_cap=MAX_OPEN_INTEREST,
        )
        for name, spec in series.items()
    }


def _instruments(
    protocol: ProtocolSpec, series: Mapping[str, SeriesSpec], problems: Problems
) -> dict[str, Instrument]:
    found: dict[str, Instrument] = {}

    def add(key: str, one: Instrument) -> None:
        if one.name in found:
            problems.add(key, f'gives the name "{one.name}" a second time', "names that differ")
        found[one.name] = one

    for number, (name, market) in enumerate(protocol.markets.items(), start=1):
        kind = market_math.Kind.LINEAR_PERPETUAL
        add(
            f"protocol.markets.{name}",
            Instrument(name, number, kind, market.asset, market.tick, market.lot),
        )
    for number, (name, inverse) in zip(inverse_numbers(protocol), protocol.inverse.items(), strict=True):
        if inverse.collateral in protocol.collaterals:
            kind, asset = market_math.Kind.INVERSE_PERPETUAL, inverse_asset(protocol, inverse)
            add(f"protocol.inverse.{name}", Instrument(name, number, kind, asset, inverse.tick, inverse.lot))
    for number, (name, spec) in enumerate(series.items(), start=1):
        place, future = f"series.{name}", market_math.future(number)
        base = (spec.asset, spec.tick, spec.lot, name)
        add(place, Instrument(name, future, market_math.Kind.DATED_FUTURE, *base))
        for index, strike in enumerate(spec.strikes):
            for call in (True, False):
                option = market_math.option(number, index, call)
                text = PRICE_NANO.show(strike).removesuffix(" USD")
                title = f"{name}-{text}-{'C' if call else 'P'}"
                add(
                    f"{place}.strikes",
                    Instrument(title, option, market_math.Kind.OPTION, *base, strike, call),
                )
    return found


def _check_assets(portfolio: Portfolio, problems: Problems) -> None:
    bound, feeds = portfolio.protocol.oracle.max_spread, feed_numbers(portfolio.protocol)
    for symbol, asset in portfolio.assets.items():
        if symbol not in feeds:
            problems.add(f"assets.{symbol}", "not used", "an asset of a market, a series or a collateral")
        if asset.mark is not None and abs(asset.mark - asset.spot) * BPS > bound * asset.spot:
            problems.add(
                f"assets.{symbol}.mark",
                f'got "{PRICE_NANO.show(asset.mark)}"',
                f"a price within protocol.oracle.max_spread ({bound / 100:g} %) of spot",
            )


def _check_series(portfolio: Portfolio, key: str, series: SeriesSpec, problems: Problems) -> None:
    asset: AssetSpec | None = portfolio.assets.get(series.asset)
    now = portfolio.money.time
    if series.expiry <= now:
        problems.add(
            f"{key}.expiry",
            f"got {show_moment(series.expiry)}, which has expired",
            f"a time after portfolio.time, {show_moment(now)}",
        )
    elif asset is not None and series.forward is not None:
        if abs(series.forward - asset.spot) * BPS > MAX_DIFFERENCE * asset.spot:
            found = f'got "{PRICE_NANO.show(series.forward)}"'
            problems.add(f"{key}.forward", found, f"a price within {MAX_DIFFERENCE / 100:g} % of spot")
    _check_surface(portfolio, key, series, problems)


def _check_surface(portfolio: Portfolio, key: str, series: SeriesSpec, problems: Problems) -> None:
    if series.surface is not None and series.volatility is not None:
        problems.add(f"{key}.surface", "given beside volatility", "one of volatility and surface")
        return
    if series.surface is None and series.volatility is None:
        problems.add(f"{key}.volatility", "missing", 'a yearly rate such as "60 %/year", or a surface')
        return
    if series.volatility is not None:
        if not LOWEST_WAD <= series.volatility <= HIGHEST_WAD:
            found = f'got "{series.volatility / 10**16:g} %/year"'
            problems.add(f"{key}.volatility", found, 'from "0.1 %/year" up to "2400 %/year"')
        return
    params = surface_of(series, portfolio.money.time)
    try:
        svi.check(params)
    except ValueError as error:
        reason = str(error).removeprefix("svi: ")
        problems.add(
            f"{key}.surface",
            f"allows arbitrage or is no surface ({reason})",
            "b >= 0, |rho| < 1, sigma > 0, least variance above 0, b (1 + |rho|) <= 2",
        )
        return
    if (at := butterfly(params)) is not None:
        found = f"allows arbitrage by a butterfly, at a log-strike of {at:.2f}"
        problems.add(f"{key}.surface", found, "a density of prices that is nowhere negative")


def _check_calendar(portfolio: Portfolio, problems: Problems) -> None:
    """Series of one asset, each against the next one to expire."""
    now = portfolio.money.time
    for asset in portfolio.assets:
        of_asset = [(one.expiry, name) for name, one in portfolio.series.items() if one.asset == asset]
        for (_, near), (_, far) in pairwise(sorted(of_asset)):
            surfaces = [surface_of(portfolio.series[name], now) for name in (near, far)]
            if (at := calendar(*surfaces)) is not None:
                found = f"allows arbitrage by a calendar against {near}, at a log-strike of {at:.2f}"
                problems.add(f"series.{far}", found, "total variance that does not fall with expiry")


def _check_held(portfolio: Portfolio, problems: Problems) -> None:
    known = portfolio.instruments
    unit = 10 ** (18 - portfolio.protocol.cash.decimals)
    if portfolio.money.cash % unit:
        found = f'got "{USD_WAD.show(portfolio.money.cash)}"'
        problems.add("portfolio.cash", found, f"whole units of the cash token, {USD_WAD.show(unit)}")
    held: set[str] = set()
    for place, position in enumerate(portfolio.positions):
        key = f"positions[{place}]"
        one = known.get(position.instrument)
        if one is None:
            names = one_of(position.instrument, known)
            problems.add(f"{key}.instrument", f'unknown instrument "{position.instrument}"', names)
            continue
        if position.instrument in held:
            problems.add(
                f"{key}.instrument", f'"{position.instrument}" a second time', "each instrument once"
            )
        held.add(position.instrument)
        size, unit = position.size.amount, position.size.unit
        if unit != one.unit:
            found = f'got "{size / NANO:g} {unit}"'
            meant = "contracts in USD, as of an inverse perpetual" if one.inverse else "units of base"
            problems.add(f"{key}.size", found, f"{meant}, whole lots of {one.lot / NANO:g} {one.unit}")
        elif size == 0 or size % one.lot:
            found = f"got {size / NANO:g} {unit}"
            problems.add(
                f"{key}.size", found, f"a multiple of the lot, {one.lot / NANO:g} {unit}, other than 0"
            )
        if position.entry is not None and (position.entry <= 0 or position.entry % one.tick):
            found = f'got "{PRICE_NANO.show(position.entry)}"'
            problems.add(
                f"{key}.entry", found, f"a multiple of the tick, {PRICE_NANO.show(one.tick)}, above 0"
            )
    for place, amount in enumerate(portfolio.collaterals):
        key = f"collaterals[{place}]"
        tokens = portfolio.protocol.collaterals
        if amount.asset not in tokens:
            names = (
                one_of(amount.asset, tokens)
                if tokens
                else "a token of [protocol.collaterals], of which there are none"
            )
            problems.add(f"{key}.asset", f'unknown collateral "{amount.asset}"', names)
        elif amount.amount * 10 ** tokens[amount.asset].decimals % NANO:
            problems.add(f"{key}.amount", f"got {amount.amount / NANO:g}", "whole units of the token")
    for place, name in enumerate(portfolio.hedge.instruments):
        if name not in known:
            problems.add(f"hedge.instruments[{place}]", f'unknown instrument "{name}"', one_of(name, known))


def _check_correlations(portfolio: Portfolio, problems: Problems) -> None:
    """What is no matrix of correlations; whether it is positive semi-definite, `check_protocol` tells."""
    spec = portfolio.correlations
    known = _factors(portfolio.assets)
    for place, factor in enumerate(spec.factors):
        if factor not in known:
            problems.add(
                f"correlations.factors[{place}]", f'unknown factor "{factor}"', one_of(factor, known)
            )
        elif factor in spec.factors[:place]:
            problems.add(f"correlations.factors[{place}]", f'"{factor}" a second time', "each factor once")
    mistake = _mistake(spec)
    if mistake:
        problems.add("correlations.matrix", *mistake)


def _check_tails(portfolio: Portfolio, problems: Problems) -> None:
    spec = portfolio.tails
    for symbol, asset in portfolio.assets.items():
        for name in LAWS:
            try:
                law_of(name, asset.volatility / WAD, spec.shape)
            except ValueError as error:
                problems.add(
                    "tails",
                    f"no law of {symbol} with {name} has skewness {spec.skewness:g} and excess kurtosis "
                    f"{spec.excess_kurtosis:g} ({error})",
                    "excess_kurtosis above 5/3 skewness², and jumps often enough",
                )
                return


def _factors(assets: Mapping[str, AssetSpec]) -> tuple[str, ...]:
    return (*assets, *(f"{symbol}{VOLATILITY}" for symbol in assets))


def _mistake(spec: CorrelationSpec) -> tuple[str, str] | None:
    """What was found and what is expected of the matrix by itself."""
    size, rows = len(spec.factors), spec.matrix
    if len(rows) != size or any(len(row) != size for row in rows):
        return "not square", f"{size} rows of {size} numbers, as there are factors"
    pairs = [(i, j) for i in range(size) for j in range(i)]
    if any(rows[i][i] != 1 for i in range(size)) or any(abs(rows[i][j]) > 1 for i, j in pairs):
        return "not a correlation matrix", "1 on the diagonal, from -1 to 1 elsewhere"
    if any(rows[i][j] != rows[j][i] for i, j in pairs):
        return "not symmetric", "the same number above and below the diagonal"
    return None


def _pairs(spec: CorrelationSpec, assets: Mapping[str, AssetSpec]) -> tuple[FactorPair, ...]:
    """Entries below the diagonal, in whole basis points; none of a matrix that is wrong."""
    known = _factors(assets)
    if _mistake(spec) or any(factor not in known for factor in spec.factors):
        return ()
    return tuple(
        FactorPair(first=one, second=spec.factors[j], correlation=round(spec.matrix[i][j] * BPS))
        for i, one in enumerate(spec.factors)
        for j in range(i)
        if one != spec.factors[j]
    )


def _with_systems(
    protocol: ProtocolSpec, assets: Mapping[str, AssetSpec], correlations: CorrelationSpec
) -> ProtocolSpec:
    """Every margin system, with its defaults where the file has no section of it.

    Risk-based margin has the volatilities of the assets and the correlations of the file, unless its own
    section says otherwise.
    """
    risk = protocol.risk or RiskSpec()
    feeds = feed_numbers(protocol)
    own = {
        symbol: replace(risk.all_underlyings, volatility=asset.volatility)
        for symbol, asset in assets.items()
        if symbol in feeds
    }
    pairs = (*risk.correlations, *_pairs(correlations, assets))
    return replace(
        protocol,
        options=protocol.options or OptionsSpec(),
        portfolio=protocol.portfolio or PortfolioSpec(),
        risk=replace(risk, underlyings={**own, **risk.underlyings}, correlations=pairs),
        dynamic=protocol.dynamic or DynamicSpec(),
        credit=protocol.credit or CreditSpec(),
    )
