# SPDX-License-Identifier: Apache-2.0
"""What attackers do: calls that are not theirs, forged and old signatures, edges, money in circles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.stateful.actions import any_account, rule
from tests.stateful.control import CONTINGENCY, FEED, PARAMETERS, RISK
from tests.stateful.driver import Driver
from tests.stateful.prices import UPDATE, signed_price
from tests.stateful.rig import TRADERS
from tests.stateful.series import SURFACE_UPDATE, signed_surface
from tests.stateful.world_state import ASSETS, ATTACKER, FEEDS, INVERSE, KEEPER, PERPETUALS, SERIES

__all__ = ["FORBIDDEN", "inflate", "round_trip"]

WAD = 10**18
EXTREMES = (0, 1, 2**64, 2**127 - 1, 2**128 - 1, 2**128, 2**255 - 1, 2**255, 2**256 - 1)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1."""

FORBIDDEN: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("Vault", "apply_trade(uint256,int256,uint256)", (ATTACKER, 10**21, 0)),
    ("Vault", "move_slice(uint256,uint256,uint256,int256)", (KEEPER, ATTACKER, WAD, 0)),
    ("Vault", "move_cash(uint256,uint256,uint256,uint256)", (KEEPER, ATTACKER, 10**21, 4)),
    ("Vault", "cover(uint256,uint256)", (ATTACKER, 10**9)),
    ("Vault", "write_off(uint256)", (ATTACKER,)),
    ("Vault", "wire(address,address,address)", (b"\1" * 20, b"\1" * 20, b"\1" * 20)),
    ("Vault", "register_engine(address)", (b"\1" * 20,)),
    ("Vault", "list_collateral(address,uint256,uint256,uint256,uint256)", (b"\1" * 20, 1, 0, 0, 1)),
    ("Vault", "set_collateral(uint256,uint256,uint256,uint256,uint256)", (1, 1, 0, 0, 2**127)),
    ("Vault", "set_interest(uint256,uint256,uint256,uint256,uint256)", (0, 0, 0, 0, 0)),
    ("Vault", "set_stable_feed(uint256)", (1,)),
    ("Vault", "pause(uint256)", (2,)),
    ("Vault", "unpause(uint256)", (2,)),
    ("Vault", "set_guardian(address)", (b"\1" * 20,)),
    ("Vault", "transfer_ownership(address)", (b"\1" * 20,)),
    ("Vault", "accept_ownership()", ()),
    ("Ledger", "fill_maker(uint256,uint256,int256,uint256,uint256,bool)", (ATTACKER, 1, 10**9, 1, 0, False)),
    (
        "Ledger",
        "fill_taker(address,uint256,uint256,int256,int256,uint256,int256)",
        (b"\1" * 20, ATTACKER, 1, 0, 0, 0, 1),
    ),
    ("Ledger", "release_orders(uint256,uint256,uint256,uint256)", (KEEPER, 1, 1, 0)),
    ("Ledger", "begin_liquidation(uint256)", (KEEPER,)),
    ("Ledger", "end_liquidation(uint256)", (KEEPER,)),
    ("Ledger", "transfer_slice(uint256,uint256,uint256,uint256)", (KEEPER, ATTACKER, WAD, 0)),
    ("Ledger", "deleverage(uint256,uint256,uint256,int256,uint256)", (KEEPER, ATTACKER, 1, 1, 1)),
    ("Ledger", "wire(address,address)", (b"\1" * 20, b"\1" * 20)),
    ("Ledger", "unpause(uint256)", (4,)),
    ("Exchange", "set_fees(uint256,uint256)", (0, 0)),
    ("Exchange", "wire(address)", (b"\1" * 20,)),
    ("Exchange", "pause(uint256)", (8,)),
    ("Liquidator", PARAMETERS, ((WAD, WAD, 0, 600, 1, WAD, 0, 0, 0, 0, 600, 600, 1),)),
    ("InsuranceFund", "contribute(uint256)", (10**6,)),
    ("InsuranceFund", "draw(uint256,uint256)", (ATTACKER, 10**6)),
    ("InsuranceFund", "wire(address,address)", (b"\1" * 20, b"\1" * 20)),
    ("Oracle", "set_signer(address,bool)", (b"\1" * 20, True)),
    ("Oracle", FEED, (1, (3_600, 300, 0, 0, 86_400, 1, 1, 2**72 - 1))),
    ("Instruments", "set_funding(uint256,uint256,int256,uint256)", (1, 1, 10**16, 10**16)),
    ("Instruments", "set_open_interest_cap(uint256,uint256)", (1, 0)),
    ("Instruments", "set_active(uint256,bool)", (1, False)),
    ("Vault", "move_collateral(uint256,uint256,uint256,uint256)", (KEEPER, ATTACKER, 1, 1)),
    ("Vault", "set_engine(uint256,uint256)", (ATTACKER, 1)),
    ("Vault", "enable_lines(uint256)", (1,)),
    ("Vault", "wire_engine_switch(address)", (b"\1" * 20,)),
    ("Ledger", "settle_coin(uint256,uint256,int256,uint256)", (ATTACKER, 128, 10**12, 0)),
    ("CoinPool", "wire(address,uint256)", (b"\1" * 20, 1)),
    ("CoinPool", "add_market(uint256,uint256)", (128, 2)),
    ("CreditDesk", "draw(uint256,uint256)", (KEEPER, 10**6)),
    ("CreditDesk", "grant(uint256,uint256,uint256)", (ATTACKER, 10**9, 2**32)),
    ("CreditDesk", "set_underwriter(address)", (b"\1" * 20,)),
    ("CreditDesk", "wire(address)", (b"\1" * 20,)),
    ("CreditMargin", "set_credit(uint256,uint256)", (8_000, 100_000)),
    ("EngineSwitch", "set_delay(uint256)", (600,)),
    ("EngineSwitch", "request(uint256,uint256)", (KEEPER, 1)),
    ("EngineSwitch", "change(uint256)", (KEEPER,)),
    ("RiskModel", "map_collaterals(uint256[],uint256[])", ([1], [0])),
    ("DynamicMargin", "map_collaterals(uint256[],uint256[])", ([1], [0])),
    ("PortfolioMargin", "set_market_feed(uint256,uint256)", (128, 2)),
    ("CrossMargin", RISK, ([1], [(2, 1, 10_000, 10_000, 1_000, 2_000)])),
    ("IsolatedMargin", CONTINGENCY, ((0, 0, 0, 0),)),
)


