# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Feeds of markets, sensitivities of options and ticks that can be set, for unit tests of engines
@license AGPL-3.0-only
"""

from contracts.interfaces import IGreeks
from contracts.interfaces import IInstruments

implements: IGreeks

feeds: HashMap[uint256, uint256]
words: HashMap[uint256, uint256]
ticks: HashMap[uint256, uint256]


@external
def set_feed(market: uint256, feed: uint256):
    """
    @notice The feed that `spec` gives a market.
    """
    self.feeds[market] = feed


@external
def set_greeks(markets: DynArray[uint256, 64], words: DynArray[uint256, 64]):
    """
    @notice The words that `greeks` gives options.
    """
    for i: uint256 in range(len(markets), bound=64):
        self.words[markets[i]] = words[i]


@external
def set_tick(feed: uint256, tick: uint256):
    """
    @notice The word that `word` gives a feed.
    """
    self.ticks[feed] = tick


@external
@view
def word(feed: uint256) -> uint256:
    """
    @notice As IOracle.word.
    """
    return self.ticks[feed]


@external
@view
def spec(market: uint256) -> IInstruments.MarketSpec:
    """
    @notice As IInstruments.spec; only the feed is set.
    """
    found: IInstruments.MarketSpec = empty(IInstruments.MarketSpec)
    found.feed = self.feeds[market]
    return found


@external
@view
def greeks(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice As IGreeks.greeks.
    """
    found: DynArray[uint256, 64] = []
    for market: uint256 in markets:
        found.append(self.words[market])
    return found
