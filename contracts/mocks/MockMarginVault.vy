# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Vault, Ledger, Instruments and Exchange in one small model, for tests of the Liquidator
@license AGPL-3.0-only
@notice Linear margins on marks that anyone sets, one collateral at par, no interest and no funding. What the
        Liquidator calls behaves as the real contracts do, without their checks of who calls.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IInsuranceFund
from contracts.interfaces import ILedger
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IVault

WAD: constant(uint256) = 10**18
BPS: constant(uint256) = 10_000
SCALE: constant(uint256) = 10**12
ASSET: constant(uint256) = 1

event CashMoved:
    account: indexed(uint256)
    reason: indexed(uint256)
    amount: int256
    cash: int256

TOKEN: immutable(IERC20)

account_count: public(uint256)
owners: public(HashMap[uint256, address])
cash: public(HashMap[uint256, int256])
collaterals: public(HashMap[uint256, uint256])  # wad, at par
in_liquidation: public(HashMap[uint256, bool])
markets: HashMap[uint256, DynArray[uint256, 64]]
positions: HashMap[uint256, HashMap[uint256, ILedger.Position]]
marks: public(HashMap[uint256, uint256])
settled: HashMap[uint256, bool]
lot: public(uint256)
maintenance_bps: public(uint256)
initial_bps: public(uint256)
haircut_bps: public(uint256)
valid: public(bool)
fees: public(uint256)
deficit: public(uint256)
backing: public(uint256)    # token units
orders_cancelled: public(HashMap[uint256, uint256])


@deploy
def __init__(token: address):
    """
    @param token With 6 decimals.
    """
    TOKEN = IERC20(token)
    self.lot = 1
    self.maintenance_bps = 500
    self.initial_bps = 1_000
    self.valid = True


# ---------------------------------------------------------------- set by tests


@external
def open(owner: address, cash: int256, collateral: uint256) -> uint256:
    """
    @notice A new account of `owner` with that cash and collateral (wad).
    """
    self.account_count += 1
    self.owners[self.account_count] = owner
    self.cash[self.account_count] = cash
    self.collaterals[self.account_count] = collateral
    return self.account_count


@external
def set_position(account: uint256, market: uint256, size: int256, entry_price: uint256):
    """
    @notice Replaces a position.
    """
    self._store(account, market, size, entry_price)


@external
def set_mark(market: uint256, price: uint256):
    """
    @notice Mark price, nano USD.
    """
    self.marks[market] = price


@external
def set_settled(market: uint256):
    """
    @notice Makes the mark of a market its payoff.
    """
    self.settled[market] = True


@external
def set_cash(account: uint256, cash: int256):
    """
    @notice Replaces the account's cash, wad.
    """
    self.cash[account] = cash


@external
def set_risk(maintenance_bps: uint256, initial_bps: uint256, haircut_bps: uint256, lot: uint256):
    """
    @notice Requirements in bps of notional and of collateral; lot in nano base.
    """
    self.maintenance_bps = maintenance_bps
    self.initial_bps = initial_bps
    self.haircut_bps = haircut_bps
    self.lot = lot


@external
def set_valid(valid: bool):
    """
    @notice Whether prices count as fresh.
    """
    self.valid = valid


# ---------------------------------------------------------------- Exchange, Instruments


@external
def cancel_all(account: uint256) -> uint256:
    """
    @notice Counts calls.
    """
    self.orders_cancelled[account] += 1
    return 0


@external
@view
def words(markets: DynArray[uint256, 64]) -> DynArray[uint256, 64]:
    """
    @notice Market words with mark and spot, no funding.
    """
    result: DynArray[uint256, 64] = []
    for market: uint256 in markets:
        settled: uint256 = (1 << 253) if self.settled[market] else 0
        result.append(self.marks[market] | (self.marks[market] << 72) | (1 << 255) | settled)
    return result


# ---------------------------------------------------------------- Vault


