# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Positions, resting-order totals, market lists, open interest
@license AGPL-3.0-only
@notice A position is one word (contracts/math/ledger_math.vy). A market is in an account's list while it holds a position
        or resting orders there. The list starts in the header word, sixteen market ids to a word from
        then on; each position knows its place, so that listing and delisting touch one word.
"""

from contracts.math import ledger_math

MAX_POSITIONS: constant(uint256) = 64
MASK_16: constant(uint256) = 2**16 - 1
MASK_128: constant(uint256) = 2**128 - 1

TOO_MANY_POSITIONS: constant(String[32]) = "ledger: too many positions"
ORDERS_OUT_OF_RANGE: constant(String[32]) = "ledger: orders out of range"

headers: HashMap[uint256, uint256]          # account -> header word
lists: HashMap[uint256, uint256]            # account << 8 | k -> sixteen market ids, k >= 1
positions: HashMap[uint256, uint256]        # account << 16 | market -> position word
orders: HashMap[uint256, uint256]           # account << 16 | market -> bids uint128 | asks uint128, nano base
open_interest: HashMap[uint256, uint256]    # market -> nano base, one side


@internal
@view
def _position(account: uint256, market: uint256) -> uint256:
    return self.positions[(account << 16) | market]


@internal
@view
def _orders(account: uint256, market: uint256, position: uint256) -> (uint256, uint256):
    """
    @return (bids, asks), nano base
    """
    if position & (ledger_math.HAS_ORDERS << 248) == 0:
        return 0, 0
    word: uint256 = self.orders[(account << 16) | market]
    return word & MASK_128, word >> 128


@internal
@view
def _markets(account: uint256, header: uint256) -> DynArray[uint256, MAX_POSITIONS]:
    markets: DynArray[uint256, MAX_POSITIONS] = []
    word: uint256 = header >> 16
    for i: uint256 in range(ledger_math._listed(header), bound=MAX_POSITIONS):
        # The header counts as place 0 of the first word, so id i sits at place i + 1.
        place: uint256 = unsafe_add(i, 1)
        if place & 15 == 0:
            word = self.lists[(account << 8) | (place >> 4)]
        markets.append(word & MASK_16)
        word = word >> 16
    return markets


@internal
def _store(
    account: uint256,
    market: uint256,
    old: uint256,
    size: int256,
    entry: uint256,
    funding_index: int256,
    bids: uint256,
    asks: uint256,
):
    """
    @dev Writes a position and its resting totals, lists or delists the market, and keeps open interest.
    """
    self._count_open_interest(market, ledger_math._size(old), size)
    self._write(account, market, old, size, entry, funding_index, bids, asks)


@internal
def _write(
    account: uint256,
    market: uint256,
    old: uint256,
    size: int256,
    entry: uint256,
    funding_index: int256,
    bids: uint256,
    asks: uint256,
):
    """
    @dev As `_store`, but the caller counts open interest.
    """
    key: uint256 = (account << 16) | market
    old_flags: uint256 = ledger_math._position_flags(old)
    flags: uint256 = ledger_math.LISTED
    if bids != 0 or asks != 0:
        flags = ledger_math.LISTED | ledger_math.HAS_ORDERS
    if (flags | old_flags) & ledger_math.HAS_ORDERS != 0:
        assert bids <= MASK_128 and asks <= MASK_128, ORDERS_OUT_OF_RANGE
        self.orders[key] = bids | (asks << 128)

    place: uint256 = ledger_math._place(old)
    # Without a size there is no entry price; what an inverse position has left then is coin to be paid.
    if size == 0 and entry == 0 and flags == ledger_math.LISTED:
        if old_flags != 0:
            self.positions[key] = 0
            self._delist(account, place)
        return
    if old_flags == 0:
        header: uint256 = self.headers[account]
        place = ledger_math._listed(header)
        assert place < MAX_POSITIONS, TOO_MANY_POSITIONS
        self.headers[account] = ledger_math._with_listed(header, place + 1)
        self._set_place(account, place, market)
    self.positions[key] = ledger_math._pack_position(size, entry, funding_index, place, flags)


@internal
def _release(account: uint256, market: uint256, bids: uint256, asks: uint256) -> bool:
    """
    @dev Takes sizes off the resting totals, and the market off the list when nothing is left in it. The
         common case, other orders or a position remain, writes one word.
    @return bool False, and nothing changed, when less than that was resting.
    """
    key: uint256 = (account << 16) | market
    resting: uint256 = self.orders[key]
    if resting & MASK_128 < bids or resting >> 128 < asks:
        return False
    # Neither half borrows from the other: both were just compared.
    resting = unsafe_sub(resting, bids | (asks << 128))
    self.orders[key] = resting
    if resting == 0:
        position: uint256 = self.positions[key]
        if not ledger_math._is_empty(position):
            self.positions[key] = position & ~(ledger_math.HAS_ORDERS << 248)
        elif position != 0:
            self.positions[key] = 0
            self._delist(account, ledger_math._place(position))
    return True


@internal
def _set_place(account: uint256, place: uint256, market: uint256):
    """
    @dev Places beyond the end of the list hold ids of delisted markets: clear before setting.
    """
    offset: uint256 = ((place + 1) & 15) << 4
    if place < 15:
        self.headers[account] = (self.headers[account] & ~(MASK_16 << offset)) | (market << offset)
    else:
        key: uint256 = (account << 8) | ((place + 1) >> 4)
        self.lists[key] = (self.lists[key] & ~(MASK_16 << offset)) | (market << offset)


@internal
@view
def _market_at(account: uint256, header: uint256, place: uint256) -> uint256:
    word: uint256 = header
    if place >= 15:
        word = self.lists[(account << 8) | ((place + 1) >> 4)]
    return (word >> (((place + 1) & 15) << 4)) & MASK_16


@internal
def _delist(account: uint256, place: uint256):
    """
    @dev Swap-remove: the last market of the list takes the free place.
    """
    header: uint256 = self.headers[account]
    last: uint256 = ledger_math._listed(header) - 1
    self.headers[account] = ledger_math._with_listed(header, last)
    if place != last:
        moved: uint256 = self._market_at(account, header, last)
        self._set_place(account, place, moved)
        key: uint256 = (account << 16) | moved
        self.positions[key] = (self.positions[key] & ~(255 << 240)) | (place << 240)


@internal
def _count_open_interest(market: uint256, old_size: int256, new_size: int256):
    """
    @dev One side of the market, the longs; the other is equal because every trade sums to zero.
    """
    before: int256 = max(old_size, 0)
    after: int256 = max(new_size, 0)
    if before != after:
        self.open_interest[market] = convert(convert(self.open_interest[market], int256) + after - before, uint256)
