# SPDX-License-Identifier: Apache-2.0
"""Twin of contracts/math/deleverage_math.vy: who is deleveraged first, and at what price, in exact integers.

Sizes in nano base, prices in nano USD (so that size * price is wad USD), scores and ratios in wad.
Imports nothing.
"""

from __future__ import annotations

__all__ = [
    "MAX_PROFIT_RATIO",
    "bankruptcy_price",
    "contribution_down",
    "deficit_share_up",
    "score_down",
    "unrealised",
    "unrealised_inverse",
]

WAD = 10**18
MAX_PROFIT_RATIO = 2**96
"""Returns above 2**36 times the cost all rank alike."""


def unrealised(size: int, entry_price: int, mark: int, funding: int) -> int:
    """size * (mark - entry - funding) in wad, exact; `funding` in nano USD per unit base since settled."""
    return size * (mark - entry_price - funding)


def unrealised_inverse(size: int, coin: int, mark: int, funding: int) -> int:
    """coin * mark - size * (1 USD + funding) in wad, exact, of nano contracts and nano coin."""
    return coin * mark - size * (10**9 + funding)


def score_down(unrealised: int, size: int, entry_price: int, mark: int, equity: int) -> int:
    """Profit ratio times leverage in wad, rounded down after each; 0 for a loser. `equity` > 0."""
    if unrealised <= 0:
        return 0
    ratio = min(unrealised * WAD // max(size * entry_price, 1), MAX_PROFIT_RATIO)
    return ratio * size * mark // equity


def deficit_share_up(deficit: int, notional: int, total_notional: int) -> int:
    """The part of `deficit` that falls on one market by notional, wad, rounded up, never more than all."""
    if total_notional == 0:
        return 0
    return min(deficit, -(-deficit * notional // total_notional))


def contribution_down(deficit: int, closed: int, left: int, unrealised: int, size: int) -> int:
    """What a counterparty pays per unit for closing `closed` of its `size`, nano USD, rounded down.

    Its share closed / left of the deficit, at most its own profit on what it closes.
    """
    if unrealised <= 0:
        return 0
    return min(deficit * closed // left, unrealised * closed // size) // closed


def bankruptcy_price(mark: int, contribution: int, account_is_long: bool) -> int:
    """mark + contribution for a long account, mark - contribution (at least 0) for a short one; nano USD."""
    return mark + contribution if account_is_long else max(mark - contribution, 0)
