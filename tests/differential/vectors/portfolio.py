# SPDX-License-Identifier: Apache-2.0
"""Portfolio margin cases of Derive's PMRM_2, through Oracle, Surface, RiskBoard and PortfolioMargin.

Margins are published as equity less the requirement, without the bound at what can be lost. Tolerance: 1e-8
relative, and a nano USD for each unit of option held, because marks are in nano USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from simulation.domain import market_math
from tests.boards import FULL, NANO, PARAMETERS, VOL, WAD, Boards, Parameters, Shocks
from tests.evm import Contract

__all__ = ["NAMES", "Portfolio", "check", "deployed"]

NAMES = ("pm_*.json",)
YEAR = 365 * 86_400
WINDOW = 1_800
GAP = 60

Case = Mapping[str, Any]


def _scaled(value: float, unit: int) -> int:
    """The digits of a published number, in units; to the nearest."""
    return round(Fraction(repr(value)) * unit)


def wad(value: float) -> int:
    """A ratio or an amount of USD in wad."""
    return _scaled(value, WAD)


def nano(value: float) -> int:
    """A price or a size in nano units."""
    return _scaled(value, NANO)


def _bps(value: float) -> int:
    return _scaled(value, 10_000)


def _confidence(value: float) -> int:
    return _scaled(value, FULL)


def shocks(params: Case) -> Shocks:
    """The parameters of RiskBoard."""
    vol, skew, margin, basis = params["vol"], params["skew"], params["margin"], params["basis"]
    return Shocks(
        vol_up=wad(vol["VOLRANGEUP"]),
        vol_down=wad(vol["VOLRANGEDOWN"]),
        short_term_power=wad(vol["SHORTTERMPOWER"]),
        long_term_power=wad(vol["LONGTERMPOWER"]),
        time_floor=_scaled(vol["DTE_FLOOR"], 86_400),
        min_vol_up=wad(vol["MIN_VOL_EVAL_SHOCKED"]),
        linear_cap=wad(skew["LINEAR_SCALE_CAP"]),
        linear_cap_slope=wad(skew["LINEAR_CBASE"]),
        abs_cap=wad(skew["ABS_SCALE_CAP"]),
        abs_cap_slope=wad(skew["ABS_CBASE"]),
        min_width=wad(skew["MIN_K_STAR"]),
        width_scale=wad(skew["MIN_WIDTH_SCALE"]),
        width_static=wad(skew["VOL_PARAM_STATIC"]),
        width_slope=wad(skew["VOL_PARAM_SCALE"]),
        long_discount=wad(margin["BASE_STATIC_DISCOUNT"]),
        short_discount=wad(margin["BASE_STATIC_DISCOUNT_NEG"]),
        long_rate_scale=wad(margin["LONG_RATE_MULTSCALE"]),
        long_rate_add=wad(margin["LONG_RATE_ADDSCALE"]),
        short_rate_scale=wad(margin["SHORT_RATE_MULTSCALE"]),
        short_rate_add=wad(margin["SHORT_RATE_ADDSCALE"]),
        basis_up=wad(basis["SCENARIO_SPOT_UP"]),
        basis_down=wad(basis["SCENARIO_SPOT_DOWN"]),
        basis_add=wad(basis["BASIS_CONT_ADD_FACTOR"]),
        basis_multiple=wad(basis["BASIS_CONT_MULT_FACTOR"]),
    )


def parameters(params: Case, bounded: bool) -> Parameters:
    """The parameters of PortfolioMargin."""
    other, margin = params["other"], params["margin"]
    return replace(
        PARAMETERS,
        initial_loss=_bps(margin["IM_LOSS_FACTOR"]),
        maintenance_loss=_bps(margin["MM_LOSS_FACTOR"]),
        depeg_threshold=nano(other["PEG_LOSS_THRESHOLD"]),
        depeg_factor=_bps(other["PEG_LOSS_FACTOR"]),
        confidence_threshold=_confidence(other["CONF_THRESHOLD"]),
        confidence_factor=_bps(other["CONF_MARGIN"]),
        linear_maintenance=_bps(other["MM_PERP_PERCENT"]),
        linear_initial=_bps(other["IM_PERP_PERCENT"]),
        naked_maintenance=_bps(other["MM_OPTION_PERCENT"]),
        naked_initial=_bps(other["IM_OPTION_PERCENT"]),
        bounded=bounded,
    )


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A published case on deployed contracts."""

    engine: Contract
    row: tuple[Any, ...]
    option_value: float
    """USD."""
    places: tuple[int, ...]
    """Of each published scenario among the engine's."""
    gross: float
    """Units of options held."""


def _window(boards: Boards, expiry: int, price: int, until: int, series: int) -> None:
    """The settlement window up to `until` at one price."""
    boards.env.advance(expiry - WINDOW - boards.env.timestamp)
    while boards.env.timestamp < until:
        boards.price(price)
        boards.surface.accumulate([series])
        boards.env.advance(min(GAP, until - boards.env.timestamp))


