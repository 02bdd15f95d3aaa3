# SPDX-License-Identifier: Apache-2.0
"""Derive's published cases of standard margin as real accounts.

Prices and surfaces are signed, positions stand in the Ledger and coins in the Vault, marks come from the
RiskBoard through Instruments, and the account's engine is asked by the Ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from simulation.domain.market_math import option
from tests.differential.standard_margin_reference import StandardCase
from tests.differential.test_standard_margin import STANDARD
from tests.differential.vectors import standard
from tests.option_world import OptionWorld
from tests.protocol import NANO, WAD

BPS, FULL = 10_000, 10**8
ASSETS = ("ETH", "BTC")
STABLE = 3
SPARE = 10**9
"""USD of cash beside the case's own, so that positions may be opened at any price."""
LEAD = 86_400
WINDOW, GAP, YEAR = 1_800, 60, 365 * 86_400


def nano(amount: Decimal) -> int:
    return standard.nano(amount)


@cache
def _deployed() -> tuple[OptionWorld, Any]:
    world = OptionWorld()
    params = standard.PARAMS
    engine = world.contracts["CrossMargin"]
    engine.set_markets([1, 2], [astuple(standard.tiers(params))] * 2)
    engine.set_contingency(astuple(standard.contingency(params)))
    engine.set_options([1, 2], [astuple(standard.option_risk(params))] * 2)
    for feed in (1, 2, STABLE):
        world.oracle.set_feed(feed, (180, 5_000, FULL // 2, 0, 86_400, 1, 1, 2**72 - 1))
    for market in (1, 2):
        world.instruments.set_funding(market, 8, 0, 0)
        world.instruments.set_open_interest_cap(market, 10**15)
    world.vault.set_stable_feed(STABLE)
    world.feeds["USD"] = STABLE
    return world, world.env.snapshot()


@pytest.fixture
def world() -> Iterator[OptionWorld]:
    deployed, snapshot = _deployed()
    deployed.env.revert(snapshot)
    yield deployed


def sign_prices(world: OptionWorld, case: StandardCase, certain: bool) -> None:
    """Spot and mark of the case; in full confidence where positions are to be opened."""
    for asset, coin in zip(ASSETS, case.underlyings.values(), strict=True):
        confidence = min(coin.spot_confidence, coin.perp_confidence if coin.perp_size else Decimal(1))
        mark = coin.perp_mark if coin.perp_size else coin.spot
        world.price(asset, nano(coin.spot), nano(mark), FULL if certain else int(confidence * FULL))
    stable = NANO if certain else nano(case.stable)
    world.price("USD", stable, stable)


def opened(world: OptionWorld, case: StandardCase, numbers: dict[tuple[str, int], int]) -> int:
    """An account with the positions and coins of the case; options at no price, the premium is its cash."""
    account = world.account("trader", cash=float(case.cash) + SPARE)
    maker = world.account("maker", cash=SPARE)
    sizes: dict[int, tuple[int, int]] = {}
    for leg in case.legs:
        key = (leg.underlying, leg.seconds)
        place = standard.strikes(case, key).index(nano(leg.strike))
        market = option(numbers[key], place, leg.is_call)
        sizes[market] = (sizes.get(market, (0, 0))[0] + nano(leg.amount), 0)
    for place, coin in enumerate(case.underlyings.values(), 1):
        if coin.perp_size:
            entry = coin.perp_mark - coin.unrealised / coin.perp_size
            sizes[place] = (nano(coin.perp_size), nano(entry))
        if coin.base:
            haircut, scale = (Decimal(str(case.params["base"][key])) for key in ("marginFactor", "IMScale"))
            shares = (BPS - int(haircut * BPS), BPS - int(haircut * scale * BPS))
            world.vault.set_collateral(place, place, *shares, 2**100)
            decimals = world.token(place).decimals()
            world.deposit("trader", account, place, int(coin.base * 10**decimals))
    for market, (size, price) in sizes.items():
        world.match(account, maker, market, price, size)
    return account


def settle_in_part(
    world: OptionWorld, case: StandardCase, numbers: dict[tuple[str, int], int], start: int
) -> None:
    """Prices inside the settlement window whose average makes up the published forward."""
    settling = {key: series for key, series in case.series.items() if key[1] < WINDOW}
    if not settling:
        return
    [seconds] = {key[1] for key in settling}
    world.env.advance(start + seconds - WINDOW - world.env.timestamp)
    while world.env.timestamp < start:
        for key, series in settling.items():
            asset = ASSETS[list(case.underlyings).index(key[0])]
            variable = nano(case.underlyings[key[0]].spot) * seconds // WINDOW
            average = (nano(series.forward) - variable) * WINDOW // (WINDOW - seconds)
            world.price(asset, average, average)
        world.surface.accumulate([numbers[key] for key in settling])
        world.env.advance(min(GAP, start - world.env.timestamp))


def refresh(
    world: OptionWorld, case: StandardCase, numbers: dict[tuple[str, int], int], certain: bool
) -> None:
    svi = dict(zip(("a", "b", "rho", "m", "sigma"), (int(x * WAD) for x in case.surface), strict=True))
    for key, series in case.series.items():
        confidence = FULL if certain else int(series.confidence * FULL)
        spot = nano(case.underlyings[key[0]].spot)
        world.refresh(
            numbers[key],
            forward_difference=0 if key[1] < WINDOW else nano(series.forward) - spot,
            rate=0,
            **svi,
            reference_forward=nano(series.surface_forward),
            reference_tau=YEAR,
            forward_confidence=confidence,
            vol_confidence=confidence,
            rate_confidence=FULL,
        )


@pytest.mark.parametrize("name", STANDARD)
def test_an_account_has_the_published_margins(world: OptionWorld, name: str) -> None:
    case = STANDARD[name]
    start = world.env.timestamp + LEAD
    sign_prices(world, case, certain=True)
    numbers = {
        key: world.list_series(
            ASSETS[list(case.underlyings).index(key[0])], LEAD + key[1], standard.strikes(case, key)
        )
        for key in case.series
    }
    refresh(world, case, numbers, certain=True)
    account = opened(world, case, numbers)
    settle_in_part(world, case, numbers, start)
    world.env.advance(start - world.env.timestamp)
    sign_prices(world, case, certain=False)
    refresh(world, case, numbers, certain=False)
    assessment, _ = world.ledger.assess(account)
    equity = assessment.equity - SPARE * WAD
    standard.compare(case, (assessment.initial_margin, assessment.maintenance_margin, equity, 0))