@rule("attacker calls what is not theirs")
def restricted(driver: Driver) -> None:
    contract, signature, args = driver.rng.choice(FORBIDDEN)
    driver.call(driver.rng.choice(["attacker", *TRADERS]), contract, signature, *args, forbidden=True)


@rule("attacker uses another's account")
def trespass(driver: Driver) -> None:
    rng = driver.rng
    account = rng.choice(driver.owned())
    if driver.authorised(account, "attacker"):
        return
    address = driver.rig.roles["attacker"]
    own = sorted(driver.orders[o].account for o in driver.orders if driver.orders[o].account == account)
    calls: list[tuple[str, str, tuple[Any, ...]]] = [
        ("Vault", "withdraw(uint256,uint256,uint256,address)", (account, 0, 1, address)),
        ("Vault", "withdraw(uint256,uint256,uint256,address)", (account, rng.choice(ASSETS), 1, address)),
        ("Vault", "transfer_cash(uint256,uint256,uint256)", (account, ATTACKER, 1)),
        ("Vault", "set_delegate(uint256,address,bool)", (account, address, True)),
        (
            "Exchange",
            "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
            (account, rng.choice(PERPETUALS), rng.random() < 0.5, 2**24 - 1, 1, rng.choice([0, 2, 4]), 0, 64),
        ),
        ("Exchange", "cancel_all(uint256)", (account,)),
        ("Liquidator", "bid(uint256,uint256,uint256,int256)", (account % 9 + 2, account, WAD, 2**200)),
    ]
    if own:
        order = next(o for o in driver.orders.values() if o.account == account)
        terms = (order.order_id, order.tick, order.lots, 0, 0, 64)
        calls += [
            ("Exchange", "cancel(uint256)", (order.order_id,)),
            ("Exchange", "replace(uint256,uint256,uint256,uint256,uint256,uint256)", terms),
        ] * 2
    contract, signature, args = rng.choice(calls)
    driver.call("attacker", contract, signature, *args, forbidden=True)


def _high(signature: tuple[int, int]) -> tuple[int, int]:
    """The other signature of the same key and hash."""
    r, vs = signature
    return r, ((ORDER - (vs & (2**255 - 1))) | (((vs >> 255) ^ 1) << 255)) % 2**256