def _listed(boards: Boards, case: Case) -> dict[int, int]:
    """Lists a series for each expiry, moves to the time of the case; series by seconds to expiry."""
    inputs = case["inputs"]
    spot = nano(inputs["spot"])
    perpetual = inputs["perp"]
    mark = nano(perpetual["price"]) if perpetual["size"] else spot
    confidences = [inputs["spot_conf"]] + ([perpetual["conf"]] if perpetual["size"] else [])
    start = boards.env.timestamp + 86_400
    found: dict[int, int] = {}
    for series, expiry in enumerate(inputs["expiries"], 1):
        seconds = expiry["sec"]
        found[seconds] = series
        strikes = sorted({nano(one["strike"]) for one in inputs["options"] if one["sec"] == seconds})
        boards.list_series(series, 1, start + seconds, strikes)
        if seconds < WINDOW:
            # What is fixed already is whatever makes up the published forward.
            elapsed = WINDOW - seconds
            variable = spot * seconds // WINDOW
            fixed = (nano(expiry["forward"]) - variable) * WINDOW // elapsed
            _window(boards, start + seconds, fixed, start, series)
    boards.env.advance(start - boards.env.timestamp)
    boards.price(spot, mark=mark, confidence=_confidence(min(confidences)))
    for series, expiry in enumerate(inputs["expiries"], 1):
        if not expiry["sec"]:
            boards.surface.finalise(series)
            continue
        svi = expiry["svi"]
        boards.push_surface(
            series,
            forward_difference=nano(expiry["forward"]) - spot if expiry["sec"] >= WINDOW else 0,
            rate=wad(expiry["rate"]),
            **{name: wad(svi[name]) for name in ("a", "b", "rho", "m", "sigma")},
            reference_forward=nano(svi["fwd"]),
            reference_tau=round(svi["tau"] * YEAR),
            forward_confidence=_confidence(expiry["forward_conf"]),
            vol_confidence=_confidence(expiry["vol_conf"]),
            rate_confidence=_confidence(expiry["rate_conf"]),
        )
    return found


def deployed(case: Case, bounded: bool = False) -> Portfolio:
    """Contracts with the parameters and prices of a case, and its portfolio."""
    inputs, params = case["inputs"], case["params"]
    grid = [(wad(one["spot_shock"]), VOL[one["vol"]], wad(one["damp"])) for one in params["scenarios"]]
    boards = Boards(grid, shocks(params), parameters(params, bounded), feeds=1, max_deviation=5_000)
    series = _listed(boards, case)
    for number in series.values():
        boards.board.refresh(number)

    spot = nano(inputs["spot"])
    positions = []
    value = 0
    for option in inputs["options"]:
        number = series[option["sec"]]
        strikes = sorted({nano(one["strike"]) for one in inputs["options"] if one["sec"] == option["sec"]})
        market = market_math.option(number, strikes.index(nano(option["strike"])), option["is_call"])
        size, mark = nano(option["amount"]), boards.mark(market)
        value += size * mark
        # What the option is worth is equity: its premium was paid out of the cash of the case.
        positions.append((market, size, mark, spot, FULL, size * mark, 0, 0))
    perpetual = inputs["perp"]
    if perpetual["size"]:
        boards.engine.set_market_feed(1, 1)
        confidence = _confidence(min(inputs["spot_conf"], perpetual["conf"]))
        unrealised = wad(perpetual["unrealised_pnl"]) + wad(perpetual["unrealised_funding"])
        positions.append(
            (1, nano(perpetual["size"]), nano(perpetual["price"]), spot, confidence, unrealised, 0, 0)
        )
    collaterals = []
    for asset, one in enumerate(inputs["collaterals"]):
        if one["risk_cancelling"]:
            boards.engine.set_asset_feed(asset, 1)
        worth = (
            Fraction(repr(one["amount"])) * Fraction(repr(one["price"])) / Fraction(repr(inputs["stable"]))
        )
        haircut = one["mm_haircut"] + one["im_haircut_extra"]
        collaterals.append(
            (
                asset,
                round(worth * WAD),
                _confidence(min(inputs["spot_conf"], one["conf"])),
                _bps(one["mm_haircut"]),
                _bps(round(haircut, 12)),
            )
        )
    plain = iter(range(31))
    places = tuple({3: 31, 4: 32}[kind] if kind > 2 else next(plain) for _, kind, _ in grid)
    return Portfolio(
        boards.engine,
        (wad(inputs["cash"]), nano(inputs["stable"]), positions, collaterals),
        value / WAD,
        places,
        sum(abs(one["amount"]) for one in inputs["options"]),
    )


def check(case: Case) -> None:
    """Asserts every expected number of a case."""
    expected = case["expected"]
    portfolio = deployed(case)
    found = portfolio.engine.assess(portfolio.row)
    profits = [profit / WAD for profit in portfolio.engine.profits(portfolio.row)]
    collateral = sum(one[1] for one in portfolio.row[3]) / WAD
    numbers = {
        "IM": (found.equity - found.initial_margin) / WAD,
        "MM": (found.equity - found.maintenance_margin) / WAD,
        "mtm_total": found.equity / WAD,
        "option_mtm": portfolio.option_value,
        "collateral_mtm": collateral,
        "basis_contingency": profits[33],
    }
    for name, value in numbers.items():
        _close(name, value, expected[name], portfolio.gross)
    assert len(expected["scenario_pnl"]) == len(portfolio.places)
    for number, (place, value) in enumerate(zip(portfolio.places, expected["scenario_pnl"], strict=True)):
        _close(f"scenario {number}", profits[place], value, portfolio.gross)


def _close(name: str, found: float, expected: float, gross: float) -> None:
    slack = 1e-8 * abs(expected) + 1e-9 * gross
    assert abs(found - expected) <= slack, f"{name}: {found!r}, published {expected!r}"
