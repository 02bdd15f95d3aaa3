# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title CoinPool: inverse perpetuals are settled in their coin
@license AGPL-3.0-only
@notice Pays PnL of inverse positions from one account's collateral of the coin to another's, through an account of its
        own in the Vault. Anyone may settle any account that is not in liquidation, as often as he likes:
            a loser pays what it owes at mark, as far as it holds the coin;
            a winner is paid what it has won at mark, as far as the pool reaches.
        What is not paid stays in the coin balance c of the position and counts in equity at mark. With contracts
        open, PnL is taken at a valid mark; without any, c itself is what is due and no price is needed.
        Coin as collateral is valued at spot and bears a haircut, a coin balance is valued at mark and bears margin: what
        a settlement makes of the margin is checked, and none may create or deepen a shortfall.
        An account in liquidation keeps its collateral for those who bid for it. When it has closed its contracts, owes
        coin and holds none, anyone may have a winner's claim exchanged for its cash at mark: then its debt is in
        USD, which insurance fund and write-off can deal with.
"""

from ethereum.ercs import IERC20Detailed
from contracts.interfaces import ICoinPool
from contracts.interfaces import IInstruments
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import fixed_point
from contracts.math import ledger_math
from contracts.math import market_math
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: ICoinPool

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

interface ITokens:
    def collateral_token(asset: uint256) -> address: view

NO_ADDRESS: constant(String[32]) = "coin_pool: zero address"
WIRED: constant(String[32]) = "coin_pool: already wired"
NOT_INVERSE: constant(String[32]) = "coin_pool: not an inverse market"
ADDED: constant(String[32]) = "coin_pool: market already added"
NO_MARKET: constant(String[32]) = "coin_pool: no such market"
NO_ASSET: constant(String[32]) = "coin_pool: no such asset"
LIQUIDATING: constant(String[40]) = "coin_pool: account in liquidation"
NOT_LIQUIDATING: constant(String[32]) = "coin_pool: not in liquidation"
STALE_PRICE: constant(String[32]) = "coin_pool: stale price"
SHORTFALL: constant(String[32]) = "coin_pool: shortfall would grow"
NOT_DEBTOR: constant(String[40]) = "coin_pool: account owes no coin alone"
HAS_COIN: constant(String[32]) = "coin_pool: account holds coin"
NOT_CREDITOR: constant(String[32]) = "coin_pool: nothing to be paid"

NANO_DECIMALS: constant(uint256) = 9

event Wired:
    ledger: address
    account: uint256

VAULT: immutable(IVault)
INSTRUMENTS: immutable(IInstruments)

ledger: public(ILedger)
# The pool's own account in the Vault.
account: public(uint256)
# market -> collateral of the Vault in which it is settled
assets: HashMap[uint256, uint256]
# asset -> decimals of its token
decimals: HashMap[uint256, uint256]
# market -> nano coin, the sum of all its coin balances. The Vault holds at least as much for the pool: it is paid in
# token units, rounded up, and pays rounded down.
pools: HashMap[uint256, uint256]


@deploy
def __init__(vault: address, instruments: address):
    """
    @notice Deploys an empty pool owned by the deployer.
    """
    assert vault != empty(address) and instruments != empty(address), NO_ADDRESS
    ownable.__init__()
    ownable_2step.__init__()
    VAULT = IVault(vault)
    INSTRUMENTS = IInstruments(instruments)


@external
def wire(ledger: address, engine_id: uint256):
    """
    @notice Names, once, the Ledger, and opens the pool's account. Owner only.
    @param engine_id Any engine of the Vault; the account never trades.
    """
    ownable._check_owner()
    assert self.ledger.address == empty(address), WIRED
    assert ledger != empty(address), NO_ADDRESS
    self.ledger = ILedger(ledger)
    account: uint256 = extcall VAULT.create_account(engine_id)
    self.account = account
    log Wired(ledger=ledger, account=account)


@external
def add_market(market: uint256, asset: uint256):
    """
    @notice Names, once, the collateral in which an inverse perpetual is settled; it must be the market's coin, on
            its feed. Owner only.
    """
    ownable._check_owner()
    assert market >> 7 == market_math.INVERSE_BLOCK, NOT_INVERSE
    assert self.assets[market] == 0, ADDED
    token: address = staticcall ITokens(VAULT.address).collateral_token(asset)
    assert token != empty(address), NO_ASSET
    self.assets[market] = asset
    self.decimals[asset] = convert(staticcall IERC20Detailed(token).decimals(), uint256)
    log ICoinPool.MarketAdded(market=market, asset=asset)


# ---------------------------------------------------------------- everyone


@external
@nonreentrant
def settle(account: uint256, market: uint256) -> int256:
    """
    @notice Pays the account's PnL of one inverse market in coin, or has it pay; anyone.
    @return int256 Nano coin that it was paid, negative what it paid; 0 when nothing can move.
    """
    asset: uint256 = self._asset(market)
    ledger: ILedger = self.ledger
    assert not staticcall ledger.in_liquidation(account), LIQUIDATING
    mark: uint256 = 0
    valid: bool = False
    mark, valid = self._mark(market)
    position: ILedger.Position = staticcall ledger.position(account, market)
    assert valid or position.size == 0, STALE_PRICE
    profit: int256 = self._profit_down(position.size, ledger_math._coin(position.entry_price), mark)
    held: uint256 = self.pools[market]
    before: int256 = self._shortfall(account)
    moved: int256 = 0
    units: uint256 = 0
    if profit < 0:
        available: uint256 = self._nano_down(asset, staticcall VAULT.collateral(account, asset))
        paid: uint256 = min(convert(-profit, uint256), available)
        if position.size != 0:
            # Called again and again, rounding up would cost a token unit each time.
            paid = self._nano_down(asset, self._units_down(asset, paid))
        if paid == 0:
            return 0
        units = self._units_up(asset, paid)
        moved = -convert(paid, int256)
        self.pools[market] = held + paid
        extcall ledger.settle_coin(account, market, -moved, 0)
        extcall VAULT.move_collateral(account, self.account, asset, units)
    else:
        paid: uint256 = min(convert(profit, uint256), held)
        units = self._units_down(asset, paid)
        # What is less than a token unit is worth waiting for unless it is the last of a claim that ends here.
        if position.size != 0 or paid != convert(profit, uint256):
            paid = self._nano_down(asset, units)
        if paid == 0:
            return 0
        moved = convert(paid, int256)
        self.pools[market] = held - paid
        extcall ledger.settle_coin(account, market, -moved, 0)
        if units != 0:
            extcall VAULT.move_collateral(self.account, account, asset, units)
    assert self._shortfall(account) <= max(before, 0), SHORTFALL
    log ICoinPool.CoinSettled(account=account, market=market, coin=moved, units=units, pool=self.pools[market])
    return moved


@external
@nonreentrant
def close_debt(debtor: uint256, creditor: uint256, market: uint256) -> uint256:
    """
    @notice Coin that an account in liquidation owes and does not hold, against a winner's claim, for cash at mark; anyone.
    @param debtor Without contracts in the market and without its coin.
    @param creditor Not in liquidation, with a PnL in coin above zero; its shortfall must not grow.
    @return uint256 Nano coin.
    """
    asset: uint256 = self._asset(market)
    ledger: ILedger = self.ledger
    assert staticcall ledger.in_liquidation(debtor), NOT_LIQUIDATING
    assert not staticcall ledger.in_liquidation(creditor), LIQUIDATING
    mark: uint256 = 0
    valid: bool = False
    mark, valid = self._mark(market)
    assert valid, STALE_PRICE
    position: ILedger.Position = staticcall ledger.position(debtor, market)
    owed: int256 = ledger_math._coin(position.entry_price)
    assert position.size == 0 and owed < 0, NOT_DEBTOR
    assert staticcall VAULT.collateral(debtor, asset) == 0, HAS_COIN
    position = staticcall ledger.position(creditor, market)
    claim: int256 = self._profit_down(position.size, ledger_math._coin(position.entry_price), mark)
    assert claim > 0, NOT_CREDITOR
    moved: int256 = min(claim, -owed)
    before: int256 = self._shortfall(creditor)
    extcall ledger.settle_coin(debtor, market, moved, mark)
    extcall ledger.settle_coin(creditor, market, -moved, mark)
    assert self._shortfall(creditor) <= max(before, 0), SHORTFALL
    log ICoinPool.DebtClosed(
        debtor=debtor, creditor=creditor, market=market, coin=convert(moved, uint256), price=mark
    )
    return convert(moved, uint256)


# ---------------------------------------------------------------- views


@external
@view
def asset(market: uint256) -> uint256:
    """
    @notice The collateral in which a market is settled; 0 of a market that was not added.
    """
    return self.assets[market]


@external
@view
def pool(market: uint256) -> uint256:
    """
    @notice Nano coin that losers of a market have paid and winners not yet taken: the sum of its coin balances.
    """
    return self.pools[market]


@external
@view
def view(account: uint256, market: uint256) -> ICoinPool.InverseView:
    """
    @notice An inverse position in coin and in USD.
    """
    assert market >> 7 == market_math.INVERSE_BLOCK, NOT_INVERSE
    word: uint256 = (staticcall INSTRUMENTS.words([market]))[0]
    position: ILedger.Position = staticcall self.ledger.position(account, market)
    coin: int256 = ledger_math._coin(position.entry_price)
    mark: uint256 = word & (2**72 - 1)
    delta: int256 = 0
    if mark != 0:
        squared: int256 = convert(mark * mark, int256)
        delta = fixed_point._div_floor(position.size * 10**18, squared)
    return ICoinPool.InverseView(
        contracts=position.size,
        coin=coin,
        profit_coin=self._profit_down(position.size, coin, mark),
        profit_usd=coin * convert(mark, int256) - position.size * convert(market_math.NANO, int256),
        funding=-position.size * (fixed_point._signed_field(word, 144, 80) - position.funding_index),
        delta_coin=delta,
        mark=mark,
        valid=word >> 255 == 1,
    )


# ---------------------------------------------------------------- internals


@internal
@view
def _asset(market: uint256) -> uint256:
    asset: uint256 = self.assets[market]
    assert asset != 0, NO_MARKET
    return asset


@internal
@view
def _mark(market: uint256) -> (uint256, bool):
    """
    @return (nano USD, whether it may be used)
    """
    word: uint256 = (staticcall INSTRUMENTS.words([market]))[0]
    return word & (2**72 - 1), word >> 255 == 1


@internal
@pure
def _profit_down(size: int256, coin: int256, mark: uint256) -> int256:
    """
    @dev c - N / m in nano coin, rounded toward minus infinity; c without contracts, whatever the mark.
    """
    if size == 0 or mark == 0:
        return coin
    return coin + fixed_point._div_floor(-size * convert(market_math.NANO, int256), convert(mark, int256))


@internal
@view
def _shortfall(account: uint256) -> int256:
    """
    @dev Initial margin less equity, wad, at the last known prices.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall self.ledger.assess(account)
    return convert(now.initial_margin, int256) - now.equity


@internal
@view
def _nano_down(asset: uint256, units: uint256) -> uint256:
    """
    @dev Nano coin of token units, rounded down.
    """
    decimals: uint256 = self.decimals[asset]
    if decimals < NANO_DECIMALS:
        return units * 10 ** (NANO_DECIMALS - decimals)
    return units // 10 ** (decimals - NANO_DECIMALS)


@internal
@view
def _units_down(asset: uint256, nano: uint256) -> uint256:
    """
    @dev Token units of nano coin, rounded down.
    """
    decimals: uint256 = self.decimals[asset]
    if decimals < NANO_DECIMALS:
        return nano // 10 ** (NANO_DECIMALS - decimals)
    return nano * 10 ** (decimals - NANO_DECIMALS)


@internal
@view
def _units_up(asset: uint256, nano: uint256) -> uint256:
    """
    @dev Token units of nano coin, rounded up.
    """
    units: uint256 = self._units_down(asset, nano)
    if self._nano_down(asset, units) < nano:
        return units + 1
    return units
