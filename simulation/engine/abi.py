# SPDX-License-Identifier: Apache-2.0
"""The little of the contract ABI that the engine needs on its hot path. Imports: eth_hash."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

from eth_hash.auto import keccak

__all__ = ["encode_call", "packer", "revert_reason", "selector", "word"]


def selector(signature: str) -> bytes:
    """The first four bytes of the hash of `name(type,type)`."""
    return keccak(signature.encode())[:4]


ERROR = selector("Error(string)")
PANIC = selector("Panic(uint256)")


def word(value: int) -> bytes:
    """One argument of 32 bytes, two's complement when negative."""
    return value.to_bytes(32, "big", signed=value < 0)


@lru_cache(maxsize=1024)
def revert_reason(output: bytes) -> str:
    """The text of `Error(string)`; `panic`, `no reason` or the data itself when it is something else."""
    if output[:4] == ERROR and len(output) >= 68:
        length = int.from_bytes(output[36:68], "big")
        return output[68 : 68 + length].decode("utf-8", "replace")
    if output[:4] == PANIC and len(output) >= 36:
        return f"panic 0x{output[35]:02x}"
    return f"0x{output.hex()}" if output else "no reason"


def encode_call(signature: str, *arguments: int | Sequence[int]) -> bytes:
    """Calldata of one call; a sequence is a dynamic array of words."""
    head, tail = b"", b""
    for argument in arguments:
        if isinstance(argument, int):
            head += word(argument)
        else:
            head += word(32 * len(arguments) + len(tail))
            tail += word(len(argument)) + b"".join(map(word, argument))
    return selector(signature) + head + tail


def packer(function: bytes, arguments: int) -> Callable[..., bytes]:
    """What makes calldata of one function whose arguments are all single words.

    Args:
        function: selector.
        arguments: how many it takes.
    """
    layout = struct.Struct(">4s" + "24xQ" * arguments)

    def pack(*values: int) -> bytes:
        try:
            return layout.pack(function, *values)
        except struct.error:  # one is negative, or beyond 64 bits
            return function + b"".join(map(word, values))

    return pack
