# SPDX-License-Identifier: Apache-2.0
"""What agents see of the credit desk: lenders' tranches, lines by account, rules. USD and shares of 1.

Imports: NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEFAULTED", "HALF_TIME", "JUNIOR", "NOTICE", "QUIET", "SENIOR", "CreditRules", "CreditView"]

JUNIOR: Final = 1
"""Tranche that loses first; numbered as on chain."""
SENIOR: Final = 2

QUIET: Final = 1
"""Stage of a call, of a line or for margin, numbered as on chain: none in force."""
NOTICE: Final = 2
"""Called: the use of a line is above its limit, or equity below initial margin."""
HALF_TIME: Final = 4
"""Reminded after half of the grace."""
DEFAULTED: Final = 8
"""No credit any more, still a guarantee."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CreditRules:
    """Parameters of CreditMargin and CreditDesk, as stored on chain."""

    share: float = 0.5
    """Part of a requirement that a line may stand for."""
    multiple: float = 2.0
    """Of own equity, what a line may stand for in initial margin."""
    use_rate: float = 0.08
    """A year, on what is used."""
    commitment_rate: float = 0.01
    """A year, on the rest of the commitment."""
    junior_income: float = 0.4
    subordination: float = 0.25
    """Junior assets, as a share of all lines."""
    grace: int = 86_400
    """Seconds from notice to default."""
    fee_period: int = 30 * 86_400
    max_term: int = 180 * 86_400


@dataclass(frozen=True, slots=True, eq=False)
class CreditView:
    """The desk. Row i of every account array is account i + 1."""

    rules: CreditRules
    assets: tuple[float, float]
    """Of the junior and the senior tranche, USD."""
    shares: tuple[float, float]
    """Whole shares outstanding, of both."""
    redeemable: tuple[float, float]
    """USD that all lenders of a tranche together can redeem now."""
    committed: float
    """What lenders can lose by all lines, USD."""
    open_calls: int
    """Lines that are called or in default; nobody redeems meanwhile."""
    share_decimals: int
    lent: Floats
    """(accounts, 2): whole shares of the owner in the junior and the senior tranche."""
    consents: Flags
    """On the credit engine, and its owner has made the desk a delegate: it may have a line."""
    granted: Floats
    """USD, what a line is to be."""
    commitment: Floats
    """USD, what lenders can lose by a line."""
    stage: Integers
    """QUIET, NOTICE, HALF_TIME or DEFAULTED; 0: no line."""
    called: Integers
    """Unix seconds of the notice; 0: none."""
    accrued: Integers
    """Unix seconds to which fees are counted: of the latest review or grant."""
    term: Integers
    """Unix seconds at which a line is called in."""
    risk: Floats
    """Initial margin of the base engine, USD: net portfolio risk as the engine measures it."""
    use: Floats
    """The part of it that own equity does not meet, USD."""
    limit: Floats
    """What a line may be used for now, USD."""
    purse: Floats
    """What a larger portfolio could lean on beside own equity: the line, at most the multiple of equity, USD;
    nothing while the line is called, lowered or over."""

    @property
    def share_values(self) -> tuple[float, float]:
        """USD of a whole share of each tranche; 0 without shares."""
        junior, senior = (
            held / shares if shares > 0 else 0.0
            for held, shares in zip(self.assets, self.shares, strict=True)
        )
        return junior, senior

    @property
    def lent_value(self) -> Floats:
        """What the owner of each account has lent, USD."""
        value: Floats = self.lent @ np.array(self.share_values)
        return value

    @property
    def yields(self) -> tuple[float, float]:
        """Fees that lines owe in a year at present use, over the assets of each tranche; 0 without assets."""
        rules = self.rules
        used = np.minimum(self.use, self.commitment)[self.stage != DEFAULTED].sum()
        idle = self.commitment[self.stage != DEFAULTED].sum() - used
        income = float(used) * rules.use_rate + float(idle) * rules.commitment_rate
        junior = rules.junior_income if self.shares[1] > 0 else 1.0
        parts = (income * junior, income * (1.0 - junior))
        first, second = (
            part / held if held > 0 else 0.0 for part, held in zip(parts, self.assets, strict=True)
        )
        return first, second