@external
def sweep_fees() -> uint256:
    """
    @notice Pays the collected fees to the caller, an insurance fund, as the Vault does.
    """
    amount: uint256 = self.fees // SCALE
    self.fees -= amount * SCALE
    extcall TOKEN.transfer(msg.sender, amount)
    return amount


@external
def pay_and_contribute(fund: address, paid: uint256, claimed: uint256):
    """
    @notice Transfers `paid` token units to the fund and tells it of `claimed`.
    """
    extcall TOKEN.transfer(fund, paid)
    extcall IInsuranceFund(fund).contribute(claimed)


@external
def move_cash(sender_account: uint256, receiver_account: uint256, amount: uint256, reason: uint256):
    """
    @notice As the Vault; receiver 0 is the fees.
    """
    self.cash[sender_account] -= convert(amount, int256)
    if receiver_account == 0:
        self.fees += amount
    else:
        self.cash[receiver_account] += convert(amount, int256)
    log CashMoved(
        account=sender_account, reason=reason, amount=-convert(amount, int256), cash=self.cash[sender_account]
    )


@external
def cover(account: uint256, amount: uint256) -> uint256:
    """
    @notice As the Vault: credits what was delivered.
    """
    assert staticcall TOKEN.balanceOf(self) >= self.backing + amount, "mock: cover not delivered"
    self.backing += amount
    self.cash[account] += convert(amount * SCALE, int256)
    return amount * SCALE


@external
def write_off(account: uint256) -> uint256:
    """
    @notice As the Vault.
    """
    assert self.in_liquidation[account]
    assert len(self.markets[account]) == 0 and self.collaterals[account] == 0
    loss: uint256 = convert(max(-self.cash[account], 0), uint256)
    if loss != 0:
        self.cash[account] = 0
        self.deficit += loss
    return loss


@external
@view
def account(account: uint256) -> IVault.AccountState:
    """
    @notice As the Vault.
    """
    return IVault.AccountState(
        owner=self.owners[account],
        engine=empty(address),
        engine_id=1,
        subaccount=1,
        cash=self.cash[account],
        assets=ASSET if self.collaterals[account] != 0 else 0,
    )


# ---------------------------------------------------------------- Ledger


@external
def begin_liquidation(account: uint256):
    """
    @notice As the Ledger: flags.
    """
    assert not self.in_liquidation[account], "mock: in liquidation"
    self.in_liquidation[account] = True


@external
def end_liquidation(account: uint256):
    """
    @notice As the Ledger.
    """
    assert self.in_liquidation[account], "mock: not in liquidation"
    self.in_liquidation[account] = False


@external
def transfer_slice(sender_account: uint256, receiver_account: uint256, fraction: uint256, reserved: uint256):
    """
    @notice As the Ledger: settles at mark, whole lots toward zero, collateral down, free cash floored.
    """
    assert self.in_liquidation[sender_account] and not self.in_liquidation[receiver_account], "mock: slice"
    held: DynArray[uint256, 64] = self.markets[sender_account]
    for market: uint256 in held:
        mark: int256 = convert(self.marks[market], int256)
        size: int256 = self.positions[sender_account][market].size
        entry: int256 = convert(self.positions[sender_account][market].entry_price, int256)
        self.cash[sender_account] += size * (mark - entry)
        self.positions[sender_account][market].entry_price = self.marks[market]
        amount: uint256 = convert(abs(size), uint256)
        if fraction != WAD:
            amount = amount * fraction // WAD
            amount -= amount % self.lot
        moved: int256 = convert(amount, int256)
        if size < 0:
            moved = -moved
        self._trade(sender_account, market, -moved, self.marks[market])
        self._trade(receiver_account, market, moved, self.marks[market])
    units: uint256 = self.collaterals[sender_account] * fraction // WAD
    self.collaterals[sender_account] -= units
    self.collaterals[receiver_account] += units
    product: int256 = (self.cash[sender_account] - convert(reserved, int256)) * convert(fraction, int256)
    share: int256 = product // convert(WAD, int256)
    if share * convert(WAD, int256) > product:
        share -= 1
    self.cash[sender_account] -= share
    self.cash[receiver_account] += share