@rule("attacker forges a price")
def forge(driver: Driver) -> None:
    """Too few signers, one twice, a high s, another price than was signed, a passed deadline."""
    rng = driver.rng
    driver.advance(1)
    feed = rng.choice(FEEDS)
    update, signatures = signed_price(driver, feed, 10**9, 10**9, 10**8, 0)
    kind = rng.randrange(7)
    if kind == 0:
        signatures = signatures[:1]
    elif kind == 1:
        signatures = [signatures[0], signatures[0]]
    elif kind == 2:
        signatures = [_high(signatures[0]), signatures[1]]
    elif kind == 3:
        update = (feed, 2 * 10**9, *update[2:])
    elif kind == 4:
        update = (*update[:5], driver.rig.time - 1)
    elif kind == 5:
        update = (*update[:4], driver.rig.time + 1, driver.rig.time + 10)
    else:
        signatures = []
    driver.call("attacker", "Oracle", UPDATE, update, signatures, forbidden=True)


@rule("attacker replays a price")
def replay(driver: Driver) -> None:
    if driver.last_update is not None and driver.rig.time <= driver.last_update[0][5]:
        driver.call("attacker", "Oracle", UPDATE, *driver.last_update)


@rule("attacker forges a surface")
def forge_surface(driver: Driver) -> None:
    """As of prices; and a signature for another series, or made before the Surface's own price."""
    rng = driver.rng
    driver.advance(1)
    # Of a series that has expired nothing is stored and no signature looked at.
    live = [series for series in SERIES if driver.rig.time < driver.expiries[series]]
    if not live:
        return
    series = rng.choice(live)
    update, signatures = signed_surface(driver, series)
    kind = rng.randrange(8)
    if kind == 0:
        signatures = signatures[:1]
    elif kind == 1:
        signatures = [signatures[0], signatures[0]]
    elif kind == 2:
        signatures = [_high(signatures[0]), signatures[1]]
    elif kind == 3:
        update = replace(update, a=update.a + 1)
    elif kind == 4:
        update = replace(update, series=live[live.index(series) - 1], b=update.b + 1)
    elif kind == 5:
        update, signatures = signed_surface(driver, series, deadline=driver.rig.time - 1)
    elif kind == 6:
        later = driver.rig.time + 10
        update, signatures = signed_surface(driver, series, timestamp=later, deadline=later + 60)
    else:
        signatures = []
    driver.call("attacker", "Surface", SURFACE_UPDATE, update.row(), signatures, forbidden=True)


@rule("attacker replays a surface")
def replay_surface(driver: Driver) -> None:
    """One that was accepted, or an older one that never was."""
    old = driver.rng.choice([driver.last_surface, driver.older_surface])
    if old is not None and driver.rig.time <= old[0].deadline:
        driver.call("attacker", "Surface", SURFACE_UPDATE, old[0].row(), old[1])


@rule("extreme arguments")
def extremes(driver: Driver) -> None:
    """Anything at the edge of its type; it reverts or is right, and never runs out of gas."""
    rng = driver.rng

    def edge() -> int:
        return rng.choice(EXTREMES)

    account, attacker = any_account(driver), driver.rig.roles["attacker"]
    calls: list[tuple[str, str, tuple[Any, ...]]] = [
        ("Vault", "deposit(uint256,uint256,uint256)", (account, rng.choice([0, 1, edge()]), edge())),
        (
            "Vault",
            "withdraw(uint256,uint256,uint256,address)",
            (account, rng.choice([0, 1, edge()]), edge(), b"\1" * 20),
        ),
        (
            "Vault",
            "transfer_cash(uint256,uint256,uint256)",
            (account, rng.choice([ATTACKER, edge()]), edge()),
        ),
        ("Vault", "create_account(uint256)", (edge() | 8,)),
        (
            "Exchange",
            "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
            (
                account,
                rng.choice([1, edge()]),
                rng.random() < 0.5,
                rng.choice([1, 2**24 - 1, edge()]),
                rng.choice([1, 2**48 - 1, edge()]),
                rng.choice([0, 1, 2, 4, 7]),
                rng.choice([0, edge()]),
                edge(),
            ),
        ),
        ("Exchange", "cancel(uint256)", (edge(),)),
        ("Exchange", "purge(uint256[])", ([edge() for _ in range(4)],)),
        ("Liquidator", "bid(uint256,uint256,uint256,int256)", (account, ATTACKER, edge(), edge())),
        ("Liquidator", "deleverage(uint256,uint256,uint256[])", (account, edge(), [edge()])),
        ("Ledger", "settle(uint256)", (edge(),)),
        ("Instruments", "touch(uint256)", (edge(),)),
        ("InsuranceFund", "deposit(uint256,address)", (edge(), attacker)),
        ("InsuranceFund", "redeem(uint256,address,address)", (edge(), attacker, attacker)),
        ("Vault", "accrue_interest()", ()),
        ("CoinPool", "settle(uint256,uint256)", (account, rng.choice([*INVERSE, edge()]))),
        ("CoinPool", "close_debt(uint256,uint256,uint256)", (account, edge(), rng.choice(INVERSE))),
        ("CreditDesk", "deposit(uint256,uint256,address)", (rng.choice([1, edge()]), edge(), attacker)),
        ("CreditDesk", "redeem(uint256,uint256,address)", (rng.choice([2, edge()]), edge(), attacker)),
        ("CreditDesk", "review(uint256)", (edge(),)),
        ("EngineSwitch", "request(uint256,uint256)", (account, edge())),
        ("DynamicMargin", "refresh(uint256[])", ([edge()],)),
    ]
    contract, signature, args = rng.choice(calls)
    caller = "attacker" if contract == "InsuranceFund" else driver.owner(account)
    driver.call(caller, contract, signature, *args)


