# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Lens: what simulations, bots and people read, in batches
@license AGPL-3.0-only
@notice Holds nothing and changes nothing. One `system` call with Vault.words_of and Ledger.words_of is the whole world of a block.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IExchange
from contracts.interfaces import IInstruments
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import ILens
from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IOracle
from contracts.interfaces import IVault
from contracts.math import stress_math
from contracts.modules import stressed_deficits

implements: ILens

initializes: stressed_deficits

exports: (
    # what accounts would owe after a move of all prices
    stressed_deficits.stressed,
    stressed_deficits.dated_changes,
)

interface IFund:
    def totalAssets() -> uint256: view

interface IDecimals:
    def decimals() -> uint8: view

interface ITokens:
    def cash_token() -> address: view
    def collateral_token(asset: uint256) -> address: view
    def interest_indexes() -> (uint256, uint256): view

MAX_LEVELS: constant(uint256) = 64
# Accounts that `solvency` puts under stress: 21 million gas where each holds two perpetuals, and 0.07 million for each
# option market among them. A node answers calls of 50 million.
MAX_STRESSED: constant(uint256) = 512
LADDER: constant(int256[12]) = [-5_000, -4_000, -3_000, -2_000, -1_000, -500, 0, 500, 1_000, 2_000, 3_000, 5_000]
# Where the ladder has no move.
LEVEL: constant(uint256) = 6

VAULT: immutable(IVault)
LEDGER: immutable(ILedger)
INSTRUMENTS: immutable(IInstruments)
ORACLE: immutable(IOracle)
EXCHANGE: immutable(IExchange)
LIQUIDATOR: immutable(ILiquidator)
FUND: immutable(IInsuranceFund)
CASH_TOKEN: immutable(IERC20)
# Wad USD per unit of the cash token.
SCALE: immutable(uint256)


@deploy
def __init__(
    vault: address,
    ledger: address,
    instruments: address,
    oracle: address,
    exchange: address,
    liquidator: address,
    fund: address,
):
    """
    @notice Deploys a lens over one instance of the protocol.
    """
    VAULT = IVault(vault)
    LEDGER = ILedger(ledger)
    INSTRUMENTS = IInstruments(instruments)
    ORACLE = IOracle(oracle)
    EXCHANGE = IExchange(exchange)
    LIQUIDATOR = ILiquidator(liquidator)
    FUND = IInsuranceFund(fund)
    CASH_TOKEN = IERC20(staticcall ITokens(vault).cash_token())
    SCALE = 10 ** convert(18 - staticcall IDecimals(CASH_TOKEN.address).decimals(), uint256)
    stressed_deficits.__init__(vault, ledger, instruments, liquidator, SCALE)


@external
@view
def accounts(first: uint256, count: uint256) -> DynArray[ILens.AccountSummary, 1024]:
    """
    @notice Margin of accounts first..first+count-1 under their engines; beyond the newest account it stops.
    """
    result: DynArray[ILens.AccountSummary, 1024] = []
    last: uint256 = staticcall VAULT.account_count()
    for account: uint256 in range(first, first + count, bound=1024):
        if account > last:
            break
        margin: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
        valid: bool = False
        margin, valid = staticcall LEDGER.assess(account)
        state: IVault.AccountState = staticcall VAULT.account(account)
        result.append(
            ILens.AccountSummary(
                account=account,
                owner=state.owner,
                equity=margin.equity,
                initial_margin=margin.initial_margin,
                maintenance_margin=margin.maintenance_margin,
                cash=staticcall VAULT.cash(account),
                valid=valid,
                in_liquidation=staticcall LEDGER.in_liquidation(account),
            )
        )
    return result


@external
@view
def explain(account: uint256) -> DynArray[IMarginEngine.Term, 256]:
    """
    @notice The margin of an account term by term; the terms sum exactly to `assess`.
    """
    portfolio: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    portfolio, valid = staticcall LEDGER.portfolio(account)
    state: IVault.AccountState = staticcall VAULT.account(account)
    return staticcall IMarginEngine(state.engine).explain(portfolio)


