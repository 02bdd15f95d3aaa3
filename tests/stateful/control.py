# SPDX-License-Identifier: Apache-2.0
"""What the owner, the guardian and attackers do."""

from __future__ import annotations

from typing import Any

from tests.stateful.actions import any_account, rule
from tests.stateful.driver import Driver
from tests.stateful.prices import UPDATE, signed_price
from tests.stateful.rig import TRADERS, USD_FEED
from tests.stateful.world_state import ASSETS, FEEDS, PERPETUALS

__all__ = ["FORBIDDEN", "inflate", "round_trip"]

WAD = 10**18
PAUSES = {"Vault": (1, 2, 16), "Ledger": (4,), "Exchange": (4, 8), "InsuranceFund": (32,)}
EXTREMES = (0, 1, 2**64, 2**127 - 1, 2**128 - 1, 2**128, 2**255 - 1, 2**255, 2**256 - 1)
RISK = "set_markets(uint256[],(uint256,uint256,uint256,uint256,uint256,uint256)[])"
CONTINGENCY = "set_contingency((uint256,uint256,uint256,uint256))"
PARAMETERS = f"set_parameters(({','.join(['uint256'] * 11)}))"
FEED = "set_feed(uint256,(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256))"


# --- guardian and owner


@rule("pause")
def pause(driver: Driver) -> None:
    contract = driver.rng.choice(sorted(PAUSES))
    bit = driver.rng.choice(PAUSES[contract])
    driver.call(driver.rng.choice(["guardian", "owner"]), contract, "pause(uint256)", bit)


@rule("unpause")
def unpause(driver: Driver) -> None:
    found = [
        (contract, bit)
        for contract, bits in sorted(driver.parameters.paused.items())
        for bit in (1, 2, 4, 8, 16, 32)
        if bits & bit
    ]
    contract, bit = driver.rng.choice(found) if found else ("Vault", 1)
    driver.call("owner", contract, "unpause(uint256)", bit)


@rule("fees change")
def set_fees(driver: Driver) -> None:
    fees = driver.rng.choice([(0, 0), (2, 5), (2, 5), (10, 30), (100, 100), (101, 0)])
    driver.call("owner", "Exchange", "set_fees(uint256,uint256)", *fees)


