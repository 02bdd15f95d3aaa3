# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Who is deleveraged first, and at what price
@license AGPL-3.0-only
@notice Sizes in nano base, prices in nano USD, so that size * price is exact wad USD; scores and ratios in wad.
"""

from contracts.math import fixed_point

WAD: constant(uint256) = 10**18

# A return of 2**36 times the cost basis ranks first whatever lies above it: the bound keeps
# ratio * notional inside one word for every notional below 2**160.
MAX_PROFIT_RATIO: constant(uint256) = 2**96


@internal
@pure
def _unrealised(size: int256, entry_price: uint256, mark: uint256, funding: int256) -> int256:
    """
    @dev size * (mark - entry - funding), exact. `funding` is the index since the last settlement, nano USD.
    """
    return size * (convert(mark, int256) - convert(entry_price, int256) - funding)


@internal
@pure
def _unrealised_inverse(size: int256, coin: int256, mark: uint256, funding: int256) -> int256:
    """
    @dev coin * mark - size * (1 USD + funding), exact: an inverse position of nano contracts and nano coin.
    """
    return coin * convert(mark, int256) - size * (10**9 + funding)


@internal
@pure
def _score_down(unrealised: int256, size: uint256, entry_price: uint256, mark: uint256, equity: uint256) -> uint256:
    """
    @dev Profit ratio times leverage: unrealised / (size * entry) * (size * mark / equity), rounded down.
         A loser scores 0. `equity` must be positive. Of an inverse position entry and mark are one USD, what a
         contract is worth.
    """
    if unrealised <= 0:
        return 0
    cost: uint256 = max(size * entry_price, 1)
    ratio: uint256 = min(convert(unrealised, uint256) * WAD // cost, MAX_PROFIT_RATIO)
    return ratio * (size * mark) // equity


@internal
@pure
def _deficit_share_up(deficit: uint256, notional: uint256, total_notional: uint256) -> uint256:
    """
    @dev The part of the deficit that falls on one market, by notional, rounded up, so that the parts cover it
         all; the Liquidator never lets the sum of payments exceed the deficit.
    """
    if total_notional == 0:
        return 0
    return min(deficit, fixed_point._div_up(deficit * notional, total_notional))


@internal
@pure
def _contribution_down(deficit: uint256, closed: uint256, left: uint256, unrealised: int256, size: uint256) -> uint256:
    """
    @dev What a counterparty pays for closing `closed` of its `size` against an account that has `left` to
         close and `deficit` to cover: its share of the deficit, at most its own profit on what it closes.
         In nano USD per unit base, rounded down, so that the counterparty is never asked for more.
    """
    if unrealised <= 0:
        return 0
    share: uint256 = deficit * closed // left
    profit: uint256 = convert(unrealised, uint256) * closed // size
    return min(share, profit) // closed


@internal
@pure
def _bankruptcy_price(mark: uint256, contribution: uint256, account_is_long: bool) -> uint256:
    """
    @dev The price at which the account closes: above the mark for a long account, below it for a short one,
         by what the counterparty contributes per unit; never below 0.
    """
    if account_is_long:
        return mark + contribution
    return mark - min(mark, contribution)
