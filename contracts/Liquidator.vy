# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Liquidator: margin calls, auctions of portfolio slices, the insolvency waterfall
@license AGPL-3.0-only
@notice The state machine of an account; E is equity, M maintenance margin, B = E - M (1 + buffer).

        IDLE        E < IM: anyone may call for margin: notice, grace, escalation (modules/margin_calls.vy). E < M, or
                    B < 0 while escalated: anyone may start. The account's orders are cancelled, its
                    owner shut out save for deposits, and a fee (and the starter's reward) taken, both
                    bounded shares of E. It enters SOLVENT, or INSOLVENT when E <= 0.
        SOLVENT     A Dutch auction of slices. The whole would cost (E - R) d(t), R being the cash that earlier
                    bidders paid; a bidder takes at most the fraction f that brings B to zero, which ends
                    the auction. When R >= E, or nobody came before d reached 0, it may be started again. When
                    E <= 0, or d reached 0, anyone may mark it insolvent.
        INSOLVENT   Bidders are paid, by the account's credit line and then by the insurance fund, from the deficit at
                    first to deficit plus M at the end. When both cannot pay the price of the whole, or the
                    time is over, anyone may mark it for deleveraging; what they still have pays for the deficit first.
        DELEVERAGE  Positions are closed against profitable counterparties, ranked, who forgo profit up to the
                    deficit. Collateral then goes to bidders at the insolvent price.
        write-off   Of an account with nothing left but a loan: the fund once more, the rest is socialised.

        Recovery: once E > 0 again, nothing is sold at the insolvent price, nor paid or given up, until anyone has
        started the account as SOLVENT again; save where a solvent auction has run out before, so
        that a price of zero is always reached in the end. Clocks of both phases only stand
        still meanwhile (modules/auction_store.vy): changing phase to and fro gains nobody time.
        From every phase the account returns to IDLE as soon as B >= 0. After the start no bid increases the
        maintenance shortfall (M - E)+ or lowers B. Every stage of the waterfall acts only when
        the one before has nothing left, and each wei of bad debt is recognised by one BadDebtRealised.

        Prices: every step needs valid ones and refuses stale ones. The clock of a live auction goes on while
        prices are stale: bids resume at the discount of the time, and a silence as long as the whole
        auction ends in a restart or in the insolvent phase, whichever is called first.
        Nothing here can be paused, and there is no guardian.
        Selling to oneself through a second account gains nothing while the account is solvent: what
        the discount gives one the other loses, and the fee is lost to both.
"""

from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.math import auction_math
from contracts.modules import auction_phases
from contracts.modules import auction_quote
from contracts.modules import auction_store
from contracts.modules import liquidation_parameters
from contracts.modules import margin_calls
from contracts.modules import waterfall
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: ILiquidator

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: liquidation_parameters[ownable := ownable]
initializes: auction_store
initializes: auction_quote[auction_store := auction_store, liquidation_parameters := liquidation_parameters]
initializes: auction_phases[auction_quote := auction_quote, auction_store := auction_store]
initializes: margin_calls[
    auction_quote := auction_quote,
    auction_store := auction_store,
    liquidation_parameters := liquidation_parameters,
]
initializes: waterfall[
    auction_phases := auction_phases,
    auction_quote := auction_quote,
    auction_store := auction_store,
    liquidation_parameters := liquidation_parameters,
]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    liquidation_parameters.parameters,
    liquidation_parameters.set_parameters,
    margin_calls.call_margin,
    margin_calls.escalate,
    margin_calls.cure,
    margin_calls.margin_call,
    auction_store.total_insolvent,
    auction_quote.auction,
    auction_phases.mark_insolvent,
    auction_phases.stop,
    auction_phases.refresh,
    waterfall.credit_desk,
    waterfall.mark_deleverage,
    waterfall.deleverage,
    waterfall.write_off,
)

NOT_AUTHORISED: constant(String[32]) = "liquidator: not authorised"
SAME_ACCOUNT: constant(String[32]) = "liquidator: same account"
NO_ACCOUNT: constant(String[32]) = "liquidator: no such account"
ZERO_FRACTION: constant(String[32]) = "liquidator: zero fraction"
PRICE_LIMIT: constant(String[32]) = "liquidator: price above limit"
OVER: constant(String[32]) = "liquidator: auction is over"
SLICE_TOO_SMALL: constant(String[32]) = "liquidator: slice below lots"
MARGIN_WORSE: constant(String[32]) = "liquidator: margin worse"
BIDDER_MARGIN: constant(String[32]) = "liquidator: bidder below margin"
FUND_EMPTY: constant(String[32]) = "liquidator: fund is empty"
HAS_POSITIONS: constant(String[32]) = "liquidator: has positions"

WAD: constant(uint256) = 10**18

# Reasons of CashMoved (IVault).
PAYMENT: constant(uint256) = 4
REWARD: constant(uint256) = 7
FEE: constant(uint256) = 8


@deploy
def __init__(
    vault: address,
    ledger: address,
    instruments: address,
    exchange: address,
    insurance_fund: address,
    credit_desk: address,
):
    """
    @notice Deploys with conservative parameters, owned by the deployer.
    @param insurance_fund Its asset must be the cash token of `vault`, at most 18 decimals.
    @param credit_desk ICreditDesk whose lenders pay first for accounts with a line; the zero address: none.
    """
    ownable.__init__()
    ownable_2step.__init__()
    liquidation_parameters.__init__()
    auction_store.__init__()
    auction_quote.__init__(ledger)
    margin_calls.__init__(exchange)
    waterfall.__init__(vault, instruments, insurance_fund, credit_desk)


# ---------------------------------------------------------------- starting


@external
@nonreentrant
def start(account: uint256):
    """
    @notice Puts an account up for auction that is below maintenance margin, or below the buffer while its margin call
            is escalated; anyone. Starts a live auction again when earlier payments reach its equity or
            nobody came in time, and makes one solvent again whose account has recovered.
    """
    self._start(account, 0)


@external
@nonreentrant
def start_for(account: uint256, keeper: uint256):
    """
    @notice As `start`, and pays the starter's reward from the account's cash to the account `keeper`; the reward
            is for new auctions only.
    """
    assert keeper != account, SAME_ACCOUNT
    assert keeper != 0 and keeper <= staticcall waterfall.VAULT.account_count(), NO_ACCOUNT
    self._start(account, keeper)


# ---------------------------------------------------------------- bidding


@external
@nonreentrant
def bid(account: uint256, bidder: uint256, fraction: uint256, max_price: int256) -> (uint256, int256):
    """
    @notice Takes a slice of the account into the account `bidder`, whose owner or delegate calls, and which must
            pass initial margin with it.
    @param fraction Wad of the portfolio; cut to what may be taken now.
    @param max_price Wad that the slice may cost at most; negative: the least that must be received.
    @return uint256 Fraction taken.
    @return int256 Wad paid, rounded up; negative: received.
    """
    assert bidder != account, SAME_ACCOUNT
    assert staticcall auction_quote.LEDGER.authorised(bidder, msg.sender), NOT_AUTHORISED
    state: auction_store.State = auction_store._load(account)
    assert state.phase != ILiquidator.Phase.IDLE, auction_phases.WRONG_PHASE
    before: IMarginEngine.Assessment = auction_quote._assess(account)
    quote: auction_quote.Quote = auction_quote._quote(state, before)
    if state.phase == ILiquidator.Phase.SOLVENT:
        assert before.equity > 0 and not auction_quote._is_over(state), OVER
        assert quote.price > 0, auction_phases.RESTART
    elif state.phase == ILiquidator.Phase.DELEVERAGE:
        self._check_no_size(account)
    assert not auction_quote._is_recovered(state, before), auction_phases.RESTART

    taken: uint256 = min(fraction, quote.max_fraction)
    assert taken != 0, ZERO_FRACTION
    price: int256 = auction_math._slice_price_up(quote.price, taken)
    assert price <= max_price, PRICE_LIMIT

    drawn: uint256 = 0
    if state.phase == ILiquidator.Phase.INSOLVENT:
        drawn = self._recognise(account, convert(-price, uint256), taken, before.equity)
    extcall auction_quote.LEDGER.transfer_slice(account, bidder, taken, state.reserved + drawn)
    if price > 0:
        extcall waterfall.VAULT.move_cash(bidder, account, convert(price, uint256), PAYMENT)
        state.reserved += convert(price, uint256)
        auction_store._save(account, state)
    elif price < 0:
        # Out of what the fund has just paid; of an account that was deleveraged, further into its debt, which the
        # write-off will recognise.
        extcall waterfall.VAULT.move_cash(account, bidder, convert(-price, uint256), PAYMENT)

    holder: IMarginEngine.Assessment = auction_quote._assess(bidder)
    assert holder.equity >= convert(holder.initial_margin, int256), BIDDER_MARGIN
    after: IMarginEngine.Assessment = auction_quote._assess(account)
    capped: bool = taken == quote.max_fraction
    self._check_progress(before, after, taken, quote.buffer_margin, state.phase)
    log ILiquidator.AuctionBid(
        account=account,
        bidder=bidder,
        fraction=taken,
        price=price,
        equity=after.equity,
        maintenance_margin=after.maintenance_margin,
    )
    auction_phases._conclude(account, state.phase, after, capped, taken)
    return taken, price


# ---------------------------------------------------------------- internal


@internal
@view
def _check_no_size(account: uint256):
    """
    @dev Profit in coin may be left where nothing is left to deleverage: it is sold like collateral.
    """
    for market: uint256 in staticcall auction_quote.LEDGER.markets_of(account):
        assert (staticcall auction_quote.LEDGER.position(account, market)).size == 0, HAS_POSITIONS


@internal
def _start(account: uint256, keeper: uint256):
    """
    @dev Anyone; `keeper` 0 takes no reward.
    """
    state: auction_store.State = auction_store._load(account)
    now: IMarginEngine.Assessment = auction_quote._assess(account)
    if state.phase != ILiquidator.Phase.IDLE:
        assert self._may_restart(account, state, now), auction_phases.WRONG_PHASE
        assert auction_quote._buffer_margin(now) < 0, auction_phases.HEALTHY
    else:
        margin_calls._take_up(account, now)
        extcall margin_calls.EXCHANGE.cancel_all(account)
        extcall auction_quote.LEDGER.begin_liquidation(account)
        self._charge(account, keeper, now)

    log ILiquidator.AuctionStarted(
        account=account,
        starter=msg.sender,
        equity=now.equity,
        maintenance_margin=now.maintenance_margin,
        insolvent=now.equity <= 0,
    )
    if now.equity > 0:
        auction_phases._enter_solvent(account, state)
    else:
        auction_phases._enter_insolvent(account, state, now)


@internal
@view
def _may_restart(account: uint256, state: auction_store.State, now: IMarginEngine.Assessment) -> bool:
    """
    @dev Where deleveraging has begun it is finished first: it closes at mark once there is no deficit, so nobody
         loses by it, and a price that moves about the edge must not hold it up.
    """
    if state.phase == ILiquidator.Phase.SOLVENT:
        return now.equity > 0 and (convert(state.reserved, int256) >= now.equity or auction_quote._is_over(state))
    return auction_quote._is_recovered(state, now) and (
        state.phase == ILiquidator.Phase.INSOLVENT or staticcall auction_quote.LEDGER.listed(account) == 0
    )


@internal
def _charge(account: uint256, keeper: uint256, now: IMarginEngine.Assessment):
    """
    @dev Fee and reward, together at most `fee + reward_rate` of equity, so that they never make an account
         insolvent.
    """
    if now.equity <= 0:
        return
    fraction: uint256 = auction_quote._max_fraction(auction_quote._buffer_margin(now), now.equity, 0, WAD)
    fee: uint256 = auction_math._liquidation_fee_down(fraction, now.equity, liquidation_parameters.settings.fee)
    if fee != 0:
        extcall waterfall.VAULT.move_cash(account, 0, fee, FEE)
    if keeper == 0:
        return
    reward: uint256 = auction_math._liquidation_fee_down(WAD, now.equity, liquidation_parameters.settings.reward_rate)
    reward = min(reward, liquidation_parameters.settings.reward_cap)
    if reward != 0:
        extcall waterfall.VAULT.move_cash(account, keeper, reward, REWARD)


@internal
def _recognise(account: uint256, amount: uint256, taken: uint256, equity: int256) -> uint256:
    """
    @dev The fund pays a bidder all or the bid fails; before anything moves, so that a token that calls back meets
         both accounts as they were.
    @return uint256 Wad credited to the account, which the slice must leave there.
    """
    drawn: uint256 = 0
    if amount != 0:
        drawn = waterfall._draw(account, amount)
        assert drawn >= amount, FUND_EMPTY
    if equity < 0:
        debt: uint256 = convert(-auction_math._slice_price_up(equity, taken), uint256)
        if debt != 0:
            log ILiquidator.BadDebtRealised(account=account, amount=debt, socialised=0)
    return drawn


@internal
@view
def _check_progress(
    before: IMarginEngine.Assessment,
    after: IMarginEngine.Assessment,
    taken: uint256,
    buffer_margin: int256,
    phase: ILiquidator.Phase,
):
    """
    @dev Positions move in whole lots, cash and collateral to the wei. A slice too thin to carry lots would
         sell the discount without the risk, again and again; so at least half of its share of the
         maintenance margin must go with it, and neither measure of health may get worse.
    """
    if taken == WAD or phase == ILiquidator.Phase.DELEVERAGE:
        return
    assert (
        after.maintenance_margin * 2 * WAD <= before.maintenance_margin * (2 * WAD - taken)
    ), SLICE_TOO_SMALL
    assert auction_quote._buffer_margin(after) >= buffer_margin, MARGIN_WORSE
    assert (
        auction_math._shortfall(after.equity, after.maintenance_margin)
        <= auction_math._shortfall(before.equity, before.maintenance_margin)
    ), MARGIN_WORSE
