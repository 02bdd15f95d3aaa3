# SPDX-License-Identifier: Apache-2.0
"""The little of the contract ABI that the engine needs on its hot path: selectors, and columns of calldata.

Arguments of one function for many calls are written into one matrix of bytes at once. Imports: eth_hash,
NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from eth_hash.auto import keccak

__all__ = ["encode_call", "encode_columns", "revert_reason", "selector", "word"]


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


def encode_columns(function: bytes, columns: Sequence[Sequence[int]]) -> list[bytes]:
    """Calldata of many calls of one function whose arguments are all single words.

    Args:
        function: selector.
        columns: one sequence of values for each argument.
    """
    count, arguments = len(columns[0]), len(columns)
    words = np.zeros((count, arguments, 32), np.uint8)
    try:
        small = np.array(columns, dtype=np.int64).T
    except OverflowError:
        wide = b"".join(word(value) for row in zip(*columns, strict=True) for value in row)
        words[:] = np.frombuffer(wide, np.uint8).reshape(words.shape)
    else:
        words[:, :, 24:] = small.astype(">i8", order="C").view(np.uint8).reshape(count, arguments, 8)
        negative = small < 0
        if negative.any():
            words[negative, :24] = 0xFF
    flat, width = words.tobytes(), 32 * arguments
    return [function + flat[start : start + width] for start in range(0, len(flat), width)]
