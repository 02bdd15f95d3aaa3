# SPDX-License-Identifier: Apache-2.0
"""py-evm's Cancun computation with a tight loop for the opcodes that only move and combine words.

py-evm makes about eight Python calls for an ADD. Most of what a contract executes are pushes, copies,
arithmetic, memory words and jumps; they are done here on plain integers in one loop. Everything with a rule
of its own stays py-evm's: storage, access lists, refunds, calls, creations, logs, hashing, precompiles, the
environment. A flag of the tester turns the loop off, and tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eth.exceptions import (
    FullStack,
    Halt,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
    OutOfGas,
)
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.logic.invalid import InvalidOpcode

__all__ = ["FastComputation"]

_MASK = 2**256 - 1
_SIGN = 2**255
_SLOW, _PUSH, _DUP, _SWAP, _BINARY, _ISZERO, _NOT, _POP, _MLOAD, _MSTORE, _JUMP, _JUMPI, _JUMPDEST = range(13)
_JUMPDEST_BYTE = 0x5B


def _signed(value: int) -> int:
    return value - 2**256 if value & _SIGN else value


def _sdiv(left: int, right: int) -> int:
    left, right = _signed(left), _signed(right)
    if right == 0:
        return 0
    quotient = abs(left) // abs(right)
    return (quotient if (left < 0) == (right < 0) else -quotient) & _MASK


def _smod(left: int, right: int) -> int:
    left, right = _signed(left), _signed(right)
    if right == 0:
        return 0
    rest = abs(left) % abs(right)
    return (-rest if left < 0 else rest) & _MASK


_BINARIES: dict[int, tuple[int, Callable[[int, int], int]]] = {
    0x01: (3, lambda left, right: (left + right) & _MASK),
    0x02: (5, lambda left, right: (left * right) & _MASK),
    0x03: (3, lambda left, right: (left - right) & _MASK),
    0x04: (5, lambda left, right: left // right if right else 0),
    0x05: (5, _sdiv),
    0x06: (5, lambda left, right: left % right if right else 0),
    0x07: (5, _smod),
    0x10: (3, lambda left, right: 1 if left < right else 0),
    0x11: (3, lambda left, right: 1 if left > right else 0),
    0x12: (3, lambda left, right: 1 if left ^ _SIGN < right ^ _SIGN else 0),
    0x13: (3, lambda left, right: 1 if left ^ _SIGN > right ^ _SIGN else 0),
    0x14: (3, lambda left, right: 1 if left == right else 0),
    0x16: (3, lambda left, right: left & right),
    0x17: (3, lambda left, right: left | right),
    0x18: (3, lambda left, right: left ^ right),
    0x1B: (3, lambda left, right: (right << left) & _MASK if left < 256 else 0),
    0x1C: (3, lambda left, right: right >> left if left < 256 else 0),
    0x1D: (3, lambda left, right: (_signed(right) >> min(left, 256)) & _MASK),
}
"""Gas and function of the opcodes that take two words, the top one first, and leave one."""

_KIND = [_SLOW] * 256
_GAS = [0] * 256
for _opcode, (_cost, _) in _BINARIES.items():
    _KIND[_opcode], _GAS[_opcode] = _BINARY, _cost
for _opcode, _kind, _cost in (
    (0x15, _ISZERO, 3),
    (0x19, _NOT, 3),
    (0x50, _POP, 2),
    (0x51, _MLOAD, 3),
    (0x52, _MSTORE, 3),
    (0x56, _JUMP, 8),
    (0x57, _JUMPI, 10),
    (_JUMPDEST_BYTE, _JUMPDEST, 1),
    (0x5F, _PUSH, 2),
    *((opcode, _PUSH, 3) for opcode in range(0x60, 0x80)),
    *((opcode, _DUP, 3) for opcode in range(0x80, 0x90)),
    *((opcode, _SWAP, 3) for opcode in range(0x90, 0xA0)),
):
    _KIND[_opcode], _GAS[_opcode] = _kind, _cost
_FUNCTION = [_BINARIES[opcode][1] if opcode in _BINARIES else None for opcode in range(256)]


@lru_cache(maxsize=256)
def _analysed(code: bytes) -> tuple[bytes, dict[int, int], frozenset[int]]:
    """The code with a STOP after it, the value of each push and the places one may jump to."""
    pushes, targets = {}, set()
    place = 0
    while place < len(code):
        opcode = code[place]
        if 0x5F <= opcode < 0x80:
            width = opcode - 0x5F
            pushes[place] = int.from_bytes(code[place + 1 : place + 1 + width].ljust(width, b"\0"), "big")
            place += width
        elif opcode == _JUMPDEST_BYTE:
            targets.add(place)
        place += 1
    return code + bytes(33), pushes, frozenset(targets)


class FastComputation(CancunComputation):
    """A frame whose simple opcodes run in one loop."""

    # Without the wrapper that warns at every SELFDESTRUCT.
    opcodes = {  # noqa: RUF012
        value: getattr(opcode, "__wrapped__", opcode) for value, opcode in CancunComputation.opcodes.items()
    }

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """As py-evm's, but for the loop."""
        with cls(state, message, transaction_context) as computation:
            if computation.is_origin_computation:
                computation.contracts_created = []
                if message.is_create:
                    cls.consume_initcode_gas_cost(computation)
            if parent_computation is not None:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            precompile = computation.precompiles.get(message.code_address)
            if precompile is None:
                _run(computation)
            elif not message.is_delegation:
                precompile(computation)
        return computation


