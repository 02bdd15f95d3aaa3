# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Trades, settlements and moves of positions
@license AGPL-3.0-only
@notice A trade is a leg: the fills that makers took in this call, matched at its end by one taker. What is in progress lives in
        transient storage; the leg must sum to zero before the call ends.
"""

from contracts.interfaces import ILedger
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.modules import margin_check
from contracts.modules import position_ledger

uses: margin_check
uses: position_ledger

NOT_PERMITTED: constant(String[32]) = "ledger: market not permitted"
UNBALANCED: constant(String[32]) = "ledger: trade is not zero-sum"
RESTING_UNDERFLOW: constant(String[32]) = "ledger: resting size"

MAX_POSITIONS: constant(uint256) = 64
MASK_72: constant(uint256) = 2**72 - 1

# The trade in progress: what the makers of this call have taken on, to be matched by its one taker.
leg_market: transient(uint256)
leg_size: transient(int256)
leg_quote: transient(int256)
leg_word: transient(uint256)
leg_cap: transient(uint256)
leg_open_interest: transient(uint256)


@internal
def _open_leg(market: uint256):
    """
    @dev First fill of a call: accrues funding once and remembers open interest as it was. A leg that took no fill
         is opened anew, since an earlier call of the same transaction may have left it.
    """
    if self.leg_size != 0:
        assert self.leg_market == market, UNBALANCED
        return
    word: uint256 = 0
    cap: uint256 = 0
    word, cap = extcall margin_check.INSTRUMENTS.touch(market)
    self.leg_market = market
    self.leg_word = word
    self.leg_cap = cap
    self.leg_open_interest = position_ledger.open_interest[market]


@internal
def _trade(
    account: uint256,
    market: uint256,
    old: uint256,
    size: int256,
    quote: int256,
    fee: uint256,
    bids: uint256,
    asks: uint256,
    adds_risk: bool,
) -> (bool, bool):
    """
    @dev Checks and books one side of a trade in the open leg and the resting totals after it.
    @return bool False: margin forbids it and nothing has changed.
    @return bool Whether every price that was used is valid.
    """
    old_size: int256 = ledger_math._size(old)
    after: margin_check.Overlay = margin_check.Overlay(
        market=market,
        size=old_size + size,
        entry=ledger_math._entry(old),
        funding_index=ledger_math._funding_index(old),
        bids=bids,
        asks=asks,
    )
    change: int256 = 0
    if size != 0:
        after.funding_index = margin_check._index_of(self.leg_word)
        after.entry, change = self._traded(market, old, size, quote, after.funding_index)
    change -= convert(fee, int256)
    if old == 0:
        # A market that is not listed yet: the engine may silo the account.
        self._check_permitted(account, market, ledger_math._listed(position_ledger.headers[account]))
    admitted: bool = False
    valid: bool = False
    admitted, valid = margin_check._admits(account, change, after, adds_risk)
    if not admitted:
        return False, valid
    position_ledger._store(account, market, old, after.size, after.entry, after.funding_index, bids, asks)
    # A fee may come without a fill: what the SolvencyGuard charges for an order that rests.
    if size != 0 or fee != 0:
        self._log(account, market, size, after, extcall margin_check.VAULT.apply_trade(account, change, fee), fee)
    return True, valid


@internal
@view
def _check_permitted(account: uint256, market: uint256, listed: uint256):
    """
    @dev The account's engine lets it hold the market beside `listed` others.
    """
    assert margin_check._permits(account, market, listed), NOT_PERMITTED


@internal
@view
def _check_last_permitted(account: uint256):
    """
    @dev The account's engine would still let it list the last market of its list.
    """
    header: uint256 = position_ledger.headers[account]
    listed: uint256 = ledger_math._listed(header)
    if listed != 0:
        self._check_permitted(account, position_ledger._market_at(account, header, listed - 1), listed - 1)


@internal
def _shift(
    account: uint256, market: uint256, delta: int256, coin: int256, price: uint256, word: uint256, cash: int256
) -> int256:
    """
    @dev Adds `delta` to a position at `price` without fee or check; resting totals stay. The caller books the
         money and counts open interest.
    @param coin Nano coin that goes with it, of an inverse position only, which is paid for in cash: what delta and
           coin are worth at `price`. At a price of 0, and without a delta, nothing is: the coin is paid elsewhere.
    @param cash Of the account before, wad.
    @return int256 Cash after.
    """
    old: uint256 = position_ledger._position(account, market)
    size: int256 = ledger_math._size(old)
    quote: int256 = delta * convert(price, int256)
    cash_after: int256 = cash
    if market >> 7 == market_math.INVERSE_BLOCK:
        quote = coin
        cash_after -= coin * convert(price, int256) - delta * convert(market_math.NANO, int256)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, old)
    after: margin_check.Overlay = margin_check.Overlay(
        market=market,
        size=size + delta,
        entry=0,
        funding_index=margin_check._index_of(word),
        bids=bids,
        asks=asks,
    )
    realised: int256 = 0
    after.entry, realised = self._traded(market, old, delta, quote, after.funding_index)
    cash_after += realised
    position_ledger._write(account, market, old, after.size, after.entry, after.funding_index, bids, asks)
    self._log(account, market, delta, after, cash_after, 0)
    return cash_after


@internal
def _move(account: uint256, market: uint256, delta: int256, coin: int256, price: uint256, word: uint256):
    """
    @dev As `_shift`, and books the money.
    """
    before: int256 = staticcall margin_check.VAULT.cash(account)
    self._book(account, self._shift(account, market, delta, coin, price, word, before) - before)


@internal
def _settle_one(
    account: uint256, market: uint256, moved: int256, coin: int256, word: uint256, cash: int256
) -> (int256, bool):
    """
    @dev Realises a position at mark (entry := mark, funding index := now) and takes `moved` away at that price:
         value-neutral once the caller has booked the money. The caller counts open interest. Of an inverse
         position only funding is realised and, at mark, what is taken away: `moved` and `coin`.
    @param cash Of the account before, wad.
    @return int256 Cash after.
    @return bool Whether anything changed and an event says so.
    """
    old: uint256 = position_ledger._position(account, market)
    size: int256 = ledger_math._size(old)
    after: margin_check.Overlay = empty(margin_check.Overlay)
    after.market = market
    after.size = size - moved
    after.entry = word & MASK_72
    after.funding_index = margin_check._index_of(word)
    if market >> 7 == market_math.INVERSE_BLOCK:
        if moved == 0 and coin == 0 and after.funding_index == ledger_math._funding_index(old):
            return cash, False
        return self._shift(account, market, -moved, -coin, after.entry, word, cash), True
    if (
        moved == 0
        and after.entry == ledger_math._entry(old)
        and after.funding_index == ledger_math._funding_index(old)
    ):
        return cash, False
    if after.size == 0:
        after.entry = 0
    after.bids, after.asks = position_ledger._orders(account, market, old)
    cash_after: int256 = cash + margin_check._unrealised(old, word)
    position_ledger._write(
        account, market, old, after.size, after.entry, after.funding_index, after.bids, after.asks
    )
    self._log(account, market, -moved, after, cash_after, 0)
    return cash_after, True


@internal
def _count_exchange(market: uint256, size: int256, other: int256, moved: int256):
    """
    @dev Open interest when `moved` goes from a position to another: mostly nothing changes and nothing is written.
    """
    position_ledger._count_open_interest(
        market, max(size, 0) + max(other, 0), max(size - moved, 0) + max(other + moved, 0)
    )


@internal
def _settle(account: uint256):
    """
    @dev Settles every position of the account at mark; every price must be valid.
    """
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    if len(markets) == 0:
        return
    words: DynArray[uint256, MAX_POSITIONS] = staticcall margin_check.INSTRUMENTS.words(markets, skip_contract_check=True)
    before: int256 = staticcall margin_check.VAULT.cash(account)
    cash: int256 = before
    settled: bool = False
    for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
        if ledger_math._size(position_ledger._position(account, markets[i])) != 0:
            assert words[i] >> 255 == 1, margin_check.STALE_PRICE
            logged: bool = False
            cash, logged = self._settle_one(account, markets[i], 0, 0, words[i], cash)
            settled = settled or logged
    # Cash that no event states must not be touched, or books rebuilt from events would miss its interest.
    if settled:
        self._book(account, cash - before)


@internal
def _book(account: uint256, change: int256):
    """
    @dev The money of what was settled or shifted, wad. Even when it is nothing: the events above state cash with
         interest to now, and what they state must be what the Vault has stored.
    """
    extcall margin_check.VAULT.apply_trade(account, change, 0)


@internal
def _log(account: uint256, market: uint256, delta: int256, after: margin_check.Overlay, cash: int256, fee: uint256):
    log ILedger.PositionModified(
        account=account,
        market=market,
        delta=delta,
        size=after.size,
        entry_price=after.entry,
        funding_index=after.funding_index,
        cash=cash,
        fee=fee,
    )


@internal
@pure
def _traded(market: uint256, old: uint256, delta: int256, quote: int256, funding_index: int256) -> (uint256, int256):
    """
    @dev A trade of `delta` for `quote`, wad, or nano coin in an inverse market, where coin takes the place of cash.
    @return uint256 Entry field of the position afterwards.
    @return int256 Realised PnL less funding, before the fee, wad.
    """
    size: int256 = ledger_math._size(old)
    entry: uint256 = ledger_math._entry(old)
    funding: int256 = size * (funding_index - ledger_math._funding_index(old))
    if market >> 7 == market_math.INVERSE_BLOCK:
        return ledger_math._coin_after(entry, quote), -funding
    after: uint256 = ledger_math._entry_after(size, entry, delta, quote)
    return after, ledger_math._cash_change(size, entry, size + delta, after, quote) - funding


@internal
@pure
def _quote(market: uint256, size: int256, price: uint256) -> int256:
    """
    @dev What `size` costs at a price, positive when buying: wad, or nano coin of an inverse market.
    """
    if market >> 7 == market_math.INVERSE_BLOCK:
        coins: int256 = convert(market_math._coins_down(convert(abs(size), uint256), price), int256)
        return coins if size > 0 else -coins
    return size * convert(price, int256)


@internal
@pure
def _coin_part(word: uint256, part: int256, whole: int256) -> int256:
    """
    @dev part / whole of the coin balance of an inverse position, toward zero; both have one sign, or none is negative.
         |coin| < 2**79 and |part| <= 2**80: the product stays below 2**160.
    """
    # `//` truncates toward zero here on purpose.
    return ledger_math._coin(ledger_math._entry(word)) * part // whole


@internal
@pure
def _adds_risk(before: int256, after: int256) -> bool:
    """
    @dev A position that grows or changes side.
    """
    return max(after, 0) > max(before, 0) or min(after, 0) < min(before, 0)


@internal
@pure
def _less(bids: uint256, asks: uint256, bought: uint256, sold: uint256) -> (uint256, uint256):
    assert bids >= bought and asks >= sold, RESTING_UNDERFLOW
    return bids - bought, asks - sold
