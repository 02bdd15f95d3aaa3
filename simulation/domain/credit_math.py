# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/credit_math.vy and engines/CreditMargin.vy: what a line stands for, costs and loses.

Money is wad USD or token units as named, shares of margin and equity bps, rates wad per year of 365 days.
Credit is rounded down, fees up. May import nothing but domain modules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulation.domain.margin_math import Assessment, Term

__all__ = [
    "Line",
    "assess",
    "assets_down",
    "cap_down",
    "explain",
    "fee_up",
    "first_loss_up",
    "shares_down",
    "use",
]

BPS = 10_000
WAD = 10**18
SECONDS_PER_YEAR = 365 * 86_400
VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1


@dataclass(frozen=True, slots=True)
class Line:
    """The last collateral of a portfolio on CreditMargin."""

    value: int = 0
    """Wad USD."""
    initial_haircut: int = 0
    """Bps of it that do not count for initial margin."""


def use(margin: int, equity: int) -> int:
    """The part of an initial margin (wad) that own equity (wad, signed) does not meet."""
    return max(margin - equity, 0)


def cap_down(margin: int, equity: int, share: int, multiple: int) -> int:
    """The most that any line may stand for in an initial margin, wad."""
    return min(margin * share // BPS, max(equity, 0) * multiple // BPS)


def assess(base: Assessment, line: Line, share: int, multiple: int) -> Assessment:
    """What the base engine asks for, less what the line stands for; equity stays."""
    initial = line.value * (BPS - line.initial_haircut) // BPS
    return replace(
        base,
        initial_margin=base.initial_margin
        - min(initial, cap_down(base.initial_margin, base.equity, share, multiple)),
        maintenance_margin=base.maintenance_margin - min(line.value, base.maintenance_margin * share // BPS),
    )


def explain(terms: list[Term], base: Assessment, found: Assessment) -> list[Term]:
    """The base engine's terms, the first of them paid by what `found` lacks to `base`."""
    initial = base.initial_margin - found.initial_margin
    maintenance = base.maintenance_margin - found.maintenance_margin
    paid = []
    for term in terms:
        first, second = min(initial, term.initial_margin), min(maintenance, term.maintenance_margin)
        initial, maintenance = initial - first, maintenance - second
        paid.append(
            replace(
                term,
                initial_margin=term.initial_margin - first,
                maintenance_margin=term.maintenance_margin - second,
            )
        )
    return paid


def fee_up(used: int, idle: int, use_rate: int, commitment_rate: int, elapsed: int) -> int:
    """Simple interest on what is used and on what is kept ready, wad."""
    return -(-(used * use_rate + idle * commitment_rate) * elapsed // (WAD * SECONDS_PER_YEAR))


def shares_down(assets: int, supply: int, total: int) -> int:
    """Shares for token units."""
    return assets * (supply + VIRTUAL_SHARES) // (total + VIRTUAL_ASSETS)


def assets_down(shares: int, supply: int, total: int) -> int:
    """Token units for shares."""
    return shares * (total + VIRTUAL_ASSETS) // (supply + VIRTUAL_SHARES)


def first_loss_up(committed: int, subordination: int) -> int:
    """Token units of junior assets that lines of `committed` token units ask for."""
    return -(-committed * subordination // BPS)
