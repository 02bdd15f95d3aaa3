# SPDX-License-Identifier: Apache-2.0
"""What agents want done: one frozen class for each function that they may call.

Every intent names the `account` that acts (numbered as in the Vault; its owner's address sends), what it is
willing to pay (`fees`), and a `tag` of the agent's own choosing that comes back in the receipt.
Integers throughout: ticks, lots, token units, wad. Imports: nothing of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = [
    "IMMEDIATE",
    "POST_ONLY",
    "REDUCE_ONLY",
    "STANDARD_FEES",
    "AccrueInterest",
    "AccumulatePrice",
    "Bid",
    "CallMargin",
    "CancelAll",
    "CancelOrder",
    "CloseDebt",
    "CureCall",
    "DeclareDefault",
    "Deleverage",
    "Deposit",
    "DeskDeposit",
    "DeskRedeem",
    "EscalateCall",
    "Fees",
    "FinaliseSeries",
    "FundDeposit",
    "FundRedeem",
    "GrantLine",
    "Intent",
    "MarkDeleverage",
    "MarkInsolvent",
    "OracleUpdate",
    "PlaceOrder",
    "Purge",
    "RefreshBoard",
    "RefreshContributions",
    "ReplaceOrder",
    "Reprice",
    "ReviewLine",
    "Settle",
    "SettleCoin",
    "SettleExpired",
    "StartAuction",
    "StopAuction",
    "SweepFees",
    "TransferCash",
    "UpdateSurface",
    "Withdraw",
    "WriteOff",
]

POST_ONLY: Final = 1
"""Order option: refused if it would take."""
IMMEDIATE: Final = 2
"""Order option: what does not fill at once is dropped."""
REDUCE_ONLY: Final = 4
"""Order option: never grows or flips the position."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What the sender offers for inclusion, EIP-1559."""

    tip: int = 1_000_000_000
    """Priority fee, wei per gas, >= 0."""
    max_fee: int = 0
    """Most to pay per gas, wei; 0: twice the base fee at submission plus the tip, as wallets do."""
    lifetime: int = 50
    """Blocks the transaction may wait in the pool, >= 1; then it is dropped as expired."""


