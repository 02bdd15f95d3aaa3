# SPDX-License-Identifier: Apache-2.0
"""What keepers do: auctions and everything down to the write-off."""

from __future__ import annotations

from tests.stateful.actions import RULES, any_account, log_uniform, price_of, rule, token_amount
from tests.stateful.driver import DELEVERAGE, INSOLVENT, SOLVENT, Driver
from tests.stateful.margins import ONE_USD
from tests.stateful.world_state import ATTACKER, INVERSE, KEEPER, MARKETS, RIVAL

__all__ = ["START_FOR", "below", "in_phase"]

WAD = 10**18
START = "start(uint256)"
START_FOR = "start_for(uint256,uint256)"


def in_phase(driver: Driver, *phases: int) -> int:
    """An account whose auction is in one of the phases; any account where there is none, or sometimes."""
    found = [number for number, auction in driver.auctions.items() if auction.phase in phases]
    if not found or driver.rng.random() < 0.04:
        return any_account(driver)
    return driver.rng.choice(sorted(found))


def below(driver: Driver, maintenance: bool) -> int:
    """An account below a margin where there is one; sometimes any."""
    found = []
    for number in range(1, driver.state.account_count + 1):
        margin = driver.margin(driver.state, number)
        required = margin.maintenance if maintenance else margin.initial
        if margin.equity < required and number not in driver.auctions:
            found.append(number)
    if not found or driver.rng.random() < 0.1:
        return any_account(driver)
    return driver.rng.choice(found)


@rule("start")
def start(driver: Driver) -> None:
    driver.call("rival", "Liquidator", START, below(driver, True))


@rule("start for a reward")
def start_for(driver: Driver) -> None:
    keeper = driver.rng.choice([KEEPER, RIVAL, RIVAL, any_account(driver)])
    driver.call("keeper", "Liquidator", START_FOR, below(driver, True), keeper)


def _prey(driver: Driver) -> int:
    """An account in a solvent auction; where there is none, one is opened if any account is due."""
    if not any(auction.phase == SOLVENT for auction in driver.auctions.values()):
        driver.call("keeper", "Liquidator", START, below(driver, True))
    return in_phase(driver, SOLVENT)


def _run_out(driver: Driver, account: int, chance: float) -> None:
    """Nobody bids until the auction is over."""
    auction = driver.auctions.get(account)
    if auction is None or driver.rng.random() > chance:
        return
    _, _, fast, slow, *_ = driver.parameters.liquidation
    driver.advance(max(auction.started + fast + slow - driver.rig.time, 0))
    RULES["prices refreshed"](driver)


@rule("restart")
def restart(driver: Driver) -> None:
    account = _prey(driver)
    _run_out(driver, account, 0.9)
    driver.call("rival", "Liquidator", START, account)


