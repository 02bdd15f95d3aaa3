# SPDX-License-Identifier: Apache-2.0
"""What eth-tester says through web3, with signed transactions and real blocks, is what the backends say."""

from __future__ import annotations

from typing import Any

import pytest
from eth.vm.forks.cancun import CancunVM
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from eth_utils import keccak
from web3 import EthereumTesterProvider, Web3

from simulation.chain.protocol import Chain
from simulation.chain.revm import RevmChain
from simulation.chain.tester import PyEvmChain
from simulation.messages.chain import BlockEnv, BlockResult, Outcome, Transaction
from tests.native.probe import calldata, probe_code

ETHER = 10**18
GWEI = 10**9
CHAIN_ID = 131277322940537
"""Fixed in py-evm's tester chain."""


class EthTester:
    """web3 in front of eth-tester; both backends follow every block that it makes."""

    def __init__(self) -> None:
        backend = PyEVMBackend(vm_configuration=[(0, CancunVM)])
        self.web3 = Web3(EthereumTesterProvider(EthereumTester(backend=backend)))
        self.account: LocalAccount = Account.from_key(keccak(text="trader"))
        self.address = bytes.fromhex(self.account.address[2:])
        self.web3.eth.send_transaction(
            {"from": self.web3.eth.accounts[0], "to": self.account.address, "value": 1000 * ETHER}
        )
        self.chains: tuple[Chain, Chain] = (RevmChain(CHAIN_ID), PyEvmChain(CHAIN_ID))
        for chain in self.chains:
            chain.fund(self.address, 1000 * ETHER)

    def environment(self) -> BlockEnv:
        """The newest block as web3 sees it."""
        block: Any = self.web3.eth.get_block("latest")
        return BlockEnv(
            block["number"],
            block["timestamp"],
            bytes.fromhex(block["miner"][2:]),
            block["gasLimit"],
            block["baseFeePerGas"],
            bytes(block["mixHash"]),
        )

    def send(self, to: bytes | None, data: bytes, **fields: int) -> list[BlockResult]:
        """Signs and sends one transaction; the backends execute the block that it came into."""
        nonce = self.web3.eth.get_transaction_count(self.account.address)
        tx = {
            "chainId": CHAIN_ID,
            "nonce": nonce,
            "gas": 1_000_000,
            "maxFeePerGas": 5 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "value": 0,
            "data": data,
            **({} if to is None else {"to": Web3.to_checksum_address(to)}),
            **fields,
        }
        sent = self.web3.eth.send_raw_transaction(self.account.sign_transaction(tx).raw_transaction)
        receipt: Any = self.web3.eth.get_transaction_receipt(sent)
        mine = Transaction(
            self.address,
            to,
            nonce,
            int(tx["value"]),  # type: ignore[call-overload]
            int(tx["gas"]),  # type: ignore[call-overload]
            int(tx["maxFeePerGas"]),  # type: ignore[call-overload]
            int(tx["maxPriorityFeePerGas"]),  # type: ignore[call-overload]
            data,
        )
        env = self.environment()
        results = [chain.execute_block(env, [mine]) for chain in self.chains]
        for chain, result in zip(self.chains, results, strict=True):
            self.compare(chain, result, receipt)
        return results

    def compare(self, chain: Chain, result: BlockResult, receipt: Any) -> None:
        """Status, gas, price, logs, created contract, nonce and balance."""
        assert (result.outcome(0) is Outcome.SUCCESS) == (receipt["status"] == 1)
        assert int(result.gas_used[0]) == receipt["gasUsed"]
        assert int(result.gas_price[0]) == receipt["effectiveGasPrice"]
        if receipt["contractAddress"] and receipt["status"] == 1:
            assert result.created_by(0) == bytes.fromhex(receipt["contractAddress"][2:])
        theirs = [
            (bytes.fromhex(log["address"][2:]), tuple(map(bytes, log["topics"])), bytes(log["data"]))
            for log in receipt["logs"]
        ]
        ours = [
            (result.logs.address[row].tobytes(), result.logs.topics_of(row), result.logs.data_of(row))
            for row in range(len(result.logs))
        ]
        assert ours == theirs
        assert chain.balance(self.address) == self.web3.eth.get_balance(self.account.address)
        assert chain.nonce(self.address) == self.web3.eth.get_transaction_count(self.account.address)


@pytest.fixture(scope="module")
def tester() -> EthTester:
    return EthTester()


def test_both_backends_are_eth_tester(tester: EthTester) -> None:
    probe = tester.send(None, probe_code(), gas=5_000_000)[0].created_by(0)
    assert probe is not None
    for signature, values in (
        ("store(uint256,uint256)", (8, 5)),
        ("store(uint256,uint256)", (8, 6)),
        ("store(uint256,uint256)", (8, 0)),
        ("emit_events(uint256)", (2**200,)),
        ("fail(string)", ("probe: no",)),
        ("catch_failure(string)", ("inside",)),
        ("bump_thrice()", ()),
        ("unreachable()", ()),
        ("spawn(bytes,bytes32)", (bytes.fromhex("5f5f5360015ff3"), bytes(32))),
        ("exhaust()", ()),
    ):
        tester.send(probe, calldata(signature, *values), gas=400_000)
    tester.send(b"\x77" * 20, b"", value=ETHER)
    for chain in tester.chains:
        assert chain.code(probe) == bytes(tester.web3.eth.get_code(Web3.to_checksum_address(probe)))
        assert chain.storage(probe, 1) == int.from_bytes(
            tester.web3.eth.get_storage_at(Web3.to_checksum_address(probe), 1), "big"
        )
    first, second = tester.chains
    assert first.state_hash() == second.state_hash()