STANDARD_FEES: Final = Fees()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What all intents share."""

    account: int
    """Account whose owner sends the transaction, from 1."""
    fees: Fees = STANDARD_FEES
    tag: int = 0
    """The agent's own reference; comes back in the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Intent):
    """Exchange.place."""

    market: int
    is_bid: bool
    tick: int
    """Limit price in ticks, 1 .. 2**24 - 1; an extreme one with IMMEDIATE is a market order."""
    lots: int
    """Size in lots, > 0."""
    options: int = 0
    """Sum of POST_ONLY, IMMEDIATE and REDUCE_ONLY."""
    expiry: int = 0
    """Unix seconds; 0: never."""
    max_fills: int = 8
    """Resting orders to match at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder(Intent):
    """Exchange.replace: cancel and place in one transaction."""

    order_id: int
    tick: int
    lots: int
    options: int = 0
    expiry: int = 0
    max_fills: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Intent):
    """Exchange.cancel."""

    order_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAll(Intent):
    """Exchange.cancel_all of the acting account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge(Intent):
    """Exchange.purge: removes orders that expired or whose account is in liquidation."""

    order_ids: tuple[int, ...]
    """At most 32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Intent):
    """Vault.deposit into the acting account."""

    asset: int
    """0: the cash token; 1..8: collateral."""
    amount: int
    """Token units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Intent):
    """Vault.withdraw to the account's owner."""

    asset: int
    amount: int
    """Token units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCash(Intent):
    """Vault.transfer_cash from the acting account."""

    receiver: int
    """Account that receives."""
    amount: int
    """Wad USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(Intent):
    """Ledger.settle: books PnL and funding of `target`; anyone."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccrueInterest(Intent):
    """Vault.accrue_interest; anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFees(Intent):
    """Vault.sweep_fees into the insurance fund; anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundDeposit(Intent):
    """InsuranceFund.deposit, shares to the owner of the acting account."""

    amount: int
    """Cash-token units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundRedeem(Intent):
    """InsuranceFund.redeem, tokens to the owner of the acting account."""

    shares: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleUpdate(Intent):
    """Oracle.update with the signatures of its signers."""

    feed: int
    spot: int
    """Nano USD."""
    mark: int
    """Nano USD."""
    confidence: int
    """Bps."""
    timestamp: int
    """When the price was observed, unix seconds."""
    deadline: int
    """Last second at which it may be delivered, unix seconds."""
    signatures: tuple[tuple[int, int], ...]
    """EIP-2098 pairs (r, vs), in the order of the signers' addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSurface(Intent):
    """Surface.update with the signatures of the Oracle's signers."""

    update: tuple[int, ...]
    """Fields of ISurface.SurfaceUpdate, in their order."""
    signatures: tuple[tuple[int, int], ...]
    """EIP-2098 pairs (r, vs), in the order of the signers' addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshBoard(Intent):
    """RiskBoard.refresh; anyone."""

    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshContributions(Intent):
    """SolvencyGuard.refresh: brings the records of accounts up to date; anyone."""

    targets: tuple[int, ...]
    """At most 64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulatePrice(Intent):
    """Surface.accumulate: records the oracle's price for the settlement averages; anyone."""

    series: tuple[int, ...]
    """At most 32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinaliseSeries(Intent):
    """Surface.finalise: fixes the settlement price of a series; anyone."""

    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleExpired(Intent):
    """Ledger.settle_expired: closes all positions of `target` in a settled series; anyone."""

    target: int
    series: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleCoin(Intent):
    """CoinPool.settle: PnL of `target` in one inverse market, in coin, from or to its collateral."""

    target: int
    market: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDebt(Intent):
    """CoinPool.close_debt: coin that `target`, in liquidation, owes and has not, for cash of it at mark."""

    target: int
    creditor: int
    """Who gives up that much of a claim."""
    market: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMargin(Intent):
    """Liquidator.call_margin of `target`."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalateCall(Intent):
    """Liquidator.escalate of `target`, whose grace is over."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CureCall(Intent):
    """Liquidator.cure of `target`, which meets initial margin again."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAuction(Intent):
    """Liquidator.start_for: puts `target` up for auction; the reward goes to the acting account."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid(Intent):
    """Liquidator.bid: the acting account takes a slice of `target`."""

    target: int
    fraction: int
    """Wad of the portfolio; the contract lowers it to what the cap allows."""
    max_price: int
    """Most to pay for the slice, wad USD; negative: least to receive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkInsolvent(Intent):
    """Liquidator.mark_insolvent: turns a solvent auction whose account is under water."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDeleverage(Intent):
    """Liquidator.mark_deleverage: gives up an insolvent auction that the fund cannot pay for."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleverage(Intent):
    """Liquidator.deleverage of `target` against counterparties in rank order."""

    target: int
    market: int
    counterparties: tuple[int, ...]
    """At most 8 accounts, ranks not rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff(Intent):
    """Liquidator.write_off: socialises what is left of `target`."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAuction(Intent):
    """Liquidator.stop: ends the auction of a recovered `target`."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDeposit(Intent):
    """CreditDesk.deposit, shares to the owner of the acting account."""

    tranche: int
    """1 junior, 2 senior."""
    amount: int
    """Cash-token units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRedeem(Intent):
    """CreditDesk.redeem, tokens to the owner of the acting account."""

    tranche: int
    shares: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLine(Intent):
    """CreditDesk.grant: grants, raises, prolongs or lowers the line of `target`; underwriter only."""

    target: int
    amount: int
    """Cash-token units; 0 ends the line."""
    term: int
    """Unix seconds at which the line is called in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewLine(Intent):
    """CreditDesk.review of the line of `target`: fees, notice, half-time, cure; anyone."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareDefault(Intent):
    """CreditDesk.declare_default of the line of `target` once the grace of its call is over; anyone."""

    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprice(Intent):
    """Raises the fees of this agent's pending transaction with the same `tag`: same nonce, same call.

    The pool accepts it only when tip and maximal fee both rise by at least 10 %, and else keeps what it
    has. Either way there is one receipt, for the transaction itself.
    """
