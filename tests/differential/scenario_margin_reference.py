# SPDX-License-Identifier: Apache-2.0
"""Scenario margin in floats: the published formulas once more, to pin what the integers must mean.

Derive PMRM_2 (portfolio margin 2): value of every expiry under shocks of spot and volatility, dampened tails,
skew rotations, basis contingency, static discount, confidence, depeg, naked shorts and collateral haircuts.
Works on the dictionaries of a published case; USD, years, volatilities per year. For tests only: what the
contracts equal to the wei is simulation/domain/portfolio_math.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Result", "forward_parts", "scenario_margin", "svi_volatility"]

Case = Mapping[str, Any]
YEAR = 365 * 86_400
DAY = 86_400
WINDOW = 1_800


@dataclass(frozen=True, slots=True)
class Result:
    """Margins are numbers to be >= 0, as published: equity less the requirement."""

    initial: float
    maintenance: float
    mark_to_market: float
    option_value: float
    basis_contingency: float
    scenario_pnl: tuple[float, ...]


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _option(forward: float, strike: float, width: float, discount: float, is_call: bool) -> float:
    width = max(width, 1e-18)
    if width >= 24:
        call = forward * discount
    else:
        d1 = (width * width / 2 - math.log(strike / forward)) / width
        call = discount * (forward * _normal(d1) - strike * _normal(d1 - width))
    call = min(max(call, 0.0), forward * discount)
    return call if is_call else min(max(call + (strike - forward) * discount, 0.0), strike * discount)


def svi_volatility(svi: Mapping[str, float], strike: float) -> float:
    """Volatility of a strike on a raw SVI surface, log-moneyness bounded at four widths."""
    bound = 4 * math.sqrt(svi["a"] + svi["b"] * svi["sigma"])
    k = min(max(math.log(strike / svi["fwd"]), -bound), bound) - svi["m"]
    total = min(144.0, svi["a"] + svi["b"] * (math.hypot(k, svi["sigma"]) + svi["rho"] * k))
    return math.sqrt(total / svi["tau"])


def forward_parts(expiry: Mapping[str, Any]) -> tuple[float, float]:
    """(fixed, variable) parts of a given forward: inside the settlement window only the rest still moves."""
    variable = expiry["forward"] * min(1.0, expiry["sec"] / WINDOW)
    return expiry["forward"] - variable, variable


def _skew(params: Case, kind: str, strike: float, forward: float, tau: float) -> float:
    skew = params["skew"]
    root = math.sqrt(tau)
    k = math.log(strike / forward)
    if kind == "ABS":
        k = abs(k)
    cap = skew[f"{kind}_CBASE"] * root + skew[f"{kind}_SCALE_CAP"]
    width = root * skew["MIN_WIDTH_SCALE"] * (skew["VOL_PARAM_STATIC"] + root * skew["VOL_PARAM_SCALE"])
    slope = k * cap / max(skew["MIN_K_STAR"], width)
    return max(1 + (min(cap, slope) if k >= 0 else max(-cap, slope)), 0.0)


def _naked(options: Sequence[Case]) -> float:
    strikes: dict[float, float] = {}
    for option in options:
        strikes[option["strike"]] = strikes.get(option["strike"], 0.0) + option["amount"]
    return sum(max(0.0, -amount) for amount in strikes.values())


def scenario_margin(case: Case) -> Result:
    """Initial and maintenance margin of a published case, and what they are made of."""
    inputs, params = case["inputs"], case["params"]
    spot, perp, stable = inputs["spot"], inputs["perp"], inputs["stable"]
    vol, margin, other, basis = params["vol"], params["margin"], params["other"], params["basis"]
    moves = perp["size"] * perp["price"]
    for collateral in inputs["collaterals"]:
        if collateral["risk_cancelling"]:
            moves += collateral["amount"] * collateral["price"] / stable
    pnl = [0.0] * len(params["scenarios"])
    option_value = contingency = naked = confidence = 0.0
    common = min([inputs["spot_conf"]] + ([perp["conf"]] if perp["size"] else []))

    def charge(level: float, notional: float) -> float:
        return (1 - level) * other["CONF_MARGIN"] * notional if level < other["CONF_THRESHOLD"] else 0.0

    for expiry in inputs["expiries"]:
        options = [option for option in inputs["options"] if option["sec"] == expiry["sec"]]
        tau = expiry["sec"] / YEAR
        fixed, variable = forward_parts(expiry)
        rate = max(expiry["rate"], 0.0)
        discount = math.exp(-rate * tau)
        power = vol["SHORTTERMPOWER"] if expiry["sec"] <= 30 * DAY else vol["LONGTERMPOWER"]
        scale = (30 * DAY / max(expiry["sec"], vol["DTE_FLOOR"] * DAY)) ** power
        up, down = 1 + vol["VOLRANGEUP"] * scale, max(0.0, 1 - vol["VOLRANGEDOWN"] * scale)

        def value(
            shock: float,
            kind: str,
            options: Sequence[Case] = options,
            fixed: float = fixed,
            variable: float = variable,
            tau: float = tau,
            discount: float = discount,
            multipliers: Mapping[str, float] = {"None": 1.0, "Up": up, "Down": down},
        ) -> float:
            total = 0.0
            for option in options:
                forward = variable * shock + fixed
                if kind in multipliers:
                    level = option["mark_vol"] * multipliers[kind]
                    if kind == "Up":
                        level = max(level, vol["MIN_VOL_EVAL_SHOCKED"])
                else:
                    level = option["mark_vol"] * _skew(params, kind, option["strike"], forward, tau)
                total += option["amount"] * _option(
                    forward, option["strike"], level * math.sqrt(tau), discount, option["is_call"]
                )
            return total

        mark = value(1.0, "None")
        long = margin["BASE_STATIC_DISCOUNT"] * math.exp(
            -tau * (rate * margin["LONG_RATE_MULTSCALE"] + margin["LONG_RATE_ADDSCALE"])
        )
        short = min(
            1 / discount,
            margin["BASE_STATIC_DISCOUNT_NEG"]
            * math.exp(tau * (rate * margin["SHORT_RATE_MULTSCALE"] + margin["SHORT_RATE_ADDSCALE"])),
        )
        for place, scenario in enumerate(params["scenarios"]):
            shocked = value(scenario["spot_shock"], scenario["vol"])
            change = shocked * (long if shocked >= 0 else short) - mark
            pnl[place] += -abs(change) if scenario["vol"] in ("LINEAR", "ABS") else change
        worst = min(
            value(basis["SCENARIO_SPOT_UP"], "None") - mark,
            value(basis["SCENARIO_SPOT_DOWN"], "None") - mark,
            0.0,
        )
        contingency += worst * (basis["BASIS_CONT_ADD_FACTOR"] + basis["BASIS_CONT_MULT_FACTOR"] * tau)
        option_value += mark
        naked += _naked(options)
        level = min(common, expiry["forward_conf"], expiry["rate_conf"], expiry["vol_conf"])
        confidence += charge(level, spot * sum(abs(option["amount"]) for option in options))

    for place, scenario in enumerate(params["scenarios"]):
        pnl[place] = scenario["damp"] * (pnl[place] + moves * (scenario["spot_shock"] - 1))
    loss = min([contingency, *pnl])
    exposure = abs(perp["size"]) * spot
    confidence += charge(common, exposure)
    maintenance = exposure * other["MM_PERP_PERCENT"] + naked * spot * other["MM_OPTION_PERCENT"]
    extra = exposure * other["IM_PERP_PERCENT"] + naked * spot * other["IM_OPTION_PERCENT"] + confidence
    collateral_value = 0.0
    for collateral in inputs["collaterals"]:
        worth = collateral["amount"] * collateral["price"] / stable
        collateral_value += worth
        maintenance += worth * collateral["mm_haircut"]
        extra += worth * collateral["im_haircut_extra"]
        extra += charge(min(inputs["spot_conf"], collateral["conf"]), worth)
    marked = perp["unrealised_pnl"] + perp["unrealised_funding"] + option_value + collateral_value
    marked += inputs["cash"]
    peg = max(other["PEG_LOSS_THRESHOLD"] - stable, 0.0) * other["PEG_LOSS_FACTOR"]
    return Result(
        (margin["IM_LOSS_FACTOR"] + peg) * loss - maintenance - extra + marked,
        margin["MM_LOSS_FACTOR"] * loss - maintenance + marked,
        marked,
        option_value,
        contingency,
        tuple(pnl),
    )
