# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Views of the Vault
@license AGPL-3.0-only
@notice What accounts hold, what the books say, and the money side of a margin check. Changes nothing.
"""

from contracts.interfaces import ICreditMargin
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IOracle
from contracts.interfaces import IVault
from contracts.math import ledger_math
from contracts.modules import accounts
from contracts.modules import cash_ledger
from contracts.modules import collateral_store
from contracts.modules import vault_parameters

uses: accounts
uses: cash_ledger
uses: collateral_store
uses: vault_parameters

MAX_COLLATERALS: constant(uint256) = 8
# A stablecoin without a feed is taken at one USD.
ONE_USD_NANO: constant(uint256) = 10**9

ORACLE: immutable(IOracle)


@deploy
def __init__(oracle: address):
    ORACLE = IOracle(oracle)


@external
@view
def authorised(account: uint256, caller: address) -> bool:
    """
    @notice Whether `caller` owns the account or is its delegate.
    """
    return accounts._is_authorised(account, caller)


@external
@view
def account_count() -> uint256:
    """
    @notice Number of accounts; the newest has this number.
    """
    return accounts.account_count


@external
@view
def account(account: uint256) -> IVault.AccountState:
    """
    @notice The account's state as stored; `cash` is without interest since the last touch.
    """
    word: uint256 = accounts.words[account]
    engine_id: uint256 = accounts._engine_id(account)
    return IVault.AccountState(
        owner=accounts._owner(account),
        engine=vault_parameters._engine(engine_id),
        engine_id=engine_id,
        subaccount=accounts._subaccount(account),
        cash=ledger_math._cash(word),
        assets=ledger_math._bitmap(word),
    )


@external
@view
def cash(account: uint256) -> int256:
    """
    @notice Cash with interest to this block, wad, rounded toward minus infinity.
    """
    return cash_ledger._cash_now(accounts.words[account])


@external
@view
def collateral(account: uint256, asset: uint256) -> uint256:
    """
    @notice Token units of a collateral.
    """
    return collateral_store._balance(account, asset)


@external
@view
def money(account: uint256) -> (int256, uint256, DynArray[IMarginEngine.CollateralRisk, MAX_COLLATERALS], bool, address):
    """
    @notice The money side of a portfolio: cash with interest (wad), price of the cash token (nano USD),
            collateral, whether every price used is valid, and the account's engine. On the credit engine
            the last collateral is the account's line.
    """
    word: uint256 = accounts.words[account]
    valid: bool = True
    stable_price: uint256 = ONE_USD_NANO
    stable_feed: uint256 = vault_parameters.stable_feed
    if stable_feed != 0:
        tick: uint256 = staticcall ORACLE.word(stable_feed)
        stable_price = tick & (2**72 - 1)
        valid = self._tick_valid(tick)
    collaterals: DynArray[IMarginEngine.CollateralRisk, MAX_COLLATERALS] = []
    bitmap: uint256 = ledger_math._bitmap(word)
    if bitmap != 0:
        for asset: uint256 in range(1, MAX_COLLATERALS + 1):
            if bitmap & (1 << (asset - 1)) == 0:
                continue
            params: uint256 = collateral_store.params[asset]
            tick: uint256 = staticcall ORACLE.word(params & 65535)
            valid = valid and self._tick_valid(tick)
            collaterals.append(
                IMarginEngine.CollateralRisk(
                    asset=asset,
                    value=collateral_store._value_down(
                        collateral_store._balance(account, asset), tick & (2**72 - 1), params
                    ),
                    confidence=(tick >> 144) & (2**28 - 1),
                    maintenance_haircut=(params >> 24) & 65535,
                    initial_haircut=(params >> 40) & 65535,
                )
            )
    engine: uint256 = vault_parameters.engine_words[accounts._engine_id(account)]
    if engine > vault_parameters.MASK_160:
        collaterals.append(staticcall ICreditMargin(convert(engine & vault_parameters.MASK_160, address)).line(account))
    return (
        cash_ledger._cash_now(word),
        stable_price,
        collaterals,
        valid,
        convert(engine & vault_parameters.MASK_160, address),
    )


@external
@view
def reconcile() -> IVault.Reconciliation:
    """
    @notice Assets against claims, to the wei: claims == assets + deficit always.
    """
    backing: uint256 = cash_ledger.backing
    deficit: uint256 = cash_ledger._deficit()
    return IVault.Reconciliation(
        assets=backing,
        claims=convert(backing + deficit, int256),
        deficit=deficit,
        net_settled=cash_ledger._net_settled(),
        fees=cash_ledger._fees(),
        interest_reserve=cash_ledger._interest_reserve(),
        total_supply=cash_ledger.totals & (2**128 - 1),
        total_borrow=cash_ledger.totals >> 128,
    )


@external
@view
def exchange_rate() -> uint256:
    """
    @notice Tokens per unit of cash in a withdrawal, wad, rounded down.
    """
    return cash_ledger._exchange_rate()


@external
@view
def interest_indexes() -> (uint256, uint256):
    """
    @notice Borrow and supply index at this block, wad.
    """
    borrow_index: uint256 = 0
    supply_index: uint256 = 0
    charged: uint256 = 0
    borrow_index, supply_index, charged = cash_ledger._indexes_now()
    return borrow_index, supply_index


@external
@view
def cash_token() -> address:
    """
    @notice The token of asset 0.
    """
    return collateral_store.CASH_TOKEN.address


@external
@view
def collateral_token(asset: uint256) -> address:
    """
    @notice The token of a collateral.
    """
    return collateral_store.tokens[asset].address


@external
@view
def collateral_held(asset: uint256) -> uint256:
    """
    @notice Token units of a collateral held for all accounts.
    """
    return collateral_store.held[asset]


@external
@view
def words_of(first: uint256, count: uint256, assets: uint256) -> DynArray[uint256, 8192]:
    """
    @notice Raw money of accounts first..first+count-1 for batch readers: per account its word, then units of assets 1..`assets`.
    """
    words: DynArray[uint256, 8192] = []
    for account: uint256 in range(first, first + count, bound=8192):
        words.append(accounts.words[account])
        for asset: uint256 in range(1, assets + 1, bound=MAX_COLLATERALS):
            words.append(collateral_store._balance(account, asset))
    return words


@internal
@view
def _tick_valid(tick: uint256) -> bool:
    """
    @dev The rule of IOracle: no flag, a price, and fresh.
    """
    return (
        tick >> 252 == 0
        and tick & (2**72 - 1) != 0
        and block.timestamp <= ((tick >> 172) & (2**32 - 1)) + ((tick >> 236) & 65535)
    )
