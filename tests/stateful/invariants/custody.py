# SPDX-License-Identifier: Apache-2.0
"""Custody and accounting, 1 to 7."""

from __future__ import annotations

from tests.stateful.invariants.base import View, invariant
from tests.stateful.world_state import ACCOUNTS, ASSETS

__all__: list[str] = []

TOKENS = ("Token:WETH", "Token:WBTC", "Token:EURC")
WAD = 10**18


@invariant(
    "INV-01",
    "For each token, what accounts, fees and the fund own plus what was donated is what is held, exactly.",
)
def inv_01_custody(view: View) -> None:
    after, donated = view.after, view.driver.donated
    assert after.backing % view.scale == 0
    assert after.vault_cash_tokens == after.backing // view.scale + donated["CashToken", "Vault"]
    assert after.fund_tokens == after.fund_assets + donated["CashToken", "InsuranceFund"]
    assert after.desk.tokens == sum(after.desk.assets) + donated["CashToken", "CreditDesk"]
    for asset, name in zip(ASSETS, TOKENS, strict=True):
        held = sum(account.units[asset - 1] for account in after.accounts)
        assert after.held[asset - 1] == held, f"asset {asset}"
        assert after.vault_tokens[asset - 1] == held + donated[name, "Vault"], f"asset {asset}"
    for number in view.changed:
        account = after.accounts[number - 1]
        bitmap = sum(1 << i for i, units in enumerate(account.units) if units)
        assert account.bitmap == bitmap, f"bitmap of account {number}"


@invariant("INV-02", "Tokens sent directly to a contract change no equity, share price, cap or index.")
def inv_02_donations(view: View) -> None:
    if view.step.function != "transfer":
        return
    before, after = view.before, view.after
    assert after.accounts == before.accounts
    assert after.markets == before.markets
    assert after.held == before.held
    assert (after.pools, after.desk.assets, after.desk.supply) == (
        before.pools,
        before.desk.assets,
        before.desk.supply,
    )
    for name in (
        "backing",
        "deficit",
        "fees",
        "reserve",
        "exchange_rate",
        "borrow_index",
        "supply_index",
        "fund_assets",
        "shares",
        "share_value",
        "total_insolvent",
    ):
        assert getattr(after, name) == getattr(before, name), name


@invariant("INV-03", "The sum of the fund's share balances is its total supply.")
def inv_03_shares(view: View) -> None:
    assert sum(view.after.share_balances) == view.after.shares


@invariant(
    "INV-04",
    "A deposit minted no more shares than it paid for, and a withdrawal no more assets than it burnt.",
)
def inv_04_share_rounding(view: View) -> None:
    before, after = view.before, view.after
    minted = after.shares - before.shares
    if not view.step.ok or view.step.contract != "InsuranceFund" or minted == 0:
        return
    supply, assets = before.shares + 10**6, before.fund_assets + 1
    paid = after.fund_assets - before.fund_assets
    assert minted * assets <= paid * supply, "value per share fell"


@invariant("INV-05", "Nobody's share is worth less after another's deposit, withdrawal or donation.")
def inv_05_share_price(view: View) -> None:
    before, after = view.before, view.after
    drawn = view.step.named("Drawn")
    if not drawn:
        assert (after.fund_assets + 1) * (before.shares + 10**6) >= (before.fund_assets + 1) * (
            after.shares + 10**6
        ), "share price fell without a draw"


@invariant(
    "INV-06",
    "Cash, fees and interest reserve equal backing, settled PnL and deficit, to the wei; total value "
    "is backing plus deficit.",
)
def inv_06_identity(view: View) -> None:
    after = view.after
    cash = sum(account.cash for account in after.accounts)
    settled = value = 0
    for account in after.accounts:
        for market, position in account.positions.items():
            settled += position.size * (position.entry - position.funding_index)
            quoted = after.markets[market]
            if quoted.settled:
                # What one side has been paid and the other not charged yet.
                settled -= position.size * quoted.mark
            value += view.driver.margins.unrealised(after, market, position)
    # Coin that losers have paid in is no longer among what positions owe each other.
    value -= sum(held * after.markets[market].mark for market, held in after.pools.items())
    assert settled == after.net_settled, (settled, after.net_settled)
    assert cash + after.fees + after.reserve == after.backing + after.net_settled + after.deficit
    assert cash + value + after.fees + after.reserve == after.backing + after.deficit
    if view.changes:
        # What events alone say of cash is what is stored.
        for number, trail in view.cash_trail.items():
            assert after.accounts[number - 1].cash == trail, f"cash of account {number} by its events"


@invariant(
    "INV-07", "If every account were touched now, the rounding left over would stay with the protocol."
)
def inv_07_dust(view: View) -> None:
    driver, after, memory = view.driver, view.after, view.memory
    for accrual in view.step.named("InterestAccrued"):
        memory.accruals += 1
        memory.interest_tolerance += (accrual["total_borrow"] + accrual["total_supply"]) // WAD + 2 * ACCOUNTS
    now = sum(driver.cash_now(after, account) for account in after.accounts)
    stored = sum(account.cash for account in after.accounts)
    left = after.reserve - (now - stored)
    room = memory.interest_tolerance + (after.total_borrow + after.total_supply) // WAD + 4 * ACCOUNTS
    assert left >= -room, f"{-left} wei of interest are missing, rounding explains {room}"
    if view.step.named("InterestAccrued"):
        # Just accrued: the protocol's share has left the reserve, what is left in it is rounding alone.
        assert left <= room, f"{left} wei stay in the reserve, rounding explains {room}"
