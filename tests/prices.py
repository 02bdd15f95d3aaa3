# SPDX-License-Identifier: Apache-2.0
"""Signed prices for tests: the signers of the test oracle and feeds with an everyday configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth_abi import encode
from eth_utils import keccak

from tests.backends import CHAIN_ID
from tests.evm import Contract, Env, Receipt, account_key

__all__ = [
    "DEFAULT_FEED",
    "FeedConfig",
    "deploy_oracle",
    "price_digest",
    "push",
    "push_many",
    "sign",
    "signed_price",
]

TYPE_HASH = keccak(
    text="PriceUpdate(uint256 feed,uint256 spot,uint256 mark,uint256 confidence,"
    "uint256 timestamp,uint256 deadline)"
)
DOMAIN_TYPE_HASH = keccak(
    text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """As IOracle.FeedConfig, in the order of the ABI."""

    heartbeat: int = 180
    max_deviation: int = 500
    confidence_threshold: int = 5 * 10**7
    max_jump: int = 0
    variance_window: int = 86_400
    required_signers: int = 1
    floor: int = 0
    ceiling: int = 2**72 - 1

    def row(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def but(self, **changes: int) -> FeedConfig:
        return replace(self, **changes)


DEFAULT_FEED = FeedConfig()


def price_digest(oracle: str, price: tuple[int, ...], chain_id: int = CHAIN_ID) -> bytes:
    """EIP-712 hash of (feed, spot, mark, confidence, timestamp, deadline) for the oracle at this address."""
    domain = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [DOMAIN_TYPE_HASH, keccak(text="Plimsoll Oracle"), keccak(text="1"), chain_id, oracle],
        )
    )
    return keccak(b"\x19\x01" + domain + keccak(encode(["bytes32"] + ["uint256"] * 6, [TYPE_HASH, *price])))


def sign(digest: bytes, *signers: str) -> list[tuple[int, int]]:
    """EIP-2098 signatures of the named roles, in ascending order of address."""
    signatures = []
    for account in sorted((account_key(name) for name in signers), key=lambda key: int(key.address, 16)):
        signed = account.unsafe_sign_hash(digest)
        signatures.append((signed.r, signed.s | ((signed.v - 27) << 255)))
    return signatures


def deploy_oracle(
    env: Env, feeds: int = 1, signers: tuple[str, ...] = ("signer",), **config: int
) -> Contract:
    """An Oracle owned by the deployer, with these signers and feeds 1..n of DEFAULT_FEED as changed."""
    oracle = env.deploy("Oracle", env.address("guardian"))
    for name in signers:
        oracle.set_signer(account_key(name).address, True)
    for feed in range(1, feeds + 1):
        oracle.set_feed(feed, DEFAULT_FEED.but(**config).row())
    return oracle


def signed_price(
    oracle: Contract,
    feed: int,
    spot: int,
    mark: int | None = None,
    *,
    confidence: int = 10**8,
    timestamp: int | None = None,
    deadline: int | None = None,
    signers: tuple[str, ...] = ("signer",),
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """A price of now (mark equal to spot) unless told otherwise, with its signatures. Prices in nano USD."""
    now = oracle.env.timestamp
    price = (
        feed,
        spot,
        spot if mark is None else mark,
        confidence,
        now if timestamp is None else timestamp,
        now + 60 if deadline is None else deadline,
    )
    return price, sign(price_digest(oracle.address, price), *signers)


def push(oracle: Contract, feed: int, spot: int, mark: int | None = None, **options: Any) -> Receipt:
    """Signs and stores a price; see signed_price."""
    receipt: Receipt = oracle.update(*signed_price(oracle, feed, spot, mark, **options))
    return receipt


def push_many(oracle: Contract, spots: dict[int, int], **options: Any) -> None:
    """Prices of several feeds in batches of 16."""
    signed = [signed_price(oracle, feed, spot, **options) for feed, spot in spots.items()]
    for start in range(0, len(signed), 16):
        batch = signed[start : start + 16]
        oracle.update_many([price for price, _ in batch], [signatures for _, signatures in batch])
