# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Matching: what an arriving order does to the resting ones
@license AGPL-3.0-only
@notice Resting orders are met one by one, the oldest at the best price first. One that may not trade goes, for one of
        the reasons below, and its reservation goes back; every other is filled at its own price as far as it
        reaches. Checks nothing about the caller: that is the Exchange's.
"""

from contracts.interfaces import IExchange
from contracts.interfaces import ILedger
from contracts.math import book_math
from contracts.math import market_math
from contracts.modules import order_book

uses: order_book

event FeesSet:
    maker_bps: uint256
    taker_bps: uint256

# A touch costs about 130,000 gas with small portfolios: 64 fit in a transaction of 16.7 million.
MAX_TOUCHES: constant(uint256) = 64
MAX_FEE_BPS: constant(uint256) = 100

CANCELLED: constant(uint256) = 1
REPLACED: constant(uint256) = 2
EXPIRED: constant(uint256) = 3
BELOW_MARGIN: constant(uint256) = 4
SELF_TRADE: constant(uint256) = 5
LIQUIDATION: constant(uint256) = 6
NOTHING_TO_REDUCE: constant(uint256) = 7
MARKET_EXPIRED: constant(uint256) = 8

BAD_FEE: constant(String[32]) = "exchange: fee out of range"
WOULD_TAKE: constant(String[32]) = "exchange: order would take"

LEDGER: immutable(ILedger)

struct Incoming:
    account: uint256
    market: uint256
    is_bid: bool
    tick: uint256
    lots: uint256
    post_only: bool
    touches: uint256        # that may still be made

struct Taken:
    lots: uint256
    quote: uint256          # wad USD, sum of size * price; nano coin of an inverse market, each fill rounded down
    fee: uint256            # wad USD
    touches: uint256
    crosses: bool           # touches ran out while the order still crossed

packed_fees: uint256    # maker fee uint128 | taker fee uint128, bps of the notional


@deploy
def __init__(ledger: address, maker_fee_bps: uint256, taker_fee_bps: uint256):
    LEDGER = ILedger(ledger)
    self._set_fees(maker_fee_bps, taker_fee_bps)


@internal
def _set_fees(maker_fee_bps: uint256, taker_fee_bps: uint256):
    assert maker_fee_bps <= MAX_FEE_BPS and taker_fee_bps <= MAX_FEE_BPS, BAD_FEE
    self.packed_fees = maker_fee_bps | (taker_fee_bps << 128)
    log FeesSet(maker_bps=maker_fee_bps, taker_bps=taker_fee_bps)


@internal
@view
def _fees() -> (uint256, uint256):
    """
    @return (maker, taker) in bps of the notional.
    """
    return self.packed_fees & book_math.MASK_128, self.packed_fees >> 128


@internal
def _match(incoming: Incoming, book: uint256) -> Taken:
    """
    @dev Trades `incoming` against the opposite side, at most `touches` resting orders. Whether the caller may act
         for the account is the Ledger's answer afterwards.
    """
    taken: Taken = empty(Taken)
    maker_side: uint256 = book_math._side(incoming.market, not incoming.is_bid)
    top: uint256 = book_math._top(book, not incoming.is_bid)
    best: uint256 = order_book._best(maker_side, top)
    taken.crosses = book_math._crosses(incoming.is_bid, incoming.tick, best)
    for _: uint256 in range(incoming.touches, bound=MAX_TOUCHES):
        if not taken.crosses:
            break
        order_id: uint256 = 0
        order: uint256 = 0
        order_id, order = order_book._oldest(maker_side, best)
        taken.touches = unsafe_add(taken.touches, 1)
        if book_math._is_expired(order, block.timestamp):
            self._drop(order_id, order, EXPIRED)
        else:
            assert not incoming.post_only, WOULD_TAKE
            if book_math._account(order_id) == incoming.account:
                self._drop(order_id, order, SELF_TRADE)
            else:
                taken = self._fill(incoming, taken, order_id, order, book)
        best = order_book._best(maker_side, best)
        taken.crosses = taken.lots != incoming.lots and book_math._crosses(incoming.is_bid, incoming.tick, best)
    if best != top:
        order_book._set_top(maker_side, best)
    return taken


@internal
def _fill(incoming: Incoming, taken: Taken, order_id: uint256, order: uint256, book: uint256) -> Taken:
    """
    @dev One resting order against what the incoming one still wants. Where the maker cannot, its order goes.
    """
    maker: uint256 = book_math._account(order_id)
    lot_size: uint256 = (book >> 56) & book_math.MASK_64
    lots: uint256 = min(unsafe_sub(incoming.lots, taken.lots), book_math._lots(order))
    reducible: uint256 = max_value(uint256)
    if order & book_math.IS_REDUCE_ONLY != 0:
        reducible = self._reducible_down(maker, incoming.market, not incoming.is_bid, lot_size)
        if reducible == 0:
            self._drop(order_id, order, NOTHING_TO_REDUCE)
            return taken
        lots = min(lots, reducible)

    # At most 112 bits of size and 80 of price: see book_math._fee_up.
    size: uint256 = unsafe_mul(lots, lot_size)
    price: uint256 = unsafe_mul(book_math._tick(order), book & book_math.MASK_56)
    quote: uint256 = unsafe_mul(size, price)
    notional: uint256 = quote
    if incoming.market >> 7 == market_math.INVERSE_BLOCK:
        quote = market_math._coins_down(size, price)
        notional = unsafe_mul(size, market_math.NANO)
    fees: uint256 = self.packed_fees
    maker_fee: uint256 = book_math._fee_up(notional, fees & book_math.MASK_128)
    if not extcall LEDGER.fill_maker(
        maker,
        incoming.market,
        self._signed(not incoming.is_bid, size),
        price,
        maker_fee,
        order & book_math.IS_REDUCE_ONLY == 0,
    ):
        reason: uint256 = BELOW_MARGIN
        if staticcall LEDGER.in_liquidation(maker):
            reason = LIQUIDATION
        self._drop(order_id, order, reason)
        return taken

    taker_fee: uint256 = book_math._fee_up(notional, fees >> 128)
    remaining: uint256 = unsafe_sub(book_math._lots(order), lots)
    log IExchange.OrderFilled(
        order_id=order_id,
        maker=maker,
        taker=incoming.account,
        market=incoming.market,
        taker_buys=incoming.is_bid,
        tick=book_math._tick(order),
        lots=lots,
        maker_fee=maker_fee,
        taker_fee=taker_fee,
        remaining=remaining,
    )
    if remaining == 0:
        order_book._remove(order_id, order)
    elif lots == reducible:
        order_book._reduce(order_id, order, lots)
        self._remove(order_id, unsafe_sub(order, lots), NOTHING_TO_REDUCE)
    else:
        order_book._reduce(order_id, order, lots)
    return Taken(
        lots=unsafe_add(taken.lots, lots),
        quote=unsafe_add(taken.quote, quote),
        fee=unsafe_add(taken.fee, taker_fee),
        touches=taken.touches,
        crosses=taken.crosses,
    )


@internal
def _drop(order_id: uint256, order: uint256, reason: uint256):
    """
    @dev Removes an open order and gives back what was reserved for it. No access check.
    """
    size: uint256 = self._remove(order_id, order, reason)
    if order & book_math.IS_BID != 0:
        self._release(book_math._account(order_id), book_math._market(order), size, 0)
    else:
        self._release(book_math._account(order_id), book_math._market(order), 0, size)


@internal
def _remove(order_id: uint256, order: uint256, reason: uint256) -> uint256:
    """
    @return uint256 What is reserved for the order, nano base; 0 for a reduce-only order.
    """
    lot_size: uint256 = order_book._remove(order_id, order)
    lots: uint256 = book_math._lots(order)
    log IExchange.OrderRemoved(
        order_id=order_id,
        account=book_math._account(order_id),
        market=book_math._market(order),
        lots=lots,
        reason=reason,
    )
    if order & book_math.IS_REDUCE_ONLY != 0:
        return 0
    return unsafe_mul(lots, lot_size)


@internal
def _release(account: uint256, market: uint256, bids: uint256, asks: uint256):
    if bids | asks != 0:
        extcall LEDGER.release_orders(account, market, bids, asks, skip_contract_check=True)


@internal
@view
def _reducible_down(account: uint256, market: uint256, is_bid: bool, lot_size: uint256) -> uint256:
    """
    @dev Whole lots by which an order on this side can shrink the position.
    """
    position: ILedger.Position = staticcall LEDGER.position(account, market)
    if is_bid:
        return convert(max(-position.size, 0), uint256) // lot_size
    return convert(max(position.size, 0), uint256) // lot_size


@internal
@pure
def _signed(is_bid: bool, amount: uint256) -> int256:
    """
    @dev Positive when buying. Amounts are below 2**198.
    """
    if is_bid:
        return convert(amount, int256)
    return -convert(amount, int256)
