# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A Ledger that answers what it is told and records what it is asked, for unit tests of the Exchange
@license AGPL-3.0-only
@notice Owners, positions, refusals and liquidations are set by the test. Fills move positions; reservations are kept
        exactly and never below zero, so that a wrong release reverts. A maker's fills must be taken by the
        taker in the same transaction: what they leave open is checked in `fill_taker`.
"""

from contracts.interfaces import ILedger

event MakerFilled:
    account: indexed(uint256)
    market: indexed(uint256)
    size: int256
    price: uint256
    fee: uint256
    reserved: bool

event TakerFilled:
    caller: indexed(address)
    account: indexed(uint256)
    market: indexed(uint256)
    size: int256
    quote: int256
    fee: uint256
    resting: int256

event OrdersReleased:
    account: indexed(uint256)
    market: indexed(uint256)
    bids: uint256
    asks: uint256

NOT_AUTHORISED: constant(String[32]) = "ledger: caller not authorised"
UNBALANCED: constant(String[32]) = "ledger: fills do not sum to zero"

owners: HashMap[uint256, address]
delegates: HashMap[uint256, HashMap[address, bool]]
sizes: HashMap[uint256, HashMap[uint256, int256]]
bids: HashMap[uint256, HashMap[uint256, uint256]]
asks: HashMap[uint256, HashMap[uint256, uint256]]
refused: HashMap[uint256, bool]
liquidated: HashMap[uint256, bool]
reentrant: Bytes[1024]
open_size: transient(int256)
open_quote: transient(int256)


@external
def set_owner(account: uint256, owner: address):
    self.owners[account] = owner


@external
def set_delegate(account: uint256, delegate: address, allowed: bool):
    self.delegates[account][delegate] = allowed


@external
def set_position(account: uint256, market: uint256, size: int256):
    self.sizes[account][market] = size


@external
def set_refused(account: uint256, refused: bool):
    """
    @notice While set, the account is below margin for every fill as a maker.
    """
    self.refused[account] = refused


@external
def set_in_liquidation(account: uint256, liquidated: bool):
    self.liquidated[account] = liquidated


@external
def set_reentrant(data: Bytes[1024]):
    """
    @notice What every later fill of a maker and release sends back to its caller; empty for nothing.
    """
    self.reentrant = data


@external
def fill_maker(
    account: uint256, market: uint256, size: int256, price: uint256, fee: uint256, reserved: bool
) -> bool:
    if self.refused[account] or self.liquidated[account]:
        return False
    self._reenter()
    self.sizes[account][market] += size
    self.open_size += size
    self.open_quote += size * convert(price, int256)
    if reserved and size > 0:
        self.bids[account][market] -= convert(size, uint256)
    elif reserved:
        self.asks[account][market] -= convert(-size, uint256)
    log MakerFilled(account=account, market=market, size=size, price=price, fee=fee, reserved=reserved)
    return True


@external
def fill_taker(
    caller: address, account: uint256, market: uint256, size: int256, quote: int256, fee: uint256, resting: int256
):
    assert self._authorised(account, caller), NOT_AUTHORISED
    assert self.open_size + size == 0 and self.open_quote + quote == 0, UNBALANCED
    self.open_size = 0
    self.open_quote = 0
    self.sizes[account][market] += size
    if resting > 0:
        self.bids[account][market] += convert(resting, uint256)
    elif resting < 0:
        self.asks[account][market] += convert(-resting, uint256)
    log TakerFilled(
        caller=caller, account=account, market=market, size=size, quote=quote, fee=fee, resting=resting
    )


@external
def release_orders(account: uint256, market: uint256, bids: uint256, asks: uint256):
    self._reenter()
    self.bids[account][market] -= bids
    self.asks[account][market] -= asks
    log OrdersReleased(account=account, market=market, bids=bids, asks=asks)


@external
@view
def authorised(account: uint256, caller: address) -> bool:
    return self._authorised(account, caller)


@external
@view
def in_liquidation(account: uint256) -> bool:
    return self.liquidated[account]


@external
@view
def position(account: uint256, market: uint256) -> ILedger.Position:
    return ILedger.Position(
        size=self.sizes[account][market],
        entry_price=0,
        funding_index=0,
        bids=self.bids[account][market],
        asks=self.asks[account][market],
    )


@internal
@view
def _authorised(account: uint256, caller: address) -> bool:
    owner: address = self.owners[account]
    return owner != empty(address) and (owner == caller or self.delegates[account][caller])


@internal
def _reenter():
    if len(self.reentrant) != 0:
        raw_call(msg.sender, self.reentrant)