def _run(computation: Any) -> None:
    stream = computation.code
    code, pushes, targets = _analysed(stream._raw_code_bytes)
    length = len(stream)
    meter, opcodes = computation._gas_meter, computation.opcodes
    memory = computation._memory
    stack: list[Any] = computation._stack.values
    kinds, costs, functions = _KIND, _GAS, _FUNCTION
    gas: int = meter.gas_remaining
    place: int = 0
    try:
        while True:
            opcode = code[place]
            kind = kinds[opcode]
            if kind == _SLOW:
                meter.gas_remaining = gas
                stream.program_counter = place + 1
                function = opcodes.get(opcode) or InvalidOpcode(opcode)
                try:
                    function(computation=computation)
                except Halt:
                    return
                gas = meter.gas_remaining
                place = min(stream.program_counter, length)
                if stack and type(stack[-1]) is not int:
                    stack[-1] = int.from_bytes(stack[-1], "big")
                continue
            gas -= costs[opcode]
            if gas < 0:
                raise OutOfGas(f"out of gas at {place}")
            if kind == _PUSH:
                stack.append(pushes[place])
                place += opcode - 0x5F
            elif kind == _DUP:
                stack.append(stack[0x7F - opcode])
            elif kind == _BINARY:
                top = stack.pop()
                stack[-1] = functions[opcode](top, stack[-1])  # type: ignore[misc]
            elif kind == _SWAP:
                other = 0x8E - opcode
                stack[-1], stack[other] = stack[other], stack[-1]
            elif kind == _MLOAD or kind == _MSTORE:
                start = stack.pop()
                if start + 32 > len(memory._bytes):
                    meter.gas_remaining = gas
                    computation.extend_memory(start, 32)
                    gas = meter.gas_remaining
                if kind == _MLOAD:
                    stack.append(int.from_bytes(memory._bytes[start : start + 32], "big"))
                else:
                    memory._bytes[start : start + 32] = stack.pop().to_bytes(32, "big")
            elif kind == _JUMPI:
                target = stack.pop()
                if stack.pop():
                    place = _landing(target, targets, code)
            elif kind == _JUMP:
                place = _landing(stack.pop(), targets, code)
            elif kind == _ISZERO:
                stack[-1] = 0 if stack[-1] else 1
            elif kind == _POP:
                stack.pop()
            elif kind == _NOT:
                stack[-1] ^= _MASK
            if len(stack) > 1024:
                raise FullStack(f"stack limit reached at {place}")
            place += 1
    except IndexError as error:
        raise InsufficientStack(f"stack too short at {place}") from error


def _landing(target: int, targets: frozenset[int], code: bytes) -> int:
    """The place before a jump's target, which the loop steps over onto it."""
    if target in targets:
        return target - 1
    if target < len(code) and code[target] == _JUMPDEST_BYTE:
        raise InvalidInstruction(f"jump into data at {target}")
    raise InvalidJumpDestination(f"no jump destination at {target}")
