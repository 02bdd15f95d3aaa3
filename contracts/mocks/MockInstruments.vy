# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A registry with one settable word per market, for unit tests of the Exchange
@license AGPL-3.0-only
"""

from contracts.interfaces import IInstruments

specs: HashMap[uint256, uint256]    # tick size uint96 | lot size uint96 | active uint8


@external
def list_market(market: uint256, tick_size: uint256, lot_size: uint256, active: bool):
    """
    @notice Sets everything the Exchange asks about a market; nano USD per tick, nano base per lot.
    """
    self.specs[market] = tick_size | (lot_size << 96) | (convert(active, uint256) << 192)


@external
@view
def is_active(market: uint256) -> bool:
    """
    @notice As IInstruments.is_active.
    """
    return self.specs[market] >> 192 != 0


@external
@view
def spec(market: uint256) -> IInstruments.MarketSpec:
    """
    @notice As IInstruments.spec; an unlisted market is empty.
    """
    word: uint256 = self.specs[market]
    return IInstruments.MarketSpec(
        kind=IInstruments.Kind.LINEAR_PERPETUAL,
        feed=market,
        tick_size=word & (2**96 - 1),
        lot_size=(word >> 96) & (2**96 - 1),
        max_open_interest=max_value(uint256),
        active=word >> 192 != 0,
    )
