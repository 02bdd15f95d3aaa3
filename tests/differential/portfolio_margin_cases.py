# SPDX-License-Identifier: Apache-2.0
"""Published cases of Derive's portfolio margin (PMRM_2), cited; --vectors runs all of a folder."""

from __future__ import annotations

from typing import Any

from tests.published import published

__all__ = ["CASES"]


def _case(name: str, inputs: dict[str, Any], expected: dict[str, Any], **changes: Any) -> dict[str, Any]:
    params = {part: values | changes.get(part, {}) for part, values in PARAMS.items()}
    params["scenarios"] = [*SCENARIOS[:-1], SCENARIOS[-1] | {"damp": changes.get("abs_damp", 1.0)}]
    case: dict[str, Any] = published(name, {"inputs": inputs, "params": params, "expected": expected})
    return case


def _shocks(spot: float, *vols: str, damp: float = 1) -> list[dict[str, Any]]:
    return [{"spot_shock": spot, "vol": vol, "damp": damp} for vol in vols]


# derivexyz/v2-core test/risk-managers/unit-tests/PMRM_2/portfolio_cases
SCENARIOS = [
    *_shocks(1.18, "Up"),
    *(
        shock
        for spot in (1.135, 1.09, 1.045, 1, 0.955, 0.91, 0.865)
        for shock in _shocks(spot, "Down", "None", "Up")
    ),
    *_shocks(0.8200000000000001, "Up"),
    *_shocks(0.33999999999999997, "Up", damp=0.054545454545454536),
    *_shocks(0.6699999999999999, "Up", damp=0.10909090909090907),
    *_shocks(1.5, "Up", damp=0.072),
    *_shocks(2.0, "Up", damp=0.036),
    *_shocks(3.0, "Up", damp=0.018),
    *_shocks(4.0, "Up", damp=0.011999999999999999),
    *_shocks(1, "LINEAR", "ABS", damp=1.0),
]
PARAMS: dict[str, Any] = {
    "skew": {
        "LINEAR_SCALE_CAP": 0.15,
        "LINEAR_CBASE": -0.05,
        "ABS_SCALE_CAP": 0.15,
        "ABS_CBASE": -0.05,
        "MIN_K_STAR": 0.01,
        "MIN_WIDTH_SCALE": 4.0,
        "VOL_PARAM_STATIC": 0.6,
        "VOL_PARAM_SCALE": -0.1,
    },
    "vol": {
        "VOLRANGEUP": 0.5,
        "MIN_VOL_EVAL_SHOCKED": 0.45,
        "VOLRANGEDOWN": 0.275,
        "SHORTTERMPOWER": 0.3,
        "LONGTERMPOWER": 0.13,
        "DTE_FLOOR": 1.0,
    },
    "margin": {
        "MM_LOSS_FACTOR": 0.8,
        "IM_LOSS_FACTOR": 1.0,
        "SHORT_RATE_MULTSCALE": 0.5,
        "LONG_RATE_MULTSCALE": 1,
        "SHORT_RATE_ADDSCALE": 0.08,
        "LONG_RATE_ADDSCALE": 0.08,
        "BASE_STATIC_DISCOUNT": 0.95,
        "BASE_STATIC_DISCOUNT_NEG": 1.04,
    },
    "basis": {
        "SCENARIO_SPOT_UP": 1.045,
        "SCENARIO_SPOT_DOWN": 0.955,
        "BASIS_CONT_ADD_FACTOR": 0.5,
        "BASIS_CONT_MULT_FACTOR": 2.0,
    },
    "other": {
        "PEG_LOSS_THRESHOLD": 0.98,
        "PEG_LOSS_FACTOR": 2.0,
        "CONF_THRESHOLD": 0.55,
        "CONF_MARGIN": 1.0,
        "MM_PERP_PERCENT": 0.015,
        "IM_PERP_PERCENT": 0.005000000000000001,
        "MM_OPTION_PERCENT": 0.003,
        "IM_OPTION_PERCENT": 0.002,
    },
}

LONG_FLY = _case(
    "pm_21_structures_long_fly",
    {
        "cash": 0,
        "spot": 95_663.50604855,
        "spot_conf": 1.0,
        "stable": 1.00019088635,
        "perp": {"size": 0, "price": 0, "conf": 0, "unrealised_pnl": 0.0, "unrealised_funding": 0.0},
        "collaterals": [],
        "expiries": [
            {
                "sec": 1_399_652,
                "forward": 95_923.63240250274,
                "forward_conf": 1.0,
                "rate": 0.16999999999999998,
                "rate_conf": 1.0,
                "svi": {
                    "a": 0.001312702925407463,
                    "b": 0.05042221899772907,
                    "rho": -0.09819398954856266,
                    "m": -0.006080219757221094,
                    "sigma": 0.15345141996372913,
                    "fwd": 95_923.63240250274,
                    "tau": 0.04438419583968,
                },
                "vol_conf": 0.95,
            }
        ],
        "options": [
            {
                "sec": 1_399_652,
                "strike": 130_000.0,
                "is_call": True,
                "amount": 1.0,
                "mark_vol": 0.6229030840863986,
            },
            {
                "sec": 1_399_652,
                "strike": 135_000.0,
                "is_call": True,
                "amount": -2.0,
                "mark_vol": 0.6501102038102702,
            },
            {
                "sec": 1_399_652,
                "strike": 140_000.0,
                "is_call": True,
                "amount": 1.0,
                "mark_vol": 0.6757824627327845,
            },
        ],
    },
    {
        "IM": -956.6349558230115,
        "MM": -572.4161943757867,
        "mtm_total": 7.823790927612595,
        "option_mtm": 7.823790927612595,
        "collateral_mtm": 0.0,
        "basis_contingency": -3.0590739408721923,
        "scenario_pnl": [
            121.50507881966057,
            18.696632723857793,
            68.85444705502026,
            88.8628285432931,
            -0.3008134819740027,
            32.35387703282615,
            60.72309903322544,
            -6.1961814470028225,
            10.67241614600454,
            37.91412079063447,
            -7.564633329093995,
            -0.473203386365042,
            20.63410528829115,
            -7.794671865226167,
            -5.354695038665246,
            8.495459849927887,
            -7.821594777040102,
            -7.1405794017175435,
            0.671454425885198,
            -7.8236862651240555,
            -7.672983867428843,
            -3.8918207707688275,
            -6.254686435787477,
            -0.42675223058186185,
            -0.8532133435876571,
            24.207855666058446,
            6.700924618008238,
            -0.06695816455508433,
            -0.09348351717806075,
            -0.7044487052236938,
            -0.7044487052236938,
        ],
    },
)

