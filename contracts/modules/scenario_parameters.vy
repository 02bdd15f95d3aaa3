# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Parameters of a scenario margin
@license AGPL-3.0-only
@notice Factors and contingencies in one word (portfolio_math), the underlying of each perpetual and of each collateral that
        cancels risk. An underlying is a feed of the Oracle; that of a series stands in its board (IRiskBoard).
"""

from contracts.interfaces import IRiskBoard
from contracts.math import market_math
from contracts.math import portfolio_math

BAD_PARAMETERS: constant(String[40]) = "portfolio_margin: bad parameters"
FEED_IS_SET: constant(String[40]) = "portfolio_margin: feed is set"
OUT_OF_RANGE: constant(String[40]) = portfolio_math.OUT_OF_RANGE

MAX_POSITIONS: constant(uint256) = 64
MAX_RATIO: constant(uint256) = 50_000
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1
MASK_32: constant(uint256) = 2**32 - 1
BPS: constant(uint256) = portfolio_math.BPS
FULL: constant(uint256) = portfolio_math.FULL
NANO: constant(uint256) = portfolio_math.NANO
BOUNDED_BIT: constant(uint256) = portfolio_math.BOUNDED_BIT

struct Parameters:
    initial_loss: uint256           # bps of the loss in the worst scenario, >= maintenance_loss
    maintenance_loss: uint256
    depeg_threshold: uint256        # nano USD
    depeg_factor: uint256           # bps
    confidence_threshold: uint256   # 1e-8
    confidence_factor: uint256      # bps
    linear_maintenance: uint256     # bps of notional at spot, perpetuals and futures
    linear_initial: uint256         # bps on top of it in initial margin
    naked_maintenance: uint256      # bps of notional at spot, naked short options
    naked_initial: uint256          # bps on top of it in initial margin
    bounded: bool                   # requirements held at the most that can be lost

event ParametersSet:
    parameters: Parameters

event MarketFeedSet:
    market: indexed(uint256)
    feed: uint256

event AssetFeedSet:
    asset: indexed(uint256)
    feed: uint256

RISK_BOARD: public(immutable(IRiskBoard))

_parameters: uint256
# 8 bits for each, 32 to a word
_market_feeds: uint256[8]
_asset_feeds: uint256


@deploy
def __init__(board: address, parameters: Parameters):
    RISK_BOARD = IRiskBoard(board)
    self._set_parameters(parameters)


@external
@view
def parameters() -> Parameters:
    """
    @notice The parameters in force.
    @return Ratios in bps, the depeg threshold in nano USD, that of confidence in 1e-8.
    """
    packed: uint256 = self._parameters
    return Parameters(
        initial_loss=packed & MASK_16,
        maintenance_loss=(packed >> 16) & MASK_16,
        depeg_threshold=(packed >> 128) & MASK_32,
        depeg_factor=(packed >> 32) & MASK_16,
        confidence_threshold=(packed >> 160) & MASK_28,
        confidence_factor=(packed >> 48) & MASK_16,
        linear_maintenance=(packed >> 64) & MASK_16,
        linear_initial=(packed >> 80) & MASK_16,
        naked_maintenance=(packed >> 96) & MASK_16,
        naked_initial=(packed >> 112) & MASK_16,
        bounded=packed >> BOUNDED_BIT != 0,
    )


@external
@view
def market_feed(market: uint256) -> uint256:
    """
    @notice The underlying of a perpetual.
    @param market 1 to 255.
    @return Number of the oracle's feed; 0 where none is set.
    """
    assert market < market_math.FIRST_DATED, OUT_OF_RANGE
    return self._feed(market)


@external
@view
def asset_feed(asset: uint256) -> uint256:
    """
    @notice The underlying whose risk a collateral cancels.
    @param asset 0 to 31.
    @return Number of the oracle's feed; 0 where it cancels none.
    """
    assert asset < 32, OUT_OF_RANGE
    return (self._asset_feeds >> (8 * asset)) & MASK_8


@internal
@view
def _feed(market: uint256) -> uint256:
    return (self._market_feeds[market >> 5] >> unsafe_mul(8, market & 31)) & MASK_8


@internal
@view
def _permits(market: uint256) -> bool:
    if market == 0 or market > market_math.MAX_MARKET:
        return False
    if market < market_math.FIRST_DATED:
        return self._feed(market) != 0
    grid: address = empty(address)
    boards: DynArray[address, MAX_POSITIONS] = []
    grid, boards = staticcall RISK_BOARD.boards([market >> 8])
    if boards[0] == empty(address):
        return False
    count: uint256 = (convert(slice(boards[0].code, 1, 32), uint256) >> 80) & MASK_8
    return market & MASK_8 == 0 or unsafe_sub(market & MASK_8, 1) >> 1 < count


@internal
def _set_parameters(parameters: Parameters):
    assert parameters.initial_loss <= MAX_RATIO and parameters.maintenance_loss <= parameters.initial_loss, BAD_PARAMETERS
    assert parameters.depeg_threshold <= NANO and parameters.depeg_factor <= MAX_RATIO, BAD_PARAMETERS
    assert parameters.confidence_threshold <= FULL and parameters.confidence_factor <= MAX_RATIO, BAD_PARAMETERS
    assert max(parameters.linear_maintenance, parameters.linear_initial) <= BPS, BAD_PARAMETERS
    assert max(parameters.naked_maintenance, parameters.naked_initial) <= BPS, BAD_PARAMETERS
    self._parameters = (
        parameters.initial_loss
        | (parameters.maintenance_loss << 16)
        | (parameters.depeg_factor << 32)
        | (parameters.confidence_factor << 48)
        | (parameters.linear_maintenance << 64)
        | (parameters.linear_initial << 80)
        | (parameters.naked_maintenance << 96)
        | (parameters.naked_initial << 112)
        | (parameters.depeg_threshold << 128)
        | (parameters.confidence_threshold << 160)
        | (convert(parameters.bounded, uint256) << BOUNDED_BIT)
    )
    log ParametersSet(parameters=parameters)


@internal
def _set_market_feed(market: uint256, feed: uint256):
    assert market != 0 and market < market_math.FIRST_DATED and feed != 0 and feed <= MASK_8, OUT_OF_RANGE
    assert self._feed(market) == 0, FEED_IS_SET
    self._market_feeds[market >> 5] |= feed << (8 * (market & 31))
    log MarketFeedSet(market=market, feed=feed)


@internal
def _set_asset_feed(asset: uint256, feed: uint256):
    assert asset < 32 and feed <= MASK_8, OUT_OF_RANGE
    self._asset_feeds = (self._asset_feeds & ~(MASK_8 << (8 * asset))) | (feed << (8 * asset))
    log AssetFeedSet(asset=asset, feed=feed)
