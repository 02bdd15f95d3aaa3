# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Ledger, registry, fund and greeks in one that can be set, for unit tests of the SolvencyGuard
@license AGPL-3.0-only
"""

from contracts.interfaces import IGreeks
from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import ISolvencyGuard

FAILS: constant(String[32]) = "mock_exposure: told to fail"

feeds: HashMap[uint256, uint256]
greek_words: HashMap[uint256, uint256]
market_words: HashMap[uint256, uint256]
portfolios: HashMap[uint256, IMarginEngine.Portfolio]
positions: HashMap[uint256, HashMap[uint256, ILedger.Position]]
capacity: public(uint256)
decimals: public(uint8)
valid: bool
portfolio_fails: bool
greeks_fail: bool


@deploy
def __init__(decimals: uint8):
    self.decimals = decimals
    self.valid = True


@external
def set_feed(market: uint256, feed: uint256):
    self.feeds[market] = feed


@external
def set_greeks(market: uint256, word: uint256):
    self.greek_words[market] = word


@external
def set_word(market: uint256, word: uint256):
    self.market_words[market] = word


@external
def set_portfolio(account: uint256, portfolio: IMarginEngine.Portfolio):
    self.portfolios[account] = portfolio


@external
def set_position(account: uint256, market: uint256, position: ILedger.Position):
    self.positions[account][market] = position


@external
def set_capacity(capacity: uint256):
    self.capacity = capacity


@external
def set_valid(valid: bool):
    self.valid = valid


@external
def set_failing(portfolio: bool, greeks: bool):
    self.portfolio_fails = portfolio
    self.greeks_fail = greeks


@external
def trade(guard: ISolvencyGuard, account: uint256, trade: ISolvencyGuard.Trade) -> uint256:
    """
    @notice Asks a guard as the Exchange does.
    """
    return extcall guard.observe_trade(account, trade)


@external
def outflow(guard: ISolvencyGuard, account: uint256) -> uint256:
    """
    @notice Asks a guard as the Vault does.
    """
    return extcall guard.observe_outflow(account)


@external
@view
def asset() -> address:
    return self


@external
@view
def portfolio(account: uint256) -> (IMarginEngine.Portfolio, bool):
    assert not self.portfolio_fails, FAILS
    return self.portfolios[account], self.valid


@external
@view
def position(account: uint256, market: uint256) -> ILedger.Position:
    return self.positions[account][market]


@external
@view
def spec(market: uint256) -> IInstruments.MarketSpec:
    found: IInstruments.MarketSpec = empty(IInstruments.MarketSpec)
    found.feed = self.feeds[market]
    return found


@external
@view
def words(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    found: DynArray[uint256, 64] = []
    for market: uint256 in markets:
        found.append(self.market_words[market])
    return found


@external
@view
def greeks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    assert not self.greeks_fail, FAILS
    found: DynArray[uint256, 64] = []
    for market: uint256 in markets:
        found.append(self.greek_words[market])
    return found