LONG_CALL = _case(
    "pm_42_skews_abs_as_worst_case_simple",
    {
        "cash": 0,
        "spot": 2_681.6029850999994,
        "spot_conf": 1.0,
        "stable": 1.00019088635,
        "perp": {"size": 0, "price": 0, "conf": 0, "unrealised_pnl": 0.0, "unrealised_funding": 0.0},
        "collaterals": [],
        "expiries": [
            {
                "sec": 18_938_852,
                "forward": 2_801.18485249767,
                "forward_conf": 1.0,
                "rate": 0.29,
                "rate_conf": 1.0,
                "svi": {
                    "a": 0.051252167297758784,
                    "b": 0.2538269542407829,
                    "rho": -0.07902495377539873,
                    "m": -0.08327945878121795,
                    "sigma": 0.7906991394079592,
                    "fwd": 2_801.18485249767,
                    "tau": 0.60054921359716,
                },
                "vol_conf": 0.95,
            }
        ],
        "options": [
            {
                "sec": 18_938_852,
                "strike": 6_000.0,
                "is_call": True,
                "amount": 10.0,
                "mark_vol": 0.7390799803804741,
            }
        ],
    },
    {
        "IM": -2_529.3068592312366,
        "MM": -1_859.683585366735,
        "mtm_total": 818.8095100912717,
        "option_mtm": 818.8095100912717,
        "collateral_mtm": 0.0,
        "basis_contingency": -251.08370463202428,
        "scenario_pnl": [
            2_008.7420204564576,
            -373.00254106850684,
            230.6587195149575,
            1_724.6848453866626,
            -461.65239431078277,
            73.0569875234088,
            1_455.425242142663,
            -537.2089192364238,
            -69.00410264778077,
            1_201.2408967490026,
            -600.6911461068187,
            -195.92833974426833,
            962.3842965329934,
            -653.1810452979527,
            -308.2109525449986,
            739.0766477585414,
            -695.8074267173993,
            -406.4416731046629,
            531.5008666410729,
            -729.7268307686724,
            -491.30617879093865,
            339.79353771911155,
            164.0357345311105,
            -42.51017130890071,
            -33.49591073772754,
            318.80235595889843,
            338.1285094955498,
            400.4507564506451,
            448.01419582806176,
            -179.62673686809353,
            -3_348.1163693225085,
        ],
    },
    abs_damp=2,
    skew={"ABS_SCALE_CAP": 9.5, "MIN_WIDTH_SCALE": 4.9, "VOL_PARAM_STATIC": 3.5, "VOL_PARAM_SCALE": -0.3},
)

LOW_CONFIDENCE = _case(
    "pm_30_perps_basic_perp_low_confidence",
    {
        "cash": 0,
        "spot": 3_000.0,
        "spot_conf": 0.2,
        "stable": 1.00019088635,
        "perp": {
            "size": 1.0,
            "price": 2_500.0,
            "conf": 0.1,
            "unrealised_pnl": -600.0,
            "unrealised_funding": -10.0,
        },
        "collaterals": [],
        "expiries": [],
        "options": [],
    },
    {
        "IM": -3_820.0,
        "MM": -1_015.0,
        "mtm_total": -610.0,
        "option_mtm": 0.0,
        "collateral_mtm": 0.0,
        "basis_contingency": 0.0,
        "scenario_pnl": [
            450.0,
            337.5,
            337.5,
            337.5,
            225.00000000000045,
            225.00000000000045,
            225.00000000000045,
            112.5,
            112.5,
            112.5,
            0.0,
            0.0,
            0.0,
            -112.5,
            -112.5,
            -112.5,
            -225.0,
            -225.0,
            -225.0,
            -337.5,
            -337.5,
            -337.5,
            -450.0,
            -89.99999999999999,
            -90.00000000000001,
            90.0,
            90.0,
            90.0,
            89.99999999999999,
            0.0,
            0.0,
        ],
    },
)

CASES = {"long fly": LONG_FLY, "long call": LONG_CALL, "low confidence": LOW_CONFIDENCE}