@rule("interest changes")
def set_interest(driver: Driver) -> None:
    rng = driver.rng
    rates = tuple(rng.choice([0, 2 * WAD // 100, WAD // 2, 4 * WAD]) for _ in range(3))
    optimal, fee = rng.choice([0, WAD // 2, WAD]), rng.choice([0, WAD // 5, WAD])
    driver.call(
        "owner", "Vault", "set_interest(uint256,uint256,uint256,uint256,uint256)", *rates, optimal, fee
    )


@rule("collateral changes")
def set_collateral(driver: Driver) -> None:
    asset = driver.rng.choice(ASSETS)
    haircuts = driver.rng.choice([(1_000, 2_000), (1_000, 2_000), (300, 500), (0, 0), (5_000, 10_000)])
    cap = driver.rng.choice([10**24, 10**24, 2**128 - 1, 0])
    driver.call(
        "owner",
        "Vault",
        "set_collateral(uint256,uint256,uint256,uint256,uint256)",
        asset,
        driver.parameters.collateral_feeds[asset],
        *haircuts,
        cap,
    )


@rule("stable feed changes")
def set_stable_feed(driver: Driver) -> None:
    driver.call("owner", "Vault", "set_stable_feed(uint256)", driver.rng.choice([0, 0, USD_FEED]))


@rule("risk changes")
def set_risk(driver: Driver) -> None:
    market = driver.rng.choice(PERPETUALS)
    initial, maintenance = driver.rng.choice(
        [(1_000, 500), (1_000, 500), (800, 400), (2_000, 1_000), (400, 390)]
    )
    risk = (initial, maintenance, 15_000, 25_000, 1_000_000, 2_000_000)
    if driver.rng.random() < 0.1:
        risk = (500, 600, 15_000, 25_000, 1_000_000, 2_000_000)
    engine = driver.rng.choice(["CrossMargin", "IsolatedMargin"])
    driver.call("owner", engine, RISK, [market], [risk])


@rule("contingency changes")
def set_contingency(driver: Driver) -> None:
    usual, strict = (5 * 10**7, 10_000, 990_000_000, 10_000), (9 * 10**7, 5_000, 10**9, 20_000)
    contingency = driver.rng.choice([usual, strict])
    engine = driver.rng.choice(["CrossMargin", "IsolatedMargin"])
    driver.call("owner", engine, CONTINGENCY, contingency)


@rule("funding changes")
def set_funding(driver: Driver) -> None:
    most = driver.rng.choice([0, 10**15, 75 * 10**14, 2 * 10**16])
    static = driver.rng.choice([0, most, -most, most // 3])
    hours = driver.rng.choice([1, 8, 168])
    driver.call(
        "owner",
        "Instruments",
        "set_funding(uint256,uint256,int256,uint256)",
        driver.rng.choice(PERPETUALS),
        hours,
        static,
        most,
    )


@rule("open interest cap changes")
def set_cap(driver: Driver) -> None:
    market = driver.rng.choice(PERPETUALS)
    cap = driver.rng.choice([10**15, 10**15, 10**13, driver.state.markets[market].open_interest])
    driver.call("owner", "Instruments", "set_open_interest_cap(uint256,uint256)", market, cap)


@rule("market opens or closes")
def set_active(driver: Driver) -> None:
    closed = [market for market in PERPETUALS if not driver.parameters.active[market]]
    market, active = (
        (closed[0], True) if closed else (driver.rng.choice(PERPETUALS), driver.rng.random() < 0.6)
    )
    driver.call("owner", "Instruments", "set_active(uint256,bool)", market, active)


@rule("auction parameters change")
def set_parameters(driver: Driver) -> None:
    rng = driver.rng
    start = rng.choice([95, 100, 80]) * WAD // 100
    parameters = (
        start,
        rng.choice([start, 70 * WAD // 100]),
        rng.choice([0, 300, 900]),
        rng.choice([600, 900, 3_600]),
        rng.choice([600, 1, 3_600]),
        rng.choice([1, 15, 50]) * WAD // 100,
        rng.choice([0, 5, 10]) * WAD // 100,
        rng.choice([0, 100, 10_000]) * WAD,
        rng.choice([0, WAD // 200]),
        100 * WAD,
        rng.choice([1, 60]),
    )
    if rng.random() < 0.1:
        parameters = (0, *parameters[1:])
    driver.call("owner", "Liquidator", PARAMETERS, parameters)


@rule("feed changes")
def set_feed(driver: Driver) -> None:
    heartbeat = driver.rng.choice([3_600, 3_600, 600, 65_535])
    jump = driver.rng.choice([0, 0, 2_000])
    deviation = driver.parameters.deviation
    config = (heartbeat, deviation, 5 * 10**7, jump, 86_400, 2, 1, 2**72 - 1)
    feed = driver.rng.choice(FEEDS[:4])
    driver.call("owner", "Oracle", FEED, feed, config)


# --- attackers

FORBIDDEN: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("Vault", "apply_trade(uint256,int256,uint256)", (9, 10**21, 0)),
    ("Vault", "move_slice(uint256,uint256,uint256,uint256)", (7, 9, WAD, 0)),
    ("Vault", "move_cash(uint256,uint256,uint256,uint256)", (7, 9, 10**21, 4)),
    ("Vault", "cover(uint256,uint256)", (9, 10**9)),
    ("Vault", "write_off(uint256)", (9,)),
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
    ("Ledger", "fill_maker(uint256,uint256,int256,uint256,uint256,bool)", (9, 1, 10**9, 1, 0, False)),
    (
        "Ledger",
        "fill_taker(address,uint256,uint256,int256,int256,uint256,int256)",
        (b"\1" * 20, 9, 1, 0, 0, 0, 1),
    ),
    ("Ledger", "release_orders(uint256,uint256,uint256,uint256)", (7, 1, 1, 0)),
    ("Ledger", "begin_liquidation(uint256)", (7,)),
    ("Ledger", "end_liquidation(uint256)", (7,)),
    ("Ledger", "transfer_slice(uint256,uint256,uint256,uint256)", (7, 9, WAD, 0)),
    ("Ledger", "deleverage(uint256,uint256,uint256,int256,uint256)", (7, 9, 1, 1, 1)),
    ("Ledger", "wire(address,address)", (b"\1" * 20, b"\1" * 20)),
    ("Ledger", "unpause(uint256)", (4,)),
    ("Exchange", "set_fees(uint256,uint256)", (0, 0)),
    ("Exchange", "wire(address)", (b"\1" * 20,)),
    ("Exchange", "pause(uint256)", (8,)),
    ("Liquidator", PARAMETERS, ((WAD, WAD, 0, 600, 1, WAD, 0, 0, 0, 0, 1),)),
    ("InsuranceFund", "contribute(uint256)", (10**6,)),
    ("InsuranceFund", "draw(uint256,uint256)", (9, 10**6)),
    ("InsuranceFund", "wire(address,address)", (b"\1" * 20, b"\1" * 20)),
    ("Oracle", "set_signer(address,bool)", (b"\1" * 20, True)),
    ("Oracle", FEED, (1, (3_600, 300, 0, 0, 86_400, 1, 1, 2**72 - 1))),
    ("Instruments", "set_funding(uint256,uint256,int256,uint256)", (1, 1, 10**16, 10**16)),
    ("Instruments", "set_open_interest_cap(uint256,uint256)", (1, 0)),
    ("Instruments", "set_active(uint256,bool)", (1, False)),
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
    account = rng.randint(1, driver.state.account_count)
    if driver.authorised(account, "attacker"):
        return
    address = driver.rig.roles["attacker"]
    own = sorted(driver.orders[o].account for o in driver.orders if driver.orders[o].account == account)
    calls: list[tuple[str, str, tuple[Any, ...]]] = [
        ("Vault", "withdraw(uint256,uint256,uint256,address)", (account, 0, 1, address)),
        ("Vault", "withdraw(uint256,uint256,uint256,address)", (account, rng.choice(ASSETS), 1, address)),
        ("Vault", "transfer_cash(uint256,uint256,uint256)", (account, 9, 1)),
        ("Vault", "set_delegate(uint256,address,bool)", (account, address, True)),
        (
            "Exchange",
            "place(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)",
            (account, rng.choice(PERPETUALS), rng.random() < 0.5, 2**24 - 1, 1, rng.choice([0, 2, 4]), 0, 64),
        ),
        ("Exchange", "cancel_all(uint256)", (account,)),
        ("Liquidator", "bid(uint256,uint256,uint256,int256)", (account % 9 + 1, account, WAD, 2**200)),
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
        r, vs = signatures[0]
        order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
        high = order - (vs & (2**255 - 1))
        signatures = [(r, (high | (((vs >> 255) ^ 1) << 255)) % 2**256), signatures[1]]
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
        ("Vault", "transfer_cash(uint256,uint256,uint256)", (account, rng.choice([9, edge()]), edge())),
        ("Vault", "create_account(uint256)", (edge() | 4,)),
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
        ("Liquidator", "bid(uint256,uint256,uint256,int256)", (account, 9, edge(), edge())),
        ("Liquidator", "deleverage(uint256,uint256,uint256[])", (account, edge(), [edge()])),
        ("Ledger", "settle(uint256)", (edge(),)),
        ("Instruments", "touch(uint256)", (edge(),)),
        ("InsuranceFund", "deposit(uint256,address)", (edge(), attacker)),
        ("InsuranceFund", "redeem(uint256,address,address)", (edge(), attacker, attacker)),
        ("Vault", "accrue_interest()", ()),
    ]
    contract, signature, args = rng.choice(calls)
    caller = "attacker" if contract == "InsuranceFund" else driver.owners.get(account, "attacker")
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
    account = 9
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
