# SPDX-License-Identifier: AGPL-3.0-only
# pragma version ~=0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Probe
@license GNU Affero General Public License v3.0 only
@notice One function for each thing on which two EVMs might disagree.
"""

interface IProbe:
    def fail(reason: String[64]): nonpayable
    def bump() -> uint256: nonpayable

event NoneIndexed:
    value: uint256

event OneIndexed:
    first: indexed(uint256)
    value: uint256

event TwoIndexed:
    first: indexed(uint256)
    second: indexed(address)
    value: Bytes[64]

event ThreeIndexed:
    first: indexed(uint256)
    second: indexed(address)
    third: indexed(bytes32)

event Environment:
    number: uint256
    timestamp: uint256
    coinbase: address
    base_fee: uint256
    gas_limit: uint256
    prevrandao: bytes32
    chain_id: uint256
    gas_price: uint256
    parent: bytes32
    origin: address
    blob_base_fee: uint256

event Spawned:
    child: indexed(address)

slots: HashMap[uint256, uint256]
calls: public(uint256)
counter: transient(uint256)


@deploy
@payable
def __init__():
    self.calls = 1


@external
@payable
def __default__():
    pass


@external
def store(count: uint256, amount: uint256):
    """
    @notice Writes the first `count` slots.
    """
    for i: uint256 in range(count, bound=64):
        self.slots[i] = amount


@external
@view
def load(slot: uint256) -> uint256:
    """
    @notice A slot.
    """
    return self.slots[slot]


@external
def emit_events(amount: uint256):
    """
    @notice Logs with no topic and with one to four.
    """
    raw_log([], abi_encode(amount))
    log NoneIndexed(value=amount)
    log OneIndexed(first=amount, value=amount + 1)
    log TwoIndexed(first=amount, second=msg.sender, value=b"a tail that is no whole word of 32 bytes")
    log ThreeIndexed(first=amount, second=self, third=keccak256("third"))


@external
def emit_environment():
    """
    @notice Logs what the block and the transaction say.
    """
    log Environment(
        number=block.number,
        timestamp=block.timestamp,
        coinbase=block.coinbase,
        base_fee=block.basefee,
        gas_limit=block.gaslimit,
        prevrandao=block.prevrandao,
        chain_id=chain.id,
        gas_price=tx.gasprice,
        parent=blockhash(block.number - 1),
        origin=tx.origin,
        blob_base_fee=block.blobbasefee,
    )


@external
def fail(reason: String[64]):
    """
    @notice Writes, logs and then reverts with `reason`.
    """
    self.calls += 1
    log NoneIndexed(value=1)
    assert False, reason


@external
def fail_raw(data: Bytes[128]):
    """
    @notice Reverts with any bytes.
    """
    raw_revert(data)


@external
def unreachable():
    """
    @notice Halts by the INVALID instruction.
    """
    assert self.calls == 0, UNREACHABLE


@external
def exhaust():
    """
    @notice Writes until the gas is gone.
    """
    for i: uint256 in range(100_000):
        self.slots[i] = i + 1


@external
def catch_failure(reason: String[64]) -> bool:
    """
    @notice Calls `fail` on itself, goes on after the revert and logs.
    """
    self.calls += 1
    success: bool = raw_call(
        self, abi_encode(reason, method_id=method_id("fail(string)")), revert_on_failure=False
    )
    log OneIndexed(first=7, value=convert(success, uint256))
    return success


@external
def bump() -> uint256:
    """
    @notice Counts in transient storage.
    """
    self.counter += 1
    self.slots[99] = self.counter
    return self.counter


@external
def bump_thrice() -> uint256:
    """
    @notice Counts three times across calls of one transaction.
    """
    extcall IProbe(self).bump()
    extcall IProbe(self).bump()
    return extcall IProbe(self).bump()


@external
@view
def recover(digest: bytes32, v: uint8, r: bytes32, s: bytes32) -> address:
    """
    @notice The signer of `digest`, or zero.
    """
    return ecrecover(digest, v, r, s)


@external
def recover_and_store(digest: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Stores the signer of `digest`.
    """
    self.slots[98] = convert(ecrecover(digest, v, r, s), uint256)


@external
@payable
def spawn(initcode: Bytes[1024], salt: bytes32) -> address:
    """
    @notice Creates a contract at an address that depends on `salt`.
    """
    child: address = raw_create(initcode, value=msg.value, salt=salt)
    log Spawned(child=child)
    return child


@external
def touch(account: address) -> uint256:
    """
    @notice Reads balances, cold and then warm.
    """
    return account.balance + account.balance + block.coinbase.balance + self.balance


@external
def pay(receiver: address, amount: uint256):
    """
    @notice Sends its own ether on.
    """
    send(receiver, amount)
    self.calls += 1
