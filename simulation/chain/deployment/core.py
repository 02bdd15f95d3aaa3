# SPDX-License-Identifier: Apache-2.0
"""What every protocol has: tokens, oracle, perpetuals, the standard engines, vault, exchange, liquidator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulation.chain.deployment import credit
from simulation.chain.deployment.steps import Call, Deploy, Ref, Step
from simulation.config.scenario import (
    FutureSpec,
    InverseSpec,
    LiquidationSpec,
    MarketSpec,
    ProtocolSpec,
)
from simulation.domain.units import FULL_CONFIDENCE

__all__ = [
    "BATCH",
    "CONTINGENCY",
    "NOBODY",
    "VARIANCE_WINDOW",
    "feed_numbers",
    "inverse_asset",
    "inverse_numbers",
    "market_risk",
    "own_accounts",
    "steps",
]

BATCH = 64
"""Entries of a list in one call."""
CONTINGENCY = (FULL_CONFIDENCE // 2, 10_000, 990_000_000, 10_000)
"""IMarginEngine.Contingency of every engine that has one."""
VARIANCE_WINDOW = 86_400
"""Seconds: time constant of the oracle's EWMA variance, one day."""
NOBODY = "0x" + "00" * 20
MAX_UINT128 = 2**128 - 1
WAD = 10**18
BPS_TO_WAD = 10**14
LINEAR_PERPETUAL, INVERSE_PERPETUAL = 1, 2
"""IInstruments.Kind as flag values."""
FIRST_INVERSE = 128
CROSS = 1
"""Engine id of CrossMargin."""


def feed_numbers(protocol: ProtocolSpec) -> dict[str, int]:
    """Feed number of every asset that needs a price: markets first, then series, collaterals, from 1."""
    feeds: dict[str, int] = {}
    for market in protocol.markets.values():
        feeds.setdefault(market.asset, len(feeds) + 1)
    for series in protocol.series.values():
        feeds.setdefault(series.asset, len(feeds) + 1)
    for collateral in protocol.collaterals.values():
        feeds.setdefault(collateral.asset, len(feeds) + 1)
    return feeds


def steps(protocol: ProtocolSpec, guardian: str, signers: tuple[str, ...]) -> Iterator[Step]:
    """Everything from the cash token to the Lens; arguments as those of `plan`."""
    feeds = feed_numbers(protocol)
    yield Deploy("CashToken", "MockToken", _token(protocol.cash.symbol, protocol.cash.decimals))
    for symbol, collateral in protocol.collaterals.items():
        yield Deploy(f"Token:{symbol}", "MockToken", _token(symbol, collateral.decimals))

    yield Deploy("Oracle", "Oracle", (guardian,))
    for signer in signers:
        yield Call("Oracle", "set_signer", (signer, True))
    for feed in feeds.values():
        yield Call("Oracle", "set_feed", (feed, _feed(protocol)))

    yield Deploy("Instruments", "Instruments", (Ref("Oracle"), guardian))
    for market in protocol.markets.values():
        yield Call("Instruments", "list_market", _listing(market, feeds[market.asset]))

    for inverse in protocol.inverse.values():
        feed = feeds[inverse_asset(protocol, inverse)]
        yield Call("Instruments", "list_market", _listing(inverse, feed))

    numbers = (*range(1, len(protocol.markets) + 1), *inverse_numbers(protocol))
    perpetuals: list[MarketSpec | InverseSpec] = [*protocol.markets.values(), *protocol.inverse.values()]
    risks = tuple(market_risk(market) for market in perpetuals)
    for engine in ("CrossMargin", "IsolatedMargin"):
        yield Deploy(engine, engine, (CONTINGENCY,))
        for start in range(0, len(numbers), BATCH):
            end = start + BATCH
            yield Call(engine, "set_markets", (numbers[start:end], risks[start:end]))

    guard: Ref | str = NOBODY
    if protocol.solvency_guard is not None:
        guard = Ref("SolvencyGuard")
        yield Deploy("SolvencyGuard", "SolvencyGuard", (Ref("Instruments"),))
    yield Deploy("Vault", "Vault", (Ref("CashToken"), Ref("Oracle"), guardian, guard))
    yield Call("Vault", "register_engine", (Ref("CrossMargin"),))
    yield Call("Vault", "register_engine", (Ref("IsolatedMargin"),))
    interest = protocol.interest
    yield Call(
        "Vault",
        "set_interest",
        (
            interest.minimum,
            interest.slope,
            interest.high_slope,
            interest.optimal * BPS_TO_WAD,
            interest.reserve_fee * BPS_TO_WAD,
        ),
    )
    for symbol, collateral in protocol.collaterals.items():
        cap = min(collateral.cap * 10**collateral.decimals, MAX_UINT128)
        yield Call(
            "Vault",
            "list_collateral",
            (
                Ref(f"Token:{symbol}"),
                feeds[collateral.asset],
                collateral.maintenance_haircut,
                collateral.initial_haircut,
                cap,
            ),
        )

    coin_pool: Ref | str = NOBODY
    if protocol.inverse:
        coin_pool = Ref("CoinPool")
        yield Deploy("CoinPool", "CoinPool", (Ref("Vault"), Ref("Instruments")))
    yield Deploy("Ledger", "Ledger", (Ref("Vault"), Ref("Instruments"), guardian, coin_pool))
    yield Deploy(
        "Exchange",
        "Exchange",
        (Ref("Ledger"), Ref("Instruments"), guardian, protocol.fees.maker, protocol.fees.taker, guard),
    )
    yield Deploy("InsuranceFund", "InsuranceFund", (Ref("CashToken"), guardian))
    if protocol.credit is not None:
        yield from credit.desk(protocol.credit, guardian)
    yield Deploy(
        "Liquidator",
        "Liquidator",
        (
            Ref("Vault"),
            Ref("Ledger"),
            Ref("Instruments"),
            Ref("Exchange"),
            Ref("InsuranceFund"),
            NOBODY if protocol.credit is None else Ref("CreditDesk"),
        ),
    )
    yield Call("Liquidator", "set_parameters", (_auction(protocol.liquidation),))
    yield Call("Vault", "wire", (Ref("Ledger"), Ref("Liquidator"), Ref("InsuranceFund")))
    yield Call("Ledger", "wire", (Ref("Exchange"), Ref("Liquidator")))
    if protocol.inverse:
        yield Call("CoinPool", "wire", (Ref("Ledger"), CROSS))
        assets = list(protocol.collaterals)
        for number, inverse in zip(inverse_numbers(protocol), protocol.inverse.values(), strict=True):
            yield Call("CoinPool", "add_market", (number, assets.index(inverse.collateral) + 1))
    yield Call("Exchange", "wire", (Ref("Liquidator"),))
    yield Call("InsuranceFund", "wire", (Ref("Vault"), Ref("Liquidator")))
    yield Deploy(
        "Lens",
        "Lens",
        tuple(
            Ref(name)
            for name in (
                "Vault",
                "Ledger",
                "Instruments",
                "Oracle",
                "Exchange",
                "Liquidator",
                "InsuranceFund",
            )
        ),
    )


