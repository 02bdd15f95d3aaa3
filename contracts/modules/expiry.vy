# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Settlement of positions in settled series
@license AGPL-3.0-only
@notice A position in a settled market is closed at its payoff, which is the mark that every margin check has seen since
        the series was settled: cash takes what was unrealised, equity does not change by a wei, and the
        requirement of the position is gone. One price serves both sides, so the payoffs of a market sum to zero
        exactly, whoever is settled when. Until all are, the books hold the difference:
            net_settled == sum(s * e) - sum(s * f) - sum over settled markets of payoff * sum(s)
        Accounts in liquidation are settled like others. An auction prices the account by equity and requirement,
        a slice carries its fraction of cash as well as of positions, and what bidders paid stays reserved:
        nothing of it can tell a position at its payoff from the cash that it became.
        All positions of an account in one series go together: one leg of a spread by itself would need more than
        the spread did, and a stranger could settle the other leg away to liquidate the account.
        Resting orders do not stand in the way: the position goes, the orders wait for anyone to purge them.
"""

from contracts.math import ledger_math
from contracts.modules import margin_check
from contracts.modules import position_ledger
from contracts.modules import trading

uses: margin_check
uses: position_ledger
uses: trading

NOT_SETTLED: constant(String[32]) = "ledger: market is not settled"
EXPIRED: constant(String[32]) = "ledger: market has expired"
SETTLED: constant(String[32]) = "ledger: market is settled"

MAX_POSITIONS: constant(uint256) = 64
# Bit of a market word (IInstruments).
SETTLED_BIT: constant(uint256) = 1 << 253


@external
@nonreentrant
def settle_expired(account: uint256, series: uint256) -> uint256:
    """
    @notice Closes the account's positions in a settled series at their payoff, all of them. Anyone, for any account,
            any number of times. Nothing here can be paused.
    @param series Number of the series; where the account has no position nothing happens.
    @return uint256 Positions closed.
    """
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    words: DynArray[uint256, MAX_POSITIONS] = staticcall margin_check.INSTRUMENTS.words(markets, skip_contract_check=True)
    before: int256 = staticcall margin_check.VAULT.cash(account)
    cash: int256 = before
    closed: uint256 = 0
    for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
        size: int256 = ledger_math._size(position_ledger._position(account, markets[i]))
        if size != 0 and markets[i] >> 8 == series:
            assert words[i] & SETTLED_BIT != 0, NOT_SETTLED
            logged: bool = False
            cash, logged = trading._settle_one(account, markets[i], size, 0, words[i], cash)
            position_ledger._count_open_interest(markets[i], size, 0)
            closed = unsafe_add(closed, 1)
    if closed != 0:
        trading._book(account, cash - before)
    return closed


@internal
@view
def _check_tradable(market: uint256):
    """
    @dev No fill and no order in a market that has expired. Perpetuals, below 256, never do.
    """
    if market >> 8 != 0:
        assert not staticcall margin_check.INSTRUMENTS.is_expired(market), EXPIRED


@internal
@pure
def _check_open(word: uint256):
    """
    @dev A settled position has its payoff: nobody stands to lose it to a deleveraging.
    """
    assert word & SETTLED_BIT == 0, SETTLED