@external
def deleverage(account: uint256, counterparty: uint256, market: uint256, size: int256, price: uint256):
    """
    @notice As the Ledger: both must shrink.
    """
    mine: int256 = self.positions[account][market].size
    theirs: int256 = self.positions[counterparty][market].size
    assert abs(mine + size) == abs(mine) - abs(size), "mock: must reduce both"
    assert abs(theirs - size) == abs(theirs) - abs(size), "mock: must reduce both"
    self._trade(account, market, size, price)
    self._trade(counterparty, market, -size, price)


@external
@view
def authorised(account: uint256, caller: address) -> bool:
    """
    @notice The owner only.
    """
    return self.owners[account] == caller


@external
@view
def position(account: uint256, market: uint256) -> ILedger.Position:
    """
    @notice As the Ledger.
    """
    return self.positions[account][market]


@external
@view
def markets_of(account: uint256) -> DynArray[uint256, 64]:
    """
    @notice As the Ledger.
    """
    return self.markets[account]


@external
@view
def listed(account: uint256) -> uint256:
    """
    @notice As the Ledger.
    """
    return len(self.markets[account])


@external
@view
def portfolio(account: uint256) -> (IMarginEngine.Portfolio, bool):
    """
    @notice As the Ledger.
    """
    return self._portfolio(account), self.valid


@external
@view
def assess(account: uint256) -> (IMarginEngine.Assessment, bool):
    """
    @notice Flat requirements on notional and collateral.
    """
    view: IMarginEngine.Portfolio = self._portfolio(account)
    equity: int256 = view.cash + convert(self.collaterals[account], int256)
    notional: uint256 = 0
    for held: IMarginEngine.PositionRisk in view.positions:
        equity += held.unrealised
        notional += convert(abs(held.size), uint256) * held.mark
    haircut: uint256 = self.collaterals[account] * self.haircut_bps // BPS
    return IMarginEngine.Assessment(
        initial_margin=notional * self.initial_bps // BPS + haircut,
        maintenance_margin=notional * self.maintenance_bps // BPS + haircut,
        equity=equity,
        worst_scenario=0,
    ), self.valid


@internal
@view
def _portfolio(account: uint256) -> IMarginEngine.Portfolio:
    view: IMarginEngine.Portfolio = empty(IMarginEngine.Portfolio)
    view.cash = self.cash[account]
    view.stable_price = 10**9
    for market: uint256 in self.markets[account]:
        position: ILedger.Position = self.positions[account][market]
        mark: uint256 = self.marks[market]
        view.positions.append(
            IMarginEngine.PositionRisk(
                market=market,
                size=position.size,
                mark=mark,
                spot=mark,
                confidence=10**8,
                unrealised=position.size * (convert(mark, int256) - convert(position.entry_price, int256)),
                bids=0,
                asks=0,
            )
        )
    return view


@internal
def _trade(account: uint256, market: uint256, delta: int256, price: uint256):
    """
    @dev Realises the whole position at `price`, then carries the new size from there.
    """
    if delta == 0:
        return
    position: ILedger.Position = self.positions[account][market]
    if position.size != 0:
        self.cash[account] += position.size * (convert(price, int256) - convert(position.entry_price, int256))
    self._store(account, market, position.size + delta, price)


@internal
def _store(account: uint256, market: uint256, size: int256, entry_price: uint256):
    held: DynArray[uint256, 64] = self.markets[account]
    if size == 0:
        self.positions[account][market] = empty(ILedger.Position)
        kept: DynArray[uint256, 64] = []
        for other: uint256 in held:
            if other != market:
                kept.append(other)
        self.markets[account] = kept
        return
    if self.positions[account][market].size == 0:
        self.markets[account].append(market)
    self.positions[account][market].size = size
    self.positions[account][market].entry_price = entry_price