def _token(symbol: str, decimals: int) -> tuple[Any, ...]:
    return (symbol, symbol, decimals)


def _feed(protocol: ProtocolSpec) -> tuple[int, ...]:
    """IOracle.FeedConfig; jumps are left to the deviation bound and the signers' threshold."""
    oracle = protocol.oracle
    half = FULL_CONFIDENCE // 2
    return (oracle.heartbeat, oracle.max_spread, half, 0, VARIANCE_WINDOW, oracle.threshold, 1, 2**72 - 1)


def inverse_numbers(protocol: ProtocolSpec) -> range:
    """Market numbers of [protocol.inverse]."""
    return range(FIRST_INVERSE, FIRST_INVERSE + len(protocol.inverse))


def inverse_asset(protocol: ProtocolSpec, inverse: InverseSpec) -> str:
    """The asset whose price an inverse perpetual follows: that of its coin."""
    return protocol.collaterals[inverse.collateral].asset


def own_accounts(protocol: ProtocolSpec) -> int:
    """Accounts that the plan opens for contracts, before all others: that of the CoinPool."""
    return int(bool(protocol.inverse))


def _listing(market: MarketSpec | InverseSpec, feed: int) -> tuple[Any, ...]:
    funding = market.funding
    hours = max(1, round(funding.convergence / 3600))
    return (
        INVERSE_PERPETUAL if isinstance(market, InverseSpec) else LINEAR_PERPETUAL,
        feed,
        market.tick,
        market.lot,
        market.open_interest_cap,
        hours,
        funding.static_rate,
        funding.max_rate,
    )


def market_risk(market: MarketSpec | InverseSpec | FutureSpec) -> tuple[int, ...]:
    """IMarginEngine.MarketRisk: marginal rates over two notional bounds, from the tiers of the scenario."""
    tiers = market.tiers
    return (
        market.initial_margin,
        market.maintenance_margin,
        tiers.first_multiplier,
        tiers.second_multiplier,
        tiers.first_bound // WAD,
        tiers.second_bound // WAD,
    )


def _auction(spec: LiquidationSpec) -> tuple[int, ...]:
    """ILiquidator.Parameters."""
    return (
        spec.start_discount * BPS_TO_WAD,
        spec.cut_discount * BPS_TO_WAD,
        spec.fast,
        spec.slow,
        spec.insolvent,
        spec.buffer * BPS_TO_WAD,
        spec.fee * BPS_TO_WAD,
        spec.equity_cutoff,
        spec.reward_rate * BPS_TO_WAD,
        spec.reward,
        spec.grace,
        spec.window,
        spec.early_auction,
    )
