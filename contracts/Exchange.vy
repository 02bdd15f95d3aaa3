# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The on-chain limit order book
@license AGPL-3.0-only
@notice Matches by price, then by time, at the maker's price; the Ledger alone judges margin and books trades.
        An order that arrives takes what crosses it, oldest first at the best price. Each resting order it meets is a
        touch: it is filled, or removed because it has expired (3), its account cannot carry the fill (4), it belongs to
        the taker's own account (5: the resting order goes, other accounts of one owner may trade with each other), its
        account is in liquidation (6) or it has nothing left to reduce (7). What is left rests, unless touches ran out
        while it still crosses: then the rest is dropped, so the book is never crossed after a call.
        A reduce-only order is cut to the position when it is placed and again at every fill; it reserves no margin.
        Nothing can stop a cancel, nor a reduce-only order while the market's counterparties allow it.
"""

from snekmate.auth import ownable

from contracts.interfaces import IExchange
from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import ISolvencyGuard
from contracts.math import book_math
from contracts.modules import guarded
from contracts.modules import matching
from contracts.modules import order_book
from contracts.modules import tick_bitmap

implements: IExchange

uses: ownable
uses: tick_bitmap
initializes: guarded
initializes: order_book
initializes: matching[order_book := order_book]

# Ownership and pausing
exports: (
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    guarded.guardian,
    guarded.paused,
    guarded.set_guardian,
    guarded.pause,
    guarded.unpause,
)

event LiquidatorWired:
    liquidator: indexed(address)

# Lots, ticks, expiries, accounts and markets are bounded by their fields of an order word.
MAX_LOTS: constant(uint256) = 2**48 - 1
MAX_TICK: constant(uint256) = 2**24 - 1
MAX_EXPIRY: constant(uint256) = 2**32 - 1
MAX_MARKET: constant(uint256) = 2**16 - 1
MAX_ACCOUNT: constant(uint256) = 2**32 - 1
MAX_LEVELS: constant(uint256) = 64

BAD_ADDRESS: constant(String[32]) = "exchange: zero address"
ALREADY_WIRED: constant(String[32]) = "exchange: already wired"
BAD_ORDER: constant(String[32]) = "exchange: order out of range"
BAD_OPTIONS: constant(String[32]) = "exchange: options exclude"
NO_MARKET: constant(String[32]) = "exchange: no such market"
NOT_ACTIVE: constant(String[32]) = "exchange: market only reduces"
HAS_EXPIRED: constant(String[32]) = "exchange: market has expired"
NOTHING_TO_DO: constant(String[32]) = "exchange: nothing to do"
NO_ORDER: constant(String[32]) = "exchange: no such order"
NOT_AUTHORISED: constant(String[32]) = "exchange: not authorised"

INSTRUMENTS: immutable(IInstruments)
# What watches exposures; the zero address where nothing does.
SOLVENCY_GUARD: immutable(ISolvencyGuard)

liquidator: public(address)


@deploy
def __init__(
    ledger: address,
    instruments: address,
    guardian: address,
    maker_fee_bps: uint256,
    taker_fee_bps: uint256,
    solvency_guard: address,
):
    """
    @param maker_fee_bps Fee of the resting side in bps of the notional, at most MAX_FEE_BPS; 0 is allowed.
    @param taker_fee_bps Fee of the arriving side.
    @param solvency_guard What watches exposures, or the zero address.
    """
    assert ledger != empty(address) and instruments != empty(address), BAD_ADDRESS
    INSTRUMENTS = IInstruments(instruments)
    SOLVENCY_GUARD = ISolvencyGuard(solvency_guard)
    guarded.__init__(guardian, guarded.TRADE | guarded.PLACE)
    matching.__init__(ledger, maker_fee_bps, taker_fee_bps)


@external
def wire(liquidator: address):
    """
    @notice Names, once, the contract that may cancel any account's orders. Owner only.
    """
    ownable._check_owner()
    assert self.liquidator == empty(address), ALREADY_WIRED
    assert liquidator != empty(address), BAD_ADDRESS
    self.liquidator = liquidator
    log LiquidatorWired(liquidator=liquidator)


@external
def set_fees(maker_fee_bps: uint256, taker_fee_bps: uint256):
    """
    @notice Sets both fees, in bps of the notional. Owner only.
    """
    ownable._check_owner()
    matching._set_fees(maker_fee_bps, taker_fee_bps)


@external
@nonreentrant
def place(
    account: uint256,
    market: uint256,
    is_bid: bool,
    tick: uint256,
    lots: uint256,
    options: IExchange.Option,
    expiry: uint256,
    max_fills: uint256,
) -> (uint256, uint256):
    """
    @notice Takes what crosses and rests what is left. The account's owner or a delegate.
    @param tick The limit, in tick sizes; the worst price accepted.
    @param lots Size, in lot sizes.
    @param expiry Unix seconds from which the order is void; 0 never.
    @param max_fills Resting orders to touch at most; never more than 64 are.
    @return uint256 Id of the order that rests, 0 if none.
    @return uint256 Lots that were filled.
    """
    return self._place(account, market, is_bid, tick, lots, options, expiry, max_fills)


@external
@nonreentrant
def replace(
    order_id: uint256, tick: uint256, lots: uint256, options: IExchange.Option, expiry: uint256, max_fills: uint256
) -> (uint256, uint256):
    """
    @notice Cancels an order and places another of the same account, market and side, or does neither. The
            new order has a new id and queues behind the others at its price, even at an unchanged price.
    @return uint256 Id of the order that rests, 0 if none.
    @return uint256 Lots that were filled.
    """
    order: uint256 = self._existing(order_id)
    matching._drop(order_id, order, matching.REPLACED)
    # Placing authorises the caller for this very account, or reverts all of it.
    return self._place(
        book_math._account(order_id),
        book_math._market(order),
        order & book_math.IS_BID != 0,
        tick,
        lots,
        options,
        expiry,
        max_fills,
    )


@external
@nonreentrant
def cancel(order_id: uint256):
    """
    @notice Removes an order for good. The account's owner or a delegate; never paused.
    """
    order: uint256 = self._existing(order_id)
    self._check_authorised(book_math._account(order_id))
    matching._drop(order_id, order, matching.CANCELLED)


@external
@nonreentrant
def cancel_all(account: uint256) -> uint256:
    """
    @notice Removes every order of the account. Its owner or a delegate, or the Liquidator; never paused.
    @return uint256 Orders removed.
    """
    reason: uint256 = matching.LIQUIDATION
    if msg.sender != self.liquidator:
        self._check_authorised(account)
        reason = matching.CANCELLED
    open_orders: DynArray[uint256, order_book.MAX_ORDERS] = order_book._open_orders(account)
    market: uint256 = 0
    bids: uint256 = 0
    asks: uint256 = 0
    for order_id: uint256 in open_orders:
        order: uint256 = order_book._find(order_id)
        if book_math._market(order) != market:
            matching._release(account, market, bids, asks)
            market = book_math._market(order)
            bids = 0
            asks = 0
        size: uint256 = matching._remove(order_id, order, reason)
        if order & book_math.IS_BID != 0:
            bids += size
        else:
            asks += size
    matching._release(account, market, bids, asks)
    return len(open_orders)


@external
@nonreentrant
def purge(order_ids: DynArray[uint256, 32]) -> uint256:
    """
    @notice Removes those of the orders that have expired, whose market has, or whose account is in liquidation;
            skips all others, unknown ids and repetitions included. Anyone.
    @return uint256 Orders removed.
    """
    removed: uint256 = 0
    for order_id: uint256 in order_ids:
        order: uint256 = order_book._find(order_id)
        if order == 0:
            continue
        if book_math._is_expired(order, block.timestamp):
            matching._drop(order_id, order, matching.EXPIRED)
        elif self._has_expired(book_math._market(order)):
            matching._drop(order_id, order, matching.MARKET_EXPIRED)
        elif staticcall matching.LEDGER.in_liquidation(book_math._account(order_id)):
            matching._drop(order_id, order, matching.LIQUIDATION)
        else:
            continue
        removed += 1
    return removed


@external
@view
@nonreentrant
def order(order_id: uint256) -> IExchange.OrderView:
    """
    @notice An open order; all zero when there is none of this id (any more).
    """
    order: uint256 = order_book._find(order_id)
    if order == 0:
        return empty(IExchange.OrderView)
    return IExchange.OrderView(
        order_id=order_id,
        account=book_math._account(order_id),
        market=book_math._market(order),
        is_bid=order & book_math.IS_BID != 0,
        tick=book_math._tick(order),
        lots=book_math._lots(order),
        expiry=book_math._expiry(order),
        reduce_only=order & book_math.IS_REDUCE_ONLY != 0,
    )


@external
@view
@nonreentrant
def orders_of(account: uint256) -> DynArray[uint256, 32]:
    """
    @notice Ids of the account's open orders, in no particular order.
    """
    return order_book._open_orders(account)


@external
@view
@nonreentrant
def best(market: uint256) -> (uint256, uint256):
    """
    @notice Ticks of the best bid and the best ask; 0 for an empty side. Expired orders count until they are removed.
    """
    return self._best(market, True), self._best(market, False)


@external
@view
@nonreentrant
def depth(market: uint256, is_bid: bool, levels: uint256) -> DynArray[IExchange.Level, 64]:
    """
    @notice The levels of one side from the best outward, at most 64.
    """
    side: uint256 = book_math._side(market, is_bid)
    found: DynArray[IExchange.Level, MAX_LEVELS] = []
    tick: uint256 = self._best(market, is_bid)
    for _: uint256 in range(min(levels, MAX_LEVELS), bound=MAX_LEVELS):
        if tick == 0:
            break
        level: uint256 = order_book.levels[book_math._level_key(side, tick)]
        found.append(
            IExchange.Level(tick=tick, lots=(level >> 80) & book_math.MASK_64, orders=(level >> 144) & book_math.MASK_32)
        )
        tick = tick_bitmap._beyond(side, tick)
    return found


@external
@view
@nonreentrant
def next_order_id(account: uint256) -> uint256:
    """
    @notice Id that the account's next order to rest will get if nothing else of the account comes or goes before.
    """
    return order_book._next_id(account)


@external
@view
@nonreentrant
def fees() -> (uint256, uint256):
    """
    @notice Maker and taker fee, bps of the notional.
    """
    return matching._fees()


@internal
def _place(
    account: uint256,
    market: uint256,
    is_bid: bool,
    tick: uint256,
    lots: uint256,
    options: IExchange.Option,
    expiry: uint256,
    max_fills: uint256,
) -> (uint256, uint256):
    assert lots != 0 and lots <= MAX_LOTS and tick != 0 and tick <= MAX_TICK, BAD_ORDER
    assert account <= MAX_ACCOUNT and market <= MAX_MARKET, BAD_ORDER
    assert expiry == 0 or (expiry > block.timestamp and expiry <= MAX_EXPIRY), BAD_ORDER
    reduce_only: bool = IExchange.Option.REDUCE_ONLY in options
    immediate: bool = IExchange.Option.IMMEDIATE in options
    post_only: bool = IExchange.Option.POST_ONLY in options
    assert not (immediate and post_only), BAD_OPTIONS

    book: uint256 = self._book(market, reduce_only)
    lot_size: uint256 = (book >> 56) & book_math.MASK_64
    open_lots: uint256 = lots
    if reduce_only:
        open_lots = min(lots, matching._reducible_down(account, market, is_bid, lot_size))

    taken: matching.Taken = empty(matching.Taken)
    if open_lots != 0 and book_math._crosses(is_bid, tick, book_math._top(book, not is_bid)):
        taken = matching._match(
            matching.Incoming(
                account=account,
                market=market,
                is_bid=is_bid,
                tick=tick,
                lots=open_lots,
                post_only=post_only,
                touches=min(max_fills, matching.MAX_TOUCHES),
            ),
            book,
        )
        open_lots = unsafe_sub(open_lots, taken.lots)
    if immediate or taken.crosses:
        open_lots = 0

    if not reduce_only:
        if taken.lots != 0:
            guarded._check_active(guarded.TRADE)
        if open_lots != 0:
            guarded._check_active(guarded.PLACE)

    if taken.lots == 0 and open_lots == 0:
        # Removing what nobody may fill is progress; without it there is nothing to keep.
        assert taken.touches != 0, NOTHING_TO_DO
        self._check_authorised(account)
        return 0, 0

    order_id: uint256 = 0
    if open_lots != 0:
        order_id = order_book._insert(
            account, book_math._side(market, is_bid), tick, open_lots, expiry, reduce_only
        )
        log IExchange.OrderPlaced(
            order_id=order_id,
            account=account,
            market=market,
            is_bid=is_bid,
            tick=tick,
            lots=open_lots,
            expiry=expiry,
            options=convert(options, uint256),
        )
    size: int256 = matching._signed(is_bid, unsafe_mul(taken.lots, lot_size))
    quote: int256 = matching._signed(is_bid, taken.quote)
    resting: int256 = 0
    fee: uint256 = taken.fee
    if not reduce_only:
        resting = matching._signed(is_bid, unsafe_mul(open_lots, lot_size))
        # Whoever can only reduce is not even asked about.
        if SOLVENCY_GUARD.address != empty(address):
            fee += extcall SOLVENCY_GUARD.observe_trade(
                account,
                ISolvencyGuard.Trade(market=market, size=size, quote=quote, fee=fee, resting=resting),
            )
    extcall matching.LEDGER.fill_taker(msg.sender, account, market, size, quote, fee, resting)
    return order_id, taken.lots


@internal
@view
def _best(market: uint256, is_bid: bool) -> uint256:
    return order_book._best(
        book_math._side(market, is_bid), book_math._top(order_book.books[market], is_bid)
    )


@internal
def _book(market: uint256, reduce_only: bool) -> uint256:
    """
    @dev The book word, made from the registry on first use: tick and lot sizes never change once listed. Only
         reduce-only orders are taken while the market is not active, and none once it has expired.
    """
    assert not self._has_expired(market), HAS_EXPIRED
    book: uint256 = order_book.books[market]
    if book != 0:
        assert reduce_only or staticcall INSTRUMENTS.is_active(market), NOT_ACTIVE
        return book
    spec: IInstruments.MarketSpec = staticcall INSTRUMENTS.spec(market)
    assert spec.tick_size != 0 and spec.lot_size != 0, NO_MARKET
    assert spec.tick_size <= book_math.MASK_56 and spec.lot_size <= book_math.MASK_64, NO_MARKET
    assert spec.active or reduce_only, NOT_ACTIVE
    book = spec.tick_size | (spec.lot_size << 56)
    order_book.books[market] = book
    return book


@internal
@view
def _has_expired(market: uint256) -> bool:
    """
    @dev Perpetuals, below 256, never expire and need not be asked about.
    """
    return market >> 8 != 0 and staticcall INSTRUMENTS.is_expired(market)


@internal
@view
def _existing(order_id: uint256) -> uint256:
    order: uint256 = order_book._find(order_id)
    assert order != 0, NO_ORDER
    return order


@internal
@view
def _check_authorised(account: uint256):
    assert staticcall matching.LEDGER.authorised(account, msg.sender, skip_contract_check=True), NOT_AUTHORISED