@external
@view
def solvency() -> ILens.Solvency:
    """
    @notice Assets, claims and deficits of the whole system, and stressed deficits of its first 512 accounts on a ladder of
            shocks: the whole picture of a system that is not larger. See `stressed` for pages and other ladders.
    """
    totals: IVault.Reconciliation = staticcall VAULT.reconcile()
    held: uint256 = staticcall CASH_TOKEN.balanceOf(VAULT.address)
    fund: uint256 = staticcall IFund(FUND.address).totalAssets()
    ladder: DynArray[int256, 16] = []
    for shock: int256 in LADDER:
        ladder.append(shock)
    stressed: ILens.Stressed = stressed_deficits._stressed(ladder, 1, MAX_STRESSED)
    return ILens.Solvency(
        assets=totals.assets,
        claims=totals.claims,
        deficit=totals.deficit,
        exchange_rate=staticcall VAULT.exchange_rate(),
        fund_assets=fund,
        insolvent=staticcall LIQUIDATOR.total_insolvent(),
        token_surplus=convert(held, int256) - convert(totals.assets // SCALE, int256),
        accounts=staticcall VAULT.account_count(),
        stressed=stressed,
        depletion_down=self._depletion(stressed, fund * SCALE, -1),
        depletion_up=self._depletion(stressed, fund * SCALE, 1),
    )


@external
@view
def system(markets: DynArray[uint256, 64], assets: uint256, levels: uint256) -> DynArray[uint256, 16384]:
    """
    @notice Raw words for batch readers:
            0 time, 1 accounts, 2 assets, 3 claims, 4 deficit, 5 net settled, 6 fees, 7 interest reserve, 8 supply,
            9 borrow, 10 borrow index, 11 supply index, 12 vault's balance of the cash token, 13 fund assets, 14 insolvent,
            15 exchange rate; then per asset 1..`assets`: units held, vault's token balance;
            then per market: tick word, market word, funding rate per hour, funding index (1e-18), open interest,
            number of bid levels, (tick << 64 | lots) each, number of ask levels, likewise.
            Signed figures are two's complement.
    """
    words: DynArray[uint256, 16384] = []
    totals: IVault.Reconciliation = staticcall VAULT.reconcile()
    borrow_index: uint256 = 0
    supply_index: uint256 = 0
    borrow_index, supply_index = staticcall ITokens(VAULT.address).interest_indexes()
    words.append(block.timestamp)
    words.append(staticcall VAULT.account_count())
    words.append(totals.assets)
    words.append(self._bits(totals.claims))
    words.append(totals.deficit)
    words.append(self._bits(totals.net_settled))
    words.append(totals.fees)
    words.append(self._bits(totals.interest_reserve))
    words.append(totals.total_supply)
    words.append(totals.total_borrow)
    words.append(borrow_index)
    words.append(supply_index)
    words.append(staticcall CASH_TOKEN.balanceOf(VAULT.address))
    words.append(staticcall IFund(FUND.address).totalAssets())
    words.append(staticcall LIQUIDATOR.total_insolvent())
    words.append(staticcall VAULT.exchange_rate())
    for asset: uint256 in range(1, assets + 1, bound=8):
        words.append(staticcall VAULT.collateral_held(asset))
        words.append(
            staticcall IERC20(staticcall ITokens(VAULT.address).collateral_token(asset)).balanceOf(VAULT.address)
        )
    market_words: DynArray[uint256, 64] = staticcall INSTRUMENTS.words(markets)
    for i: uint256 in range(len(markets), bound=64):
        market: uint256 = markets[i]
        spec: IInstruments.MarketSpec = staticcall INSTRUMENTS.spec(market)
        funding: IInstruments.Funding = staticcall INSTRUMENTS.funding(market)
        words.append(staticcall ORACLE.word(spec.feed))
        words.append(market_words[i])
        words.append(self._bits(funding.rate))
        words.append(self._bits(funding.index))
        words.append(staticcall LEDGER.open_interest(market))
        for is_bid: bool in [True, False]:
            depth: DynArray[IExchange.Level, MAX_LEVELS] = staticcall EXCHANGE.depth(market, is_bid, levels)
            words.append(len(depth))
            for level: IExchange.Level in depth:
                words.append((level.tick << 64) | level.lots)
    return words


@internal
@pure
def _depletion(stressed: ILens.Stressed, cover: uint256, step: int256) -> uint256:
    """
    @dev The smallest shock on one side of the ladder that passes the cover, bps; stress_math.NEVER when none does.
    """
    place: int256 = convert(LEVEL, int256)
    near: ILens.StressedDeficit = stressed.rows[LEVEL]
    for i: uint256 in range(LEVEL):
        place += step
        if place >= convert(len(stressed.rows), int256):
            break
        far: ILens.StressedDeficit = stressed.rows[convert(place, uint256)]
        found: uint256 = stress_math._crossing(
            near.shock, far.shock, near.deficit - near.lines, far.deficit - far.lines, cover
        )
        if found != stress_math.NEVER:
            return found
        near = far
    return stress_math.NEVER


@internal
@pure
def _bits(amount: int256) -> uint256:
    return convert(convert(amount, bytes32), uint256)
