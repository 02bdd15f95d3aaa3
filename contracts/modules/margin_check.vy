# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title The margin check: an account as its engine sees it
@license AGPL-3.0-only
@notice Positions from the ledger, money from the Vault, prices and funding from the registry, all asked once, put into one
        bounded Portfolio and handed to the account's engine. The check that a trade must pass and
        the preview that anyone may ask run the same code.
"""

from contracts.interfaces import IInstruments
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import ledger_math
from contracts.math import market_math
from contracts.modules import position_ledger

uses: position_ledger

STALE_PRICE: constant(String[32]) = "ledger: stale price"

MAX_POSITIONS: constant(uint256) = 64
MASK_28: constant(uint256) = 2**28 - 1
MASK_72: constant(uint256) = 2**72 - 1
MASK_80: constant(uint256) = 2**80 - 1
MASK_128: constant(uint256) = 2**128 - 1

struct Overlay:
    market: uint256     # 0: the account as it stands
    size: int256
    entry: uint256
    funding_index: int256
    bids: uint256
    asks: uint256

VAULT: immutable(IVault)
INSTRUMENTS: immutable(IInstruments)


@deploy
def __init__(vault: address, instruments: address):
    VAULT = IVault(vault)
    INSTRUMENTS = IInstruments(instruments)


@external
@view
def portfolio(account: uint256) -> (IMarginEngine.Portfolio, bool):
    """
    @notice What the account's engine is asked about, and whether every price in it is valid.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    engine: address = empty(address)
    view.cash, view.stable_price, view.collaterals, valid, engine = staticcall VAULT.money(account, skip_contract_check=True)
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
    for i: uint256 in range(len(markets), bound=MAX_POSITIONS):
        valid = valid and words[i] >> 255 == 1
        view.positions.append(self._risk(account, markets[i], words[i]))
    return view, valid


@external
@view
def assess(account: uint256) -> (IMarginEngine.Assessment, bool):
    """
    @notice Margin of the account under its engine, and whether every price used is valid.
    """
    return self._assess(account, 0, empty(Overlay))


