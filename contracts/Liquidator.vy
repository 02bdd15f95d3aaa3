# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Liquidator: margin calls, auctions of portfolio slices, the insolvency waterfall
@license AGPL-3.0-only
@notice The state machine of an account; E is equity, M maintenance margin, B = E - M (1 + buffer).

        IDLE        E < IM: anyone may call for margin, which only informs. E < M: anyone may start. The
                    account's orders are cancelled, its PnL settled, its owner shut out save for deposits, and
                    a fee (and the starter's reward) taken, both bounded shares of E. It enters SOLVENT, or
                    INSOLVENT when E <= 0.
        SOLVENT     A Dutch auction of slices. The whole would cost (E - R) d(t), R being the cash that earlier
                    bidders paid; a bidder takes at most the fraction f that brings B to zero, which ends
                    the auction. When R >= E, or nobody came before d reached 0, it may be started again. When
                    E <= 0, or d reached 0, anyone may mark it insolvent.
        INSOLVENT   Bidders are paid, by the insurance fund, from the deficit at first to deficit plus M at the
                    end. When the fund cannot pay the price of the whole, or the time is over, anyone may mark
                    it for deleveraging; what the fund still has pays for the deficit first.
        DELEVERAGE  Positions are closed against profitable counterparties, ranked, who forgo profit up to the
                    deficit. Collateral then goes to bidders at the insolvent price.
        write-off   Of an account with nothing left but a loan: the fund once more, the rest is socialised.

        From every phase the account returns to IDLE as soon as B >= 0. After the start no bid increases the
        maintenance shortfall (M - E)+ or lowers B. Every stage of the waterfall acts only when
        the one before has nothing left, and each wei of bad debt is recognised by one BadDebtRealised.

        Prices: every step needs valid ones and refuses stale ones. The clock of a live auction goes on while
        prices are stale: bids resume at the discount of the time, and a silence as long as the whole
        auction ends in a restart or in the insolvent phase, never in a sale for nothing.
        Nothing here can be paused: the guardian's bits stop no function of this contract.
        Selling to oneself through a second account gains nothing while the account is solvent: what
        the discount gives one the other loses, and the fee is lost to both.
"""

from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from contracts.interfaces import IExchange
from contracts.interfaces import IInstruments
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import ILiquidator
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault
from contracts.math import auction_math
from contracts.math import deleverage_math
from contracts.math import fixed_point
from contracts.modules import auction_store
from contracts.modules import guarded

implements: ILiquidator

initializes: guarded
initializes: auction_store

exports: (
    guarded.owner,
    guarded.pending_owner,
    guarded.transfer_ownership,
    guarded.accept_ownership,
    guarded.guardian,
    guarded.set_guardian,
    guarded.paused,
    guarded.pause,
    guarded.unpause,
    auction_store.total_insolvent,
)

STALE_PRICE: constant(String[32]) = "liquidator: stale price"
HEALTHY: constant(String[32]) = "liquidator: account is healthy"
UNHEALTHY: constant(String[32]) = "liquidator: margin not restored"
CALLED: constant(String[32]) = "liquidator: called too recently"
WRONG_PHASE: constant(String[32]) = "liquidator: wrong phase"
NOT_AUTHORISED: constant(String[32]) = "liquidator: not authorised"
SAME_ACCOUNT: constant(String[32]) = "liquidator: same account"
NO_ACCOUNT: constant(String[32]) = "liquidator: no such account"
ZERO_FRACTION: constant(String[32]) = "liquidator: zero fraction"
PRICE_LIMIT: constant(String[32]) = "liquidator: price above limit"
OVER: constant(String[32]) = "liquidator: auction is over"
RESTART: constant(String[32]) = "liquidator: needs a restart"
SLICE_TOO_SMALL: constant(String[32]) = "liquidator: slice below lots"
MARGIN_WORSE: constant(String[32]) = "liquidator: margin worse"
BIDDER_MARGIN: constant(String[32]) = "liquidator: bidder below margin"
FUND_EMPTY: constant(String[32]) = "liquidator: fund is empty"
FUND_ABLE: constant(String[32]) = "liquidator: fund can still pay"
HAS_POSITIONS: constant(String[32]) = "liquidator: has positions"
NO_POSITION: constant(String[32]) = "liquidator: no position"
COUNTERPARTY: constant(String[32]) = "liquidator: bad counterparty"
RANK: constant(String[32]) = "liquidator: rank not descending"
NOT_FLAT: constant(String[32]) = "liquidator: account not flat"
OUT_OF_BOUND: constant(String[32]) = "liquidator: out of bound"

WAD: constant(uint256) = 10**18
MAX_COUNTERPARTIES: constant(uint256) = 8

# Reasons of CashMoved (IVault) and of AuctionEnded (ILiquidator).
PAYMENT: constant(uint256) = 4
REWARD: constant(uint256) = 7
FEE: constant(uint256) = 8
RESTORED: constant(uint256) = 1
NOTHING_LEFT: constant(uint256) = 2
WRITTEN_OFF: constant(uint256) = 3

# What an owner can lose at once when a liquidation starts: first discount, fee and reward together.
MAX_PENALTY: constant(uint256) = 3 * 10**17
# A buffer of nothing would leave accounts a lot short of health, with a slice too small to be sold.
MIN_BUFFER: constant(uint256) = 10**16
# A slow phase shorter than this would let a short outage of keepers give portfolios away.
MIN_SLOW: constant(uint256) = 600
MAX_LENGTH: constant(uint256) = 7 * 86_400
MAX_CUTOFF: constant(uint256) = 10_000 * 10**18
MAX_REWARD: constant(uint256) = 10_000 * 10**18


struct Quote:
    buffer_margin: int256
    price: int256           # of the whole, wad; negative: the bidder is paid
    max_fraction: uint256   # wad


VAULT: immutable(IVault)
LEDGER: immutable(ILedger)
INSTRUMENTS: immutable(IInstruments)
EXCHANGE: immutable(IExchange)
FUND: immutable(IInsuranceFund)
# Wad per unit of the cash token.
SCALE: immutable(uint256)

settings: ILiquidator.Parameters
# When an account was last called for margin, unix seconds.
last_call: public(HashMap[uint256, uint256])


@deploy
def __init__(
    vault: address,
    ledger: address,
    instruments: address,
    exchange: address,
    insurance_fund: address,
    guardian: address,
):
    """
    @notice Deploys with conservative parameters, owned by the deployer.
    @param insurance_fund Its asset must be the cash token of `vault`, at most 18 decimals.
    """
    VAULT = IVault(vault)
    LEDGER = ILedger(ledger)
    INSTRUMENTS = IInstruments(instruments)
    EXCHANGE = IExchange(exchange)
    FUND = IInsuranceFund(insurance_fund)
    asset: address = staticcall IERC4626(insurance_fund).asset()
    SCALE = 10 ** convert(18 - staticcall IERC20Detailed(asset).decimals(), uint256)
    guarded.__init__(guardian)
    auction_store.__init__()
    self._set_parameters(
        ILiquidator.Parameters(
            start=95 * 10**16,
            cut=70 * 10**16,
            fast=900,
            slow=43_200,
            insolvent_length=3_600,
            buffer=15 * 10**16,
            fee=10 * 10**16,
            equity_cutoff=100 * 10**18,
            reward_rate=10**16,
            reward_cap=100 * 10**18,
            call_interval=3_600,
        )
    )


# ---------------------------------------------------------------- calling and starting


@external
@nonreentrant
def call_margin(account: uint256):
    """
    @notice Announces that the account is below initial margin; anyone, once per `call_interval`. Only informs.
    """
    assert not staticcall LEDGER.in_liquidation(account), WRONG_PHASE
    last: uint256 = self.last_call[account]
    assert last == 0 or block.timestamp >= last + self.settings.call_interval, CALLED
    now: IMarginEngine.Assessment = self._assess(account)
    assert now.equity < convert(now.initial_margin, int256), HEALTHY
    self.last_call[account] = block.timestamp
    log ILiquidator.MarginCalled(
        account=account,
        equity=now.equity,
        initial_margin=now.initial_margin,
        maintenance_margin=now.maintenance_margin,
    )


@external
@nonreentrant
def start(account: uint256):
    """
    @notice Puts an account below maintenance margin up for auction; anyone. Starts a live auction again
            when earlier payments reach its equity or nobody came in time.
    """
    self._start(account, 0)


@external
@nonreentrant
def start_for(account: uint256, keeper: uint256):
    """
    @notice As `start`, and pays the starter's reward from the account's cash to the account `keeper`.
    """
    assert keeper != account, SAME_ACCOUNT
    assert keeper != 0 and keeper <= staticcall VAULT.account_count(), NO_ACCOUNT
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
    assert staticcall LEDGER.authorised(bidder, msg.sender), NOT_AUTHORISED
    state: auction_store.State = auction_store._load(account)
    assert state.phase != ILiquidator.Phase.IDLE, WRONG_PHASE
    before: IMarginEngine.Assessment = self._assess(account)
    quote: Quote = self._quote(account, state, before)
    if state.phase == ILiquidator.Phase.SOLVENT:
        assert before.equity > 0 and not self._is_over(state), OVER
        assert quote.price > 0, RESTART
    elif state.phase == ILiquidator.Phase.DELEVERAGE:
        assert staticcall LEDGER.listed(account) == 0, HAS_POSITIONS

    taken: uint256 = min(fraction, quote.max_fraction)
    assert taken != 0, ZERO_FRACTION
    price: int256 = auction_math._slice_price_up(quote.price, taken)
    assert price <= max_price, PRICE_LIMIT

    extcall LEDGER.transfer_slice(account, bidder, taken, state.reserved)
    if price > 0:
        extcall VAULT.move_cash(bidder, account, convert(price, uint256), PAYMENT)
        state.reserved += convert(price, uint256)
        auction_store._save(account, state)
    else:
        self._pay_bidder(account, bidder, convert(-price, uint256), taken, before.equity, state.phase)

    holder: IMarginEngine.Assessment = self._assess(bidder)
    assert holder.equity >= convert(holder.initial_margin, int256), BIDDER_MARGIN
    after: IMarginEngine.Assessment = self._assess(account)
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
    self._conclude(account, state.phase, after, capped, taken)
    return taken, price


# ---------------------------------------------------------------- changing phase


@external
@nonreentrant
def mark_insolvent(account: uint256):
    """
    @notice Turns an auction insolvent once equity is gone or nobody paid any price; anyone.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase == ILiquidator.Phase.SOLVENT, WRONG_PHASE
    now: IMarginEngine.Assessment = self._assess(account)
    assert self._buffer_margin(now) < 0, HEALTHY
    assert now.equity <= 0 or self._is_over(state), UNHEALTHY
    self._enter_insolvent(account, now)


@external
@nonreentrant
def mark_deleverage(account: uint256):
    """
    @notice Gives up an insolvent auction that the fund cannot pay for, or that nobody took until its end;
            anyone. The fund first pays what it can of the deficit.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase == ILiquidator.Phase.INSOLVENT, WRONG_PHASE
    now: IMarginEngine.Assessment = self._assess(account)
    quote: Quote = self._quote(account, state, now)
    assert quote.buffer_margin < 0, HEALTHY
    if block.timestamp < state.started + self.settings.insolvent_length:
        assert staticcall FUND.capacity() * SCALE < convert(-quote.price, uint256), FUND_ABLE
    if now.equity < 0:
        covered: uint256 = min(self._draw(account, convert(-now.equity, uint256)), convert(-now.equity, uint256))
        if covered != 0:
            log ILiquidator.BadDebtRealised(account=account, amount=covered, socialised=0)
        now = self._assess(account)
    auction_store._save(
        account,
        auction_store.State(phase=ILiquidator.Phase.DELEVERAGE, started=block.timestamp, reserved=0),
    )
    auction_store._set_shortfall(account, auction_math._shortfall(now.equity, now.maintenance_margin))
    log ILiquidator.DeleverageStarted(account=account, equity=now.equity)


@external
@nonreentrant
def stop(account: uint256):
    """
    @notice Ends the auction of an account whose buffer margin is restored; anyone.
    """
    assert auction_store._load(account).phase != ILiquidator.Phase.IDLE, WRONG_PHASE
    assert self._buffer_margin(self._assess(account)) >= 0, UNHEALTHY
    self._end(account, RESTORED)


@external
@nonreentrant
def refresh(account: uint256):
    """
    @notice Brings the account's part of `total_insolvent` to present prices; anyone.
    """
    phase: ILiquidator.Phase = auction_store._load(account).phase
    assert phase in (ILiquidator.Phase.INSOLVENT | ILiquidator.Phase.DELEVERAGE), WRONG_PHASE
    now: IMarginEngine.Assessment = self._assess(account)
    auction_store._set_shortfall(account, auction_math._shortfall(now.equity, now.maintenance_margin))


# ---------------------------------------------------------------- the end of the waterfall


@external
@nonreentrant
def deleverage(account: uint256, market: uint256, counterparties: DynArray[uint256, MAX_COUNTERPARTIES]):
    """
    @notice Closes the account's position in one market against ranked counterparties; anyone.
            The order is verified: scores (profit ratio times leverage) must not increase along the list.
            That nobody better was left out cannot be; it costs a counterparty at most its own profit, and
            at most its equity.
    @param counterparties Accounts on the other side, with positive equity, not in liquidation.
    """
    assert auction_store._load(account).phase == ILiquidator.Phase.DELEVERAGE, WRONG_PHASE
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    valid: bool = False
    view, valid = staticcall LEDGER.portfolio(account)
    assert valid, STALE_PRICE
    size: int256 = 0
    mark: uint256 = 0
    total: uint256 = 0
    for held: IMarginEngine.PositionRisk in view.positions:
        total += convert(abs(held.size), uint256) * held.mark
        if held.market == market:
            size = held.size
            mark = held.mark
    assert size != 0, NO_POSITION

    left: uint256 = convert(abs(size), uint256)
    missing: uint256 = convert(max(-self._assess(account).equity, 0), uint256)
    deficit: uint256 = deleverage_math._deficit_share_up(missing, left * mark, total)
    funding_index: int256 = fixed_point._signed_field((staticcall INSTRUMENTS.words([market]))[0], 144, 80)
    last: uint256 = max_value(uint256)
    for counterparty: uint256 in counterparties:
        if left == 0:
            break
        position: ILedger.Position = staticcall LEDGER.position(counterparty, market)
        assert position.size != 0 and (position.size > 0) != (size > 0), COUNTERPARTY
        assert not staticcall LEDGER.in_liquidation(counterparty), COUNTERPARTY
        other: uint256 = convert(abs(position.size), uint256)
        unrealised: int256 = deleverage_math._unrealised(
            position.size, position.entry_price, mark, funding_index - position.funding_index
        )
        equity: int256 = self._equity(counterparty)
        score: uint256 = deleverage_math._score_down(
            unrealised, other, position.entry_price, mark, convert(equity, uint256)
        )
        assert score <= last, RANK
        last = score
        closed: uint256 = min(left, other)
        # Profit that was lost elsewhere or withdrawn cannot be forgone: nobody is deleveraged into insolvency.
        price: uint256 = deleverage_math._bankruptcy_price(
            mark,
            deleverage_math._contribution_down(deficit, closed, left, min(unrealised, equity), other),
            size > 0,
        )
        delta: int256 = convert(closed, int256)
        if size > 0:
            delta = -delta
        extcall LEDGER.deleverage(account, counterparty, market, delta, price)
        deficit -= closed * (max(price, mark) - min(price, mark))
        left -= closed
        log ILiquidator.Deleveraged(
            account=account, counterparty=counterparty, market=market, size=delta, price=price, score=score
        )
    self._conclude(account, ILiquidator.Phase.DELEVERAGE, self._assess(account), False, 0)


@external
@nonreentrant
def write_off(account: uint256) -> uint256:
    """
    @notice Ends the auction of an account that has nothing left but a loan; anyone. The fund pays what it
            can, the rest is socialised.
    @return uint256 Socialised loss, wad.
    """
    state: auction_store.State = auction_store._load(account)
    assert state.phase in (ILiquidator.Phase.INSOLVENT | ILiquidator.Phase.DELEVERAGE), WRONG_PHASE
    cash: int256 = staticcall VAULT.cash(account)
    assert staticcall LEDGER.listed(account) == 0 and cash < 0, NOT_FLAT
    assert (staticcall VAULT.account(account)).assets == 0, NOT_FLAT
    debt: uint256 = convert(-cash, uint256)
    self._draw(account, debt)
    socialised: uint256 = extcall VAULT.write_off(account)
    log ILiquidator.BadDebtRealised(account=account, amount=debt, socialised=socialised)
    self._end(account, WRITTEN_OFF)
    return socialised


# ---------------------------------------------------------------- owner only


@external
def set_parameters(parameters: ILiquidator.Parameters):
    """
    @notice Replaces all parameters, each within its bound. Owner only. Live auctions follow at once.
    """
    guarded.ownable._check_owner()
    self._set_parameters(parameters)


# ---------------------------------------------------------------- views


@external
@view
def auction(account: uint256) -> ILiquidator.Auction:
    """
    @notice The auction as the next bid would meet it, at the last prices even when they are stale.
    """
    state: auction_store.State = auction_store._load(account)
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall LEDGER.assess(account)
    quote: Quote = self._quote(account, state, now)
    return ILiquidator.Auction(
        phase=state.phase,
        started=state.started,
        reserved=state.reserved,
        equity=now.equity,
        maintenance_margin=now.maintenance_margin,
        buffer_margin=quote.buffer_margin,
        bid_price=quote.price,
        max_fraction=quote.max_fraction,
    )


@external
@view
def parameters() -> ILiquidator.Parameters:
    """
    @notice The parameters in force.
    """
    return self.settings


# ---------------------------------------------------------------- internal


@internal
@view
def _assess(account: uint256) -> IMarginEngine.Assessment:
    """
    @dev Refuses stale prices: a liquidation at a wrong price cannot be undone, a late one can be made good.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall LEDGER.assess(account)
    assert valid, STALE_PRICE
    return now


@internal
@view
def _buffer_margin(now: IMarginEngine.Assessment) -> int256:
    return auction_math._buffer_margin(now.equity, now.maintenance_margin, self.settings.buffer)


@internal
@view
def _curve() -> auction_math.Curve:
    return auction_math.Curve(
        start=self.settings.start, cut=self.settings.cut, fast=self.settings.fast, slow=self.settings.slow
    )


@internal
@view
def _is_over(state: auction_store.State) -> bool:
    return block.timestamp >= state.started + self.settings.fast + self.settings.slow


@internal
@view
def _quote(account: uint256, state: auction_store.State, now: IMarginEngine.Assessment) -> Quote:
    """
    @dev The one calculator of price and cap, behind both the view and the bid.
    """
    margin: int256 = self._buffer_margin(now)
    if state.phase == ILiquidator.Phase.IDLE:
        return Quote(buffer_margin=margin, price=0, max_fraction=0)
    elapsed: uint256 = block.timestamp - state.started
    if state.phase != ILiquidator.Phase.SOLVENT:
        price: int256 = auction_math._insolvent_price_up(
            now.equity, now.maintenance_margin, elapsed, self.settings.insolvent_length
        )
        return Quote(buffer_margin=margin, price=price, max_fraction=WAD if margin < 0 else 0)
    discount: uint256 = auction_math._discount(elapsed, self._curve())
    return Quote(
        buffer_margin=margin,
        price=auction_math._bid_price_up(now.equity, state.reserved, discount),
        max_fraction=self._max_fraction(margin, now.equity, state.reserved, discount),
    )


@internal
@view
def _max_fraction(margin: int256, equity: int256, reserved: uint256, discount: uint256) -> uint256:
    """
    @dev The whole of a small account, whose lots and gas are not worth a second slice.
    """
    if margin < 0 and equity < convert(self.settings.equity_cutoff, int256):
        return WAD
    return auction_math._max_fraction_up(margin, equity, reserved, discount)


@internal
def _start(account: uint256, keeper: uint256):
    """
    @dev Anyone; `keeper` 0 takes no reward.
    """
    state: auction_store.State = auction_store._load(account)
    now: IMarginEngine.Assessment = self._assess(account)
    if state.phase != ILiquidator.Phase.IDLE:
        assert state.phase == ILiquidator.Phase.SOLVENT, WRONG_PHASE
        assert self._buffer_margin(now) < 0, HEALTHY
        assert now.equity > 0 and (convert(state.reserved, int256) >= now.equity or self._is_over(state)), WRONG_PHASE
    else:
        assert now.equity < convert(now.maintenance_margin, int256), HEALTHY
        extcall EXCHANGE.cancel_all(account)
        extcall LEDGER.begin_liquidation(account)
        self._charge(account, keeper, now)

    log ILiquidator.AuctionStarted(
        account=account,
        starter=msg.sender,
        equity=now.equity,
        maintenance_margin=now.maintenance_margin,
        insolvent=now.equity <= 0,
    )
    if now.equity > 0:
        auction_store._save(
            account,
            auction_store.State(phase=ILiquidator.Phase.SOLVENT, started=block.timestamp, reserved=0),
        )
    else:
        self._enter_insolvent(account, now)


@internal
def _charge(account: uint256, keeper: uint256, now: IMarginEngine.Assessment):
    """
    @dev Fee and reward, together at most `fee + reward_rate` of equity, so that they never make an account
         insolvent.
    """
    if now.equity <= 0:
        return
    fraction: uint256 = self._max_fraction(self._buffer_margin(now), now.equity, 0, WAD)
    fee: uint256 = auction_math._liquidation_fee_down(fraction, now.equity, self.settings.fee)
    if fee != 0:
        extcall VAULT.move_cash(account, 0, fee, FEE)
    if keeper == 0:
        return
    reward: uint256 = auction_math._liquidation_fee_down(WAD, now.equity, self.settings.reward_rate)
    reward = min(reward, self.settings.reward_cap)
    if reward != 0:
        extcall VAULT.move_cash(account, keeper, reward, REWARD)


@internal
def _enter_insolvent(account: uint256, now: IMarginEngine.Assessment):
    """
    @dev What earlier bidders paid is for sale again: it belongs to the deficit now.
    """
    auction_store._save(
        account, auction_store.State(phase=ILiquidator.Phase.INSOLVENT, started=block.timestamp, reserved=0)
    )
    auction_store._set_shortfall(account, auction_math._shortfall(now.equity, now.maintenance_margin))
    log ILiquidator.AuctionInsolvent(account=account, equity=now.equity)


@internal
def _pay_bidder(
    account: uint256, bidder: uint256, amount: uint256, taken: uint256, equity: int256, phase: ILiquidator.Phase
):
    """
    @dev In the insolvent phase the fund pays all or the bid fails; when deleveraging is over the account itself
         goes further into debt, which the write-off will recognise.
    """
    if phase == ILiquidator.Phase.INSOLVENT:
        if amount != 0:
            assert self._draw(account, amount) >= amount, FUND_EMPTY
        if equity < 0:
            debt: uint256 = convert(-auction_math._slice_price_up(equity, taken), uint256)
            if debt != 0:
                log ILiquidator.BadDebtRealised(account=account, amount=debt, socialised=0)
    if amount != 0:
        extcall VAULT.move_cash(account, bidder, amount, PAYMENT)


@internal
def _draw(account: uint256, wanted: uint256) -> uint256:
    """
    @dev Takes up to `wanted` wad from the fund into the account's cash.
    @return uint256 Wad credited; less than `wanted` only when the fund is empty, more by less than a token unit.
    """
    units: uint256 = min(fixed_point._div_up(wanted, SCALE), staticcall FUND.capacity())
    if units == 0:
        return 0
    paid: uint256 = extcall FUND.draw(account, units)
    credit: uint256 = extcall VAULT.cover(account, paid)
    log ILiquidator.InsuranceDrawn(account=account, amount=paid, fund_left=staticcall FUND.capacity())
    return credit


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
    assert self._buffer_margin(after) >= buffer_margin, MARGIN_WORSE
    assert (
        auction_math._shortfall(after.equity, after.maintenance_margin)
        <= auction_math._shortfall(before.equity, before.maintenance_margin)
    ), MARGIN_WORSE


@internal
def _conclude(
    account: uint256, phase: ILiquidator.Phase, after: IMarginEngine.Assessment, capped: bool, taken: uint256
):
    """
    @dev Ends what is done, else counts what is still missing. A bid of the full cap ends a solvent auction
         although lots may have left the buffer a trifle short, as long as maintenance is met.
    """
    if self._buffer_margin(after) >= 0:
        self._end(account, NOTHING_LEFT if taken == WAD else RESTORED)
    elif phase == ILiquidator.Phase.SOLVENT:
        if capped and after.equity >= convert(after.maintenance_margin, int256):
            self._end(account, RESTORED)
    else:
        auction_store._set_shortfall(account, auction_math._shortfall(after.equity, after.maintenance_margin))


@internal
def _end(account: uint256, reason: uint256):
    auction_store._clear(account)
    extcall LEDGER.end_liquidation(account)
    log ILiquidator.AuctionEnded(account=account, reason=reason)


@internal
@view
def _equity(counterparty: uint256) -> int256:
    """
    @dev Positive: an account without equity is to be liquidated, not deleveraged.
    """
    now: IMarginEngine.Assessment = empty(IMarginEngine.Assessment)
    valid: bool = False
    now, valid = staticcall LEDGER.assess(counterparty)
    assert now.equity > 0, COUNTERPARTY
    return now.equity


@internal
def _set_parameters(parameters: ILiquidator.Parameters):
    assert parameters.start <= WAD and parameters.cut <= parameters.start and parameters.cut != 0, OUT_OF_BOUND
    assert WAD - parameters.start + parameters.fee + parameters.reward_rate <= MAX_PENALTY, OUT_OF_BOUND
    assert parameters.fast <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.slow >= MIN_SLOW and parameters.slow <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.insolvent_length != 0 and parameters.insolvent_length <= MAX_LENGTH, OUT_OF_BOUND
    assert parameters.buffer >= MIN_BUFFER and parameters.buffer <= WAD, OUT_OF_BOUND
    assert parameters.equity_cutoff <= MAX_CUTOFF and parameters.reward_cap <= MAX_REWARD, OUT_OF_BOUND
    assert parameters.call_interval != 0 and parameters.call_interval <= MAX_LENGTH, OUT_OF_BOUND
    self.settings = parameters
    log ILiquidator.ParametersSet(parameters=parameters)
