# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Records of a SolvencyGuard and their totals
@license AGPL-3.0-only
@notice What each account contributes by underlying, the sums by underlying and side, and the parameters. Nano USD and bps;
        underlyings have places from 1, which they keep.
"""

from contracts.interfaces import ISolvencyGuard
from contracts.math import solvency_math
from contracts.modules import exposures

BAD_MODE: constant(String[40]) = "solvency_guard: one mode"
BAD_RATE: constant(String[40]) = "solvency_guard: rate out of bound"
BAD_SHARE: constant(String[40]) = "solvency_guard: shares above 100 %"

# Places of underlyings count from 1; exposures has a line for each and line 0 for what belongs to none.
LINES: constant(uint256) = exposures.LINES
BPS: constant(uint256) = solvency_math.BPS
NANO: constant(uint256) = solvency_math.NANO
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_112: constant(uint256) = 2**112 - 1
MASK_128: constant(uint256) = 2**128 - 1
# `places`: 256 perpetuals, 256 series, 32 collaterals, a byte each.
SERIES_WORD: constant(uint256) = 8
COLLATERAL_WORD: constant(uint256) = 16
MAX_COLLATERAL: constant(uint256) = 31

struct Measure:
    owed: uint256                   # nano USD
    sides: uint256[LINES]           # by place, nano USD: long | short << 128

# mode 8 | rate 16 | number of underlyings 8 | owed by all 112, nano USD
settings: uint256
# feed of the underlying at place p: 16 bits from 16 * (p - 1)
feeds: uint256
place_of_feed: HashMap[uint256, uint256]
# by place: long 112 | short 112 | stress 16 | share 16; nano USD, bps
totals: uint256[LINES]
places: uint256[17]
# account -> owed 80 | bitmap of the places where it has a record, from bit 80
heads: HashMap[uint256, uint256]
# account << 8 | place -> long | short << 128, nano USD
records: HashMap[uint256, uint256]


@internal
def _record(account: uint256, after: Measure):
    """
    @dev Replaces the account's record and moves the totals by the difference.
    """
    head: uint256 = self.heads[account]
    bitmap: uint256 = 0
    for i: uint256 in range(1, self._end(), bound=LINES):
        key: uint256 = (account << 8) | i
        old: uint256 = 0
        if (head >> (80 + i)) & 1 == 1:
            old = self.records[key]
        new: uint256 = after.sides[i]
        if new != 0:
            bitmap |= 1 << i
        if new == old:
            continue
        self.records[key] = new
        word: uint256 = self.totals[i]
        long: uint256 = (word & MASK_112) - (old & MASK_128) + (new & MASK_128)
        short: uint256 = ((word >> 112) & MASK_112) - (old >> 128) + (new >> 128)
        self.totals[i] = long | (short << 112) | (word >> 224 << 224)
        log ISolvencyGuard.ContributionChanged(
            account=account,
            feed=self._feed_at(i),
            long=(new & MASK_128) * NANO,
            short=(new >> 128) * NANO,
            total_long=long * NANO,
            total_short=short * NANO,
        )
    owed: uint256 = head & MASK_80
    if after.owed != owed:
        settings: uint256 = self.settings
        total: uint256 = (settings >> 32) - owed + after.owed
        self.settings = (settings & MASK_32) | (total << 32)
        log ISolvencyGuard.OwedChanged(account=account, owed=after.owed * NANO, total=total * NANO)
    now: uint256 = after.owed | (bitmap << 80)
    if now != head:
        self.heads[account] = now


@internal
@view
def _recorded(account: uint256) -> Measure:
    found: Measure = empty(Measure)
    head: uint256 = self.heads[account]
    found.owed = head & MASK_80
    if head >> 80 != 0:
        for i: uint256 in range(1, self._end(), bound=LINES):
            if (head >> (80 + i)) & 1 == 1:
                found.sides[i] = self.records[(account << 8) | i]
    return found


@internal
@view
def _listed(found: Measure) -> DynArray[ISolvencyGuard.Contribution, 16]:
    contributions: DynArray[ISolvencyGuard.Contribution, 16] = []
    for i: uint256 in range(1, self._end(), bound=LINES):
        if found.sides[i] != 0:
            contributions.append(
                ISolvencyGuard.Contribution(
                    feed=self._feed_at(i),
                    long=(found.sides[i] & MASK_128) * NANO,
                    short=(found.sides[i] >> 128) * NANO,
                )
            )
    return contributions


@internal
def _set_mode(mode: ISolvencyGuard.Mode, rate: uint256):
    number: uint256 = convert(mode, uint256)
    assert number != 0 and number & (number - 1) == 0, BAD_MODE
    assert rate <= BPS, BAD_RATE
    self.settings = (self.settings >> 24 << 24) | number | (rate << 8)
    log ISolvencyGuard.ModeSet(mode=number, rate=rate)


@internal
def _set_underlying(feed: uint256, place: uint256, stress: uint256, share: uint256):
    assert share <= BPS, BAD_SHARE
    self.totals[place] = (self.totals[place] & (2**224 - 1)) | (stress << 224) | (share << 240)
    log ISolvencyGuard.UnderlyingSet(feed=feed, stress=stress, share=share)


@internal
def _set_place(at: uint256, place: uint256):
    bit: uint256 = 8 * (at & 31)
    word: uint256 = at >> 5
    self.places[word] = (self.places[word] & ~(MASK_8 << bit)) | (place << bit)


@internal
@view
def _place_of(market: uint256) -> uint256:
    at: uint256 = market
    if market > MASK_8:
        at = 32 * SERIES_WORD + (market >> 8)
    return (self.places[at >> 5] >> (8 * (at & 31))) & MASK_8


@internal
@view
def _place_of_collateral(asset: uint256) -> uint256:
    return (self.places[COLLATERAL_WORD] >> (8 * min(asset, MAX_COLLATERAL))) & MASK_8


@internal
@view
def _end() -> uint256:
    """
    @dev Places count from 1 up to here.
    """
    return ((self.settings >> 24) & MASK_8) + 1


@internal
@view
def _feed_at(place: uint256) -> uint256:
    return (self.feeds >> (16 * (place - 1))) & MASK_16