@external
@view
def check_outflow(account: uint256) -> bool:
    """
    @notice Whether the account passes initial margin as it stands; reverts when a price it needs is not valid.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = self._assess(account, 0, empty(Overlay))
    assert valid, STALE_PRICE
    return now.equity >= convert(now.initial_margin, int256)


@internal
@view
def _assess(account: uint256, change: int256, after: Overlay) -> (IMarginEngine.Assessment, bool):
    """
    @dev Margin of the account with cash changed by `change` (wad) and one market replaced by `after` if given.
         It builds its own Portfolio: that is 17 kB of memory, and every copy of it would cost each check gas.
    """
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    engine: address = empty(address)
    view.cash, view.stable_price, view.collaterals, valid, engine = staticcall VAULT.money(account, skip_contract_check=True)
    view.cash += change
    markets: DynArray[uint256, MAX_POSITIONS] = position_ledger._markets(account, position_ledger.headers[account])
    if after.market != 0 and position_ledger._position(account, after.market) == 0:
        assert len(markets) < MAX_POSITIONS, position_ledger.TOO_MANY_POSITIONS
        markets.append(after.market)
    if len(markets) != 0:
        words: DynArray[uint256, MAX_POSITIONS] = staticcall INSTRUMENTS.words(markets, skip_contract_check=True)
        i: uint256 = 0
        for market: uint256 in markets:
            word: uint256 = words[i]
            i = unsafe_add(i, 1)
            if word >> 255 == 0:
                valid = False
            size: int256 = 0
            entry: uint256 = 0
            funding_index: int256 = 0
            bids: uint256 = 0
            asks: uint256 = 0
            if market == after.market:
                size = after.size
                entry = after.entry
                funding_index = after.funding_index
                bids = after.bids
                asks = after.asks
            else:
                key: uint256 = (account << 16) | market
                position: uint256 = position_ledger.positions[key]
                size = convert(convert(position << 176, bytes32), int256) >> 176
                entry = (position >> 80) & MASK_80
                funding_index = convert(convert(position << 16, bytes32), int256) >> 176
                if position & (ledger_math.HAS_ORDERS << 248) != 0:
                    bids = position_ledger.orders[key]
                    asks = bids >> 128
                    bids = bids & MASK_128
            # As in _unrealised: |size| < 2**79 and both differences below 2**81.
            # Through bytes32 the difference of two prices keeps its sign, and no conversion is checked.
            unrealised: int256 = unsafe_mul(
                size,
                unsafe_sub(
                    convert(convert(unsafe_sub(word & MASK_72, entry), bytes32), int256),
                    unsafe_sub(convert(convert(word << 32, bytes32), int256) >> 176, funding_index),
                ),
            )
            if market >> 7 == market_math.INVERSE_BLOCK:
                unrealised = self._unrealised_inverse(size, entry, funding_index, word)
            view.positions.append(
                IMarginEngine.PositionRisk(
                    market=market,
                    size=size,
                    mark=word & MASK_72,
                    spot=(word >> 72) & MASK_72,
                    confidence=(word >> 224) & MASK_28,
                    unrealised=unrealised,
                    bids=bids,
                    asks=asks,
                )
            )
    return staticcall IMarginEngine(engine).assess(view, skip_contract_check=True), valid


@internal
@view
def _risk(account: uint256, market: uint256, word: uint256) -> IMarginEngine.PositionRisk:
    """
    @dev One market of an account as its engine sees it.
    """
    position: uint256 = position_ledger._position(account, market)
    bids: uint256 = 0
    asks: uint256 = 0
    bids, asks = position_ledger._orders(account, market, position)
    unrealised: int256 = 0
    if market >> 7 == market_math.INVERSE_BLOCK:
        unrealised = self._unrealised_inverse(
            ledger_math._size(position), ledger_math._entry(position), ledger_math._funding_index(position), word
        )
    else:
        unrealised = self._unrealised(position, word)
    return IMarginEngine.PositionRisk(
        market=market,
        size=ledger_math._size(position),
        mark=word & MASK_72,
        spot=(word >> 72) & MASK_72,
        confidence=(word >> 224) & MASK_28,
        unrealised=unrealised,
        bids=bids,
        asks=asks,
    )


@internal
@view
def _admits(account: uint256, change: int256, after: Overlay, adds_risk: bool) -> (bool, bool):
    """
    @dev Initial margin after the change; or, when no risk is added, a shortfall that does not grow. The
         second needs no fresh price: reducing must stay possible when the oracle is silent.
    @return (whether it is admitted, whether every price was valid)
    """
    then: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    then, valid = self._assess(account, change, after)
    shortfall: int256 = convert(then.initial_margin, int256) - then.equity
    if adds_risk or shortfall <= 0:
        return shortfall <= 0 and (valid or not adds_risk), valid
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    now, valid = self._assess(account, 0, empty(Overlay))
    return shortfall <= convert(now.initial_margin, int256) - now.equity, valid


@internal
@view
def _permits(account: uint256, market: uint256, listed: uint256) -> bool:
    """
    @dev Asks the account's engine whether it may hold a market beside `listed` others.
    """
    state: IVault.AccountState = staticcall VAULT.account(account)
    return staticcall IMarginEngine(state.engine).permits(account, market, listed)


@internal
@pure
def _index_of(word: uint256) -> int256:
    """
    @dev Funding index of a market word (IInstruments).
    """
    return convert(convert(word << 32, bytes32), int256) >> 176


@internal
@pure
def _unrealised(position: uint256, word: uint256) -> int256:
    """
    @dev size * ((mark - entry) - (index now - index then)), wad. |size| < 2**79 and both differences are
         below 2**81, so the product stays below 2**161 and nothing here can overflow.
    """
    return unsafe_mul(
        ledger_math._size(position),
        unsafe_sub(
            convert(convert(unsafe_sub(word & MASK_72, ledger_math._entry(position)), bytes32), int256),
            unsafe_sub(self._index_of(word), ledger_math._funding_index(position)),
        ),
    )


@internal
@pure
def _unrealised_inverse(size: int256, entry: uint256, funding_index: int256, word: uint256) -> int256:
    """
    @dev coin * mark - size * (1 USD + index now - index then), wad: the coin balance at mark less the contracts.
         |coin| and |size| < 2**79, so the products stay below 2**161.
    """
    return unsafe_sub(
        unsafe_mul(ledger_math._coin(entry), convert(word & MASK_72, int256)),
        unsafe_mul(
            size,
            unsafe_add(convert(market_math.NANO, int256), unsafe_sub(self._index_of(word), funding_index)),
        ),
    )