# --- sequences that must gain nobody anything


@rule("round trip")
def round_trip(driver: Driver) -> None:
    """In and out again within one block."""
    rng = driver.rng
    amount = rng.choice([1, 3, 10**6, 10**9, rng.randrange(1, 10**10)])
    address = driver.rig.roles["attacker"]
    if rng.random() < 0.5:
        outcome = driver.call("attacker", "InsuranceFund", "deposit(uint256,address)", amount, address)
        if outcome.ok:
            shares = outcome.word()
            back = driver.call(
                "attacker", "InsuranceFund", "redeem(uint256,address,address)", shares, address, address
            )
            assert not back.ok or back.word() <= amount, "INV-04: a round trip through the fund paid"
        return
    account = ATTACKER
    if account not in driver.owners or driver.state.account(account).liquidating:
        return
    before = driver.cash_now(driver.state, driver.state.account(account))
    asset = rng.choice([0, *ASSETS])
    outcome = driver.call("attacker", "Vault", "deposit(uint256,uint256,uint256)", account, asset, amount)
    if outcome.ok:
        withdraw = "withdraw(uint256,uint256,uint256,address)"
        driver.call("attacker", "Vault", withdraw, account, asset, amount, address)
        after = driver.cash_now(driver.state, driver.state.account(account))
        deposited = amount * driver.scale if asset == 0 else 0
        assert after <= before + deposited, "INV-04: a round trip through the Vault paid"


@rule("attacker donates to an empty fund")
def inflate(driver: Driver) -> None:
    """A first depositor donates before the second comes; all of it undone afterwards."""
    rng, rig = driver.rng, driver.rig
    if driver.state.shares > 10 * 10**6:
        return
    roles, fund = rig.roles, rig.at["InsuranceFund"]
    spent = rng.choice([0, 1, 10])
    shares = 0
    if spent:
        outcome = driver.call(
            "attacker", "InsuranceFund", "deposit(uint256,address)", spent, roles["attacker"]
        )
        shares = outcome.word() if outcome.ok else 0
        spent = spent if outcome.ok else 0
    donated = rng.choice([1, 10**6, 10**12, 10**20])
    value_before = driver.state.share_value
    if driver.call("attacker", "CashToken", "transfer(address,uint256)", fund, donated).ok:
        spent += donated
    assert driver.state.share_value == value_before, "INV-05: a donation moved the share price"
    paid = rng.choice([1, 10**6, 10**12])
    outcome = driver.call("depositor", "InsuranceFund", "deposit(uint256,address)", paid, roles["depositor"])
    if outcome.ok:
        worth = rig.view("InsuranceFund", "convertToAssets(uint256)", outcome.word()).word()
        share = -(-(driver.state.fund_assets + 1) // (driver.state.shares + 10**6))
        assert worth >= paid - 1 - share, "INV-05: the victim lost more than one share and one unit"
    if shares:
        back = driver.call(
            "attacker",
            "InsuranceFund",
            "redeem(uint256,address,address)",
            shares,
            roles["attacker"],
            roles["attacker"],
        )
        assert not back.ok or back.word() <= spent, "INV-05: the attacker gained"