def _bid(driver: Driver, account: int) -> None:
    rng = driver.rng
    bidder = rng.choice([KEEPER, KEEPER, RIVAL, ATTACKER, rng.choice(driver.owned())])
    if account == bidder and rng.random() < 0.9:
        bidder = KEEPER if account != KEEPER else RIVAL
    fraction = rng.choice([WAD, WAD, WAD // 2, WAD // 10, int(log_uniform(rng, 1e12, 1e18)), 1])
    if rng.random() < 0.05:
        fraction = rng.choice([0, 2 * WAD, 2**256 - 1])
    limit = rng.choice([2**200, 2**200, 2**200, 2**200, 2**200, 0, -1, 10**21])
    driver.call(
        driver.caller_for(bidder),
        "Liquidator",
        "bid(uint256,uint256,uint256,int256)",
        account,
        bidder,
        fraction,
        limit,
    )


@rule("bid")
def bid_solvent(driver: Driver) -> None:
    """A keeper who looks for prey, opens the auction where nobody has, and takes one slice or several."""
    account = _prey(driver)
    for _ in range(driver.rng.choice([1, 1, 2, 4])):
        _bid(driver, account)
        if account not in driver.auctions:
            break


@rule("bid on an insolvent account")
def bid_insolvent(driver: Driver) -> None:
    _bid(driver, in_phase(driver, INSOLVENT))


@rule("bid on what deleveraging left")
def bid_collateral(driver: Driver) -> None:
    _bid(driver, in_phase(driver, DELEVERAGE))


@rule("mark insolvent")
def mark_insolvent(driver: Driver) -> None:
    account = in_phase(driver, SOLVENT)
    _run_out(driver, account, 0.5)
    driver.call("keeper", "Liquidator", "mark_insolvent(uint256)", account)


@rule("mark for deleveraging")
def mark_deleverage(driver: Driver) -> None:
    driver.call("keeper", "Liquidator", "mark_deleverage(uint256)", in_phase(driver, INSOLVENT))


@rule("deleverage")
def deleverage(driver: Driver) -> None:
    account = in_phase(driver, DELEVERAGE)
    held = {}
    if 1 <= account <= driver.state.account_count:
        positions = driver.state.account(account).positions
        held = {market: position.size for market, position in positions.items() if position.size}
    market = driver.rng.choice(sorted(held)) if held else driver.rng.choice(MARKETS)
    size = held.get(market, 1)
    others = []
    for number in range(1, driver.state.account_count + 1):
        position = driver.state.account(number).positions.get(market)
        if number == account or position is None or position.size * size >= 0:
            continue
        if driver.state.account(number).liquidating:
            continue
        margin = driver.margin(driver.state, number)
        gain = driver.margins.unrealised(driver.state, market, position)
        entry, mark = position.entry, driver.state.markets[market].mark
        if market in INVERSE:
            entry = mark = ONE_USD
        if margin.equity > 0:
            others.append((_score(gain, abs(position.size), entry, mark, margin.equity), number))
    others.sort(reverse=True)
    chosen = [number for _, number in others[: driver.rng.choice([1, 2, 8])]]
    if driver.rng.random() < 0.1:
        driver.rng.shuffle(chosen)
    if driver.rng.random() < 0.05:
        chosen.append(any_account(driver))
    driver.call("keeper", "Liquidator", "deleverage(uint256,uint256,uint256[])", account, market, chosen[:8])


def _score(gain: int, size: int, entry: int, mark: int, equity: int) -> int:
    """Profit ratio times leverage, as exact integers order it."""
    return min(gain * WAD // max(size * entry, 1), 2**96) * size * mark // equity if gain > 0 else 0


@rule("write off")
def write_off(driver: Driver) -> None:
    """The account's collateral may have to be bought first, which `bid on what deleveraging left` does."""
    found = [
        number
        for number, auction in sorted(driver.auctions.items())
        if auction.phase in (INSOLVENT, DELEVERAGE) and not driver.state.account(number).positions
    ]
    account = driver.rng.choice(found) if found else in_phase(driver, INSOLVENT, DELEVERAGE)
    driver.call("keeper", "Liquidator", "write_off(uint256)", account)


@rule("stop")
def stop(driver: Driver) -> None:
    driver.call("rival", "Liquidator", "stop(uint256)", in_phase(driver, SOLVENT, INSOLVENT, DELEVERAGE))


@rule("refresh")
def refresh(driver: Driver) -> None:
    driver.call("rival", "Liquidator", "refresh(uint256)", in_phase(driver, INSOLVENT, DELEVERAGE))


def _recover(driver: Driver) -> int | None:
    """The owner of an account below the solvent phase pays its deficit, and a little more."""
    account = in_phase(driver, INSOLVENT, DELEVERAGE)
    if account not in driver.owners or account not in driver.auctions:
        return None
    margin = driver.margin(driver.state, account)
    usd = max(-margin.equity, 0) / WAD + margin.maintenance / WAD * driver.rng.choice([1e-6, 0.1, 0.5, 0.9])
    if usd > 10**7:
        return None
    units = token_amount(driver, 0, usd) + 1
    driver.call(driver.owners[account], "Vault", "deposit(uint256,uint256,uint256)", account, 0, units)
    return account


@rule("recovery")
def recovery(driver: Driver) -> None:
    """Bidders and those who would give it up come before anybody has started it again."""
    account = _recover(driver)
    if account is None:
        return
    if driver.rng.random() < 0.5:
        driver.call("keeper", "Liquidator", "mark_deleverage(uint256)", account)
    _bid(driver, account)


@rule("solvent again")
def solvent_again(driver: Driver) -> None:
    driver.rule = "recovery"
    account = _recover(driver)
    driver.rule = "solvent again"
    if account is None:
        return
    driver.call("rival", "Liquidator", START, account)
    for _ in range(driver.rng.choice([0, 1, 2])):
        if account in driver.auctions:
            _bid(driver, account)


@rule("rescue")
def rescue(driver: Driver) -> None:
    """The owner of an account in an auction puts money in, then it can be stopped."""
    account = in_phase(driver, SOLVENT, INSOLVENT)
    if account not in driver.owners:
        return
    margin = driver.margin(driver.state, account)
    missing = max(margin.maintenance * 13 // 10 - margin.equity, 10**18)
    asset = driver.rng.choice([0, 0, 1])
    usd = missing / WAD * driver.rng.choice([0.3, 1.1])
    if usd > 10**7 or price_of(driver, asset) <= 0:
        return
    driver.call(
        driver.owners[account],
        "Vault",
        "deposit(uint256,uint256,uint256)",
        account,
        asset,
        token_amount(driver, asset, usd) + 1,
    )
    driver.call("rival", "Liquidator", "stop(uint256)", account)
