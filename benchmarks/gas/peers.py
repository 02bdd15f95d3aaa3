# SPDX-License-Identifier: Apache-2.0
"""Receipt gas of Derive v2 for the same operations, by number of positions, and the figures to reach.

Source: derivexyz/v2-core, its own contracts deployed and measured on a Cancun EVM, whole transactions at cold
storage, perpetual positions; for options the same, its scenario margin (PMRM 2) with 33 scenarios. Matching
happens off chain there, so a trade has no order book in it.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DERIVE", "DERIVE_OPTIONS", "REACH", "REACH_OPTIONS"]

DERIVE: Mapping[str, Mapping[int, int]] = {
    "Vault.create_account": {1: 81_187},
    "Vault.deposit cash": {1: 162_234, 8: 304_780, 32: 889_928, 64: 1_902_365},
    "Vault.withdraw cash": {1: 315_509, 8: 1_566_539, 16: 3_573_034, 32: 9_712_198, 64: 34_597_105},
    "Vault.transfer_cash": {1: 193_563},
    "Vault.accrue_interest": {1: 74_318},
    "Ledger.assess": {1: 185_082, 8: 1_348_431, 16: 3_239_711, 32: 9_102_367, 64: 33_264_065},
    "Ledger.settle": {1: 238_310, 8: 1_247_253, 16: 2_418_428, 32: 4_760_828, 64: 9_445_820},
    "Exchange.place trade": {1: 714_522, 8: 1_965_564, 16: 3_972_072, 32: 10_111_264, 64: 34_996_227},
    "Liquidator.start": {1: 571_792, 8: 2_209_636, 16: 4_645_432, 32: 11_594_918, 64: 37_929_919},
    "Liquidator.bid 10 %": {1: 726_194, 8: 4_101_999, 16: 8_524_167, 32: 19_446_813, 64: 53_729_807},
    "Liquidator.bid insolvent": {1: 810_003, 8: 4_182_460, 16: 8_601_501, 32: 19_517_893, 64: 53_779_931},
    "Oracle.update": {1: 47_696},
}

REACH: Mapping[tuple[str, int], int] = {
    ("Ledger.assess", 8): 150_000,
    ("Ledger.assess", 64): 700_000,
    ("Vault.deposit cash", 64): 100_000,
    ("Vault.withdraw cash", 16): 350_000,
    ("Exchange.place trade", 1): 450_000,
    ("Exchange.place trade", 32): 700_000,
    ("Exchange.place resting", 1): 160_000,
    ("Exchange.place resting, level was empty", 1): 160_000,
    ("Exchange.cancel", 1): 60_000,
    ("Liquidator.start and bid 10 %", 64): 6_000_000,
    ("Ledger.settle", 64): 1_500_000,
    ("Oracle.update", 1): 45_000,
}

PORTFOLIO_MARGIN_64 = "Ledger.check_outflow, portfolio margin, 64 options, 8 expiries"
PORTFOLIO_MARGIN_8 = "Ledger.check_outflow, portfolio margin, 8 options, 1 expiry"
STANDARD_64 = "Ledger.check_outflow, standard rules, 64 options, 8 expiries"
SETTLE_64 = "Ledger.settle_expired, 64 options, 1 expiry"
TRADE_64 = "Exchange.place trade, portfolio margin, taker with 64 options, 8 expiries"

DERIVE_OPTIONS: Mapping[str, int] = {
    PORTFOLIO_MARGIN_64: 23_146_609,
    PORTFOLIO_MARGIN_8: 3_213_454,
    STANDARD_64: 3_535_014,
    SETTLE_64: 5_128_061,
    TRADE_64: 23_759_771,
    "Surface.update": 203_383,
}

REACH_OPTIONS: Mapping[str, int] = {
    PORTFOLIO_MARGIN_64: 800_000,
    PORTFOLIO_MARGIN_8: 200_000,
    STANDARD_64: 700_000,
    SETTLE_64: 1_000_000,
    TRADE_64: 1_200_000,
}
