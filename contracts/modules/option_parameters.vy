# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Margin parameters of options and dated futures, by underlying
@license AGPL-3.0-only
@notice Two words to an underlying, in storage: a portfolio has few underlyings, and a change touches one.
        An underlying is a feed of the Oracle; a series says in its board which one is its own (IRiskBoard).
"""

from contracts.interfaces import IMarginEngine
from contracts.interfaces import IStandardOptions
from contracts.math import margin_math
from contracts.math import market_math
from contracts.modules import tiered_margin
from snekmate.auth import ownable

uses: ownable
uses: tiered_margin

ALREADY_WIRED: constant(String[40]) = "option_parameters: already wired"
LENGTH_MISMATCH: constant(String[40]) = "option_parameters: length mismatch"
BAD_FEED: constant(String[40]) = "option_parameters: feed out of range"
BAD_RATIO: constant(String[40]) = "option_parameters: ratio out of range"
BAD_CONFIDENCE: constant(String[40]) = "option_parameters: confidence too large"
NO_RISK_BOARD: constant(String[40]) = "option_parameters: no risk board"

BPS: constant(uint256) = 10_000
MAX_FEED: constant(uint256) = 255
MAX_POSITIONS: constant(uint256) = 64
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_28: constant(uint256) = 2**28 - 1

# Where a board keeps the word of its series: behind a STOP (IRiskBoard).
BOARD_HEAD: constant(uint256) = 1

interface Boards:
    def boards(series: DynArray[uint256, 64]) -> (address, DynArray[address, 64]): view

# An underlying without parameters is charged in full: all of spot and of the mark, all of the forward.
FULL_OPTION_CHARGE: constant(uint256) = (
    BPS
    | (BPS << 16)
    | (BPS << 32)
    | (BPS << 48)
    | (BPS << 64)
    | (BPS << 80)
    | (BPS << 96)
    | (BPS << 112)
)

# Answers `boards` as IRiskBoard describes it.
risk_board: public(address)

# Feed of the underlying -> risk word (option_margin_math).
option_risks: HashMap[uint256, uint256]

# Feed of the underlying -> risk entry of its futures (margin_math).
future_risks: HashMap[uint256, uint256]


@external
def wire(risk_board: address):
    """
    @notice Sets where boards are found, for good. Owner only, once.
    @param risk_board The RiskBoard.
    """
    ownable._check_owner()
    assert self.risk_board == empty(address), ALREADY_WIRED
    assert risk_board != empty(address), NO_RISK_BOARD
    self.risk_board = risk_board
    log IStandardOptions.RiskBoardWired(risk_board=risk_board)


# --- parameters


@external
@view
def option_risk(feed: uint256) -> IStandardOptions.OptionRisk:
    """
    @notice The parameters of the options of one underlying.
    @param feed The underlying's feed in the Oracle.
    @return All zero where none are set; such options are not permitted, and charged in full.
    """
    risk: uint256 = self.option_risks[feed]
    return IStandardOptions.OptionRisk(
        initial_spot=risk & MASK_16,
        least_initial_spot=(risk >> 16) & MASK_16,
        maintenance_call=(risk >> 32) & MASK_16,
        maintenance_put=(risk >> 48) & MASK_16,
        maintenance_put_mark=(risk >> 64) & MASK_16,
        put_offset=(risk >> 80) & MASK_16,
        initial_unpaired=(risk >> 96) & MASK_16,
        maintenance_unpaired=(risk >> 112) & MASK_16,
        confidence_threshold=(risk >> 128) & MASK_28,
        confidence_factor=risk >> 156,
    )


@external
@view
def future_risk(feed: uint256) -> IMarginEngine.MarketRisk:
    """
    @notice The parameters of the dated futures of one underlying.
    @param feed The underlying's feed in the Oracle.
    @return All zero where none are set; such futures are not permitted, and charged in full.
    """
    return tiered_margin._unpacked(self.future_risks[feed])


@external
def set_options(feeds: DynArray[uint256, 64], risks: DynArray[IStandardOptions.OptionRisk, 64]):
    """
    @notice Sets the parameters of the options of underlyings. Owner only.
    @param feeds Feeds of the underlyings, 1 to 255.
    @param risks Bounded: 0 < both maintenance shares of spot <= least initial share <= initial share <= 100 %, share of
           the mark at most 100 %, offset 1x to 6.5x, 1x <= maintenance <= initial multiple of unpaired calls
           <= 6.5x, threshold and factor of confidence at most 1x.
    """
    ownable._check_owner()
    assert len(feeds) == len(risks), LENGTH_MISMATCH
    for i: uint256 in range(len(feeds), bound=64):
        assert feeds[i] != 0 and feeds[i] <= MAX_FEED, BAD_FEED
        self.option_risks[feeds[i]] = self._checked(risks[i])
        log IStandardOptions.OptionRiskSet(feed=feeds[i], risk=risks[i])


@external
def set_futures(feeds: DynArray[uint256, 64], risks: DynArray[IMarginEngine.MarketRisk, 64]):
    """
    @notice Sets the parameters of the dated futures of underlyings. Owner only.
    @param feeds Feeds of the underlyings, 1 to 255.
    @param risks Bounded as those of perpetuals (`set_markets`).
    """
    ownable._check_owner()
    assert len(feeds) == len(risks), LENGTH_MISMATCH
    for i: uint256 in range(len(feeds), bound=64):
        assert feeds[i] != 0 and feeds[i] <= MAX_FEED, BAD_FEED
        self.future_risks[feeds[i]] = tiered_margin._checked_risk(risks[i])
        log IStandardOptions.FutureRiskSet(feed=feeds[i], risk=risks[i])


# --- internals


@internal
@view
def _permits(market: uint256) -> bool:
    """
    @dev Whether there are parameters for a market of any kind, and of a dated one a board that has its strike.
    """
    kind: uint256 = market_math._kind(market)
    if kind != market_math.DATED_FUTURE and kind != market_math.OPTION:
        return tiered_margin._has_risk(market)
    if self.risk_board == empty(address):
        return False
    grid: address = empty(address)
    boards: DynArray[address, MAX_POSITIONS] = []
    grid, boards = staticcall Boards(self.risk_board).boards([market_math._series(market)])
    if boards[0] == empty(address):
        return False
    word: uint256 = convert(slice(boards[0].code, BOARD_HEAD, 32), uint256)
    feed: uint256 = (word >> 72) & MASK_8
    if kind == market_math.DATED_FUTURE:
        return self.future_risks[feed] != 0
    return self.option_risks[feed] != 0 and market_math._strike_index(market) < (word >> 80) & MASK_8


@internal
@view
def _option_risk(feed: uint256) -> uint256:
    risk: uint256 = self.option_risks[feed]
    if risk == 0:
        return FULL_OPTION_CHARGE
    return risk


@internal
@pure
def _checked(risk: IStandardOptions.OptionRisk) -> uint256:
    assert risk.initial_spot <= BPS and risk.least_initial_spot <= risk.initial_spot, BAD_RATIO
    assert risk.maintenance_call != 0 and risk.maintenance_call <= risk.least_initial_spot, BAD_RATIO
    assert risk.maintenance_put != 0 and risk.maintenance_put <= risk.least_initial_spot, BAD_RATIO
    assert risk.maintenance_put_mark <= BPS, BAD_RATIO
    assert risk.put_offset >= BPS and risk.put_offset <= MASK_16, BAD_RATIO
    assert risk.maintenance_unpaired >= BPS, BAD_RATIO
    assert risk.initial_unpaired >= risk.maintenance_unpaired, BAD_RATIO
    assert risk.initial_unpaired <= MASK_16, BAD_RATIO
    assert risk.confidence_threshold <= margin_math.FULL_CONFIDENCE, BAD_CONFIDENCE
    assert risk.confidence_factor <= BPS, BAD_CONFIDENCE
    return (
        risk.initial_spot
        | (risk.least_initial_spot << 16)
        | (risk.maintenance_call << 32)
        | (risk.maintenance_put << 48)
        | (risk.maintenance_put_mark << 64)
        | (risk.put_offset << 80)
        | (risk.initial_unpaired << 96)
        | (risk.maintenance_unpaired << 112)
        | (risk.confidence_threshold << 128)
        | (risk.confidence_factor << 156)
    )
