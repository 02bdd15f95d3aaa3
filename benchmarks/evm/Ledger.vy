# SPDX-License-Identifier: AGPL-3.0-only
# pragma version ~=0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Ledger
@license GNU Affero General Public License v3.0 only
@notice The common work on which local EVMs are compared: transfers, margin health of eight positions
        against three markets, and liquidations. It is no part of the exchange.
"""

event Transferred:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

event Liquidated:
    account: indexed(address)
    keeper: indexed(address)
    seized: uint256
    health: int256

POSITIONS: constant(uint256) = 8
MARKETS: constant(uint256) = 3
WAD: constant(int256) = 10**18

balances: public(HashMap[address, uint256])
collateral: public(HashMap[address, uint256])
sizes: HashMap[address, int256[POSITIONS]]
entries: HashMap[address, int256[POSITIONS]]
prices: int256[MARKETS]
insurance: public(uint256)
liquidations: public(uint256)


@deploy
def __init__():
    self.prices = [2_000 * WAD, 40_000 * WAD, 100 * WAD]


@external
def seed(account: address, salt: uint256):
    """
    @notice Gives `account` a balance, collateral and eight positions that follow from `salt`.
    @param account The account.
    @param salt Any number.
    """
    self.balances[account] = 1_000_000 * 10**18
    self.collateral[account] = 10**30
    for i: uint256 in range(POSITIONS):
        step: int256 = convert((salt + i) % 7, int256) - 3
        self.sizes[account][i] = (step * 2 + 1) * WAD
        self.entries[account][i] = self.prices[i % MARKETS] + step * WAD


@external
def transfer(receiver: address, amount: uint256) -> bool:
    """
    @notice Moves balance to `receiver`.
    @param receiver The receiving account.
    @param amount Amount in wei.
    @return Always true.
    """
    self.balances[msg.sender] -= amount
    self.balances[receiver] += amount
    log Transferred(sender=msg.sender, receiver=receiver, amount=amount)
    return True


@external
@view
def health(account: address) -> int256:
    """
    @notice Collateral plus profit less margin of `account`.
    @param account The account.
    @return Health in wei, negative when the account may be liquidated.
    """
    return self._health(account)


@external
def liquidate(account: address):
    """
    @notice Takes an eighth of the positions and a fee from `account`, whatever its health.
    @param account The account.
    """
    measured: int256 = self._health(account)
    for i: uint256 in range(2):
        self.sizes[account][i] -= self.sizes[account][i] // 8
    seized: uint256 = self.collateral[account] // 1_000
    self.collateral[account] -= seized
    self.collateral[msg.sender] += seized // 2
    self.balances[msg.sender] += 1
    self.insurance += seized - seized // 2
    self.liquidations += 1
    log Liquidated(account=account, keeper=msg.sender, seized=seized, health=measured)


@internal
@view
def _health(account: address) -> int256:
    prices: int256[MARKETS] = self.prices
    total: int256 = convert(self.collateral[account], int256)
    for i: uint256 in range(POSITIONS):
        size: int256 = self.sizes[account][i]
        entry: int256 = self.entries[account][i]
        for m: uint256 in range(MARKETS):
            price: int256 = prices[m]
            profit: int256 = size * (price - entry) // WAD
            margin: int256 = abs(size) * price // WAD * 3 // 100
            total += profit - margin
    return total
