# SPDX-License-Identifier: Apache-2.0
"""py-evm's Cancun computation with the simple opcodes translated to Python, stretch by stretch.

py-evm makes about eight Python calls for an ADD. Most of what a contract executes are pushes, copies,
arithmetic, memory words and jumps. A stretch of those between two jumps is translated once into a Python
function on local variables, in which pushes and copies cost nothing. Everything with a rule of its own stays
py-evm's: storage, access lists, refunds, calls, creations, logs, precompiles, the environment. A flag of the
tester turns the translation off, and tests compare the two.

A stretch pays its fixed gas before it runs, not opcode by opcode. That shows nowhere: nothing in a stretch
reads the gas left or leaves the frame, and a frame that runs out of gas loses all of it and all it did. Where
gas or stack do not suffice, py-evm finishes the frame, so that it fails for the reason that comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eth.exceptions import Halt, InvalidJumpDestination, OutOfGas
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.logic.invalid import InvalidOpcode

from simulation.chain.hashing import keccak

__all__ = ["FastComputation"]

_MASK = 2**256 - 1
_SIGN = 2**255
_STOP, _SHA3, _POP, _MLOAD, _MSTORE = 0x00, 0x20, 0x50, 0x51, 0x52
_JUMP, _JUMPI, _JUMPDEST, _MCOPY = 0x56, 0x57, 0x5B, 0x5E

_EXPRESSIONS = {
    0x01: (3, 2, "({0} + {1}) & MASK"),
    0x02: (5, 2, "({0} * {1}) & MASK"),
    0x03: (3, 2, "({0} - {1}) & MASK"),
    0x04: (5, 2, "{0} // {1} if {1} else 0"),
    0x05: (5, 2, "sdiv({0}, {1})"),
    0x06: (5, 2, "{0} % {1} if {1} else 0"),
    0x07: (5, 2, "smod({0}, {1})"),
    0x10: (3, 2, "1 if {0} < {1} else 0"),
    0x11: (3, 2, "1 if {0} > {1} else 0"),
    0x12: (3, 2, "1 if {0} ^ SIGN < {1} ^ SIGN else 0"),
    0x13: (3, 2, "1 if {0} ^ SIGN > {1} ^ SIGN else 0"),
    0x14: (3, 2, "1 if {0} == {1} else 0"),
    0x15: (3, 1, "0 if {0} else 1"),
    0x16: (3, 2, "{0} & {1}"),
    0x17: (3, 2, "{0} | {1}"),
    0x18: (3, 2, "{0} ^ {1}"),
    0x19: (3, 1, "{0} ^ MASK"),
    0x1B: (3, 2, "({1} << {0}) & MASK if {0} < 256 else 0"),
    0x1C: (3, 2, "{1} >> {0} if {0} < 256 else 0"),
    0x1D: (3, 2, "(signed({1}) >> min({0}, 256)) & MASK"),
    0x30: (2, 0, "word(message.storage_address, BIG)"),
    0x33: (2, 0, "word(message.sender, BIG)"),
    0x34: (2, 0, "message.value"),
    0x35: (3, 1, "word(data[{0}:{0} + 32].ljust(32, ZERO), BIG)"),
    0x36: (2, 0, "len(data)"),
    0x38: (2, 0, "len(code)"),
    0x3D: (2, 0, "len(frame.return_data)"),
}
"""Gas, number of operands from the top down, and result of the opcodes that leave one word."""
_COPIES = {0x37: "data", 0x39: "code"}
"""What CALLDATACOPY and CODECOPY copy from."""


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


def _spend(meter: Any, gas: int) -> None:
    if gas > meter.gas_remaining:
        raise OutOfGas("out of gas")
    meter.gas_remaining -= gas


def _grow(memory: Any, meter: Any, start: int, size: int) -> Any:
    """Pays for memory up to the end of a piece and makes it; nothing for a piece of no size."""
    present, wanted = len(memory._bytes) // 32, (start + size + 31) // 32
    if size and wanted > present:
        _spend(meter, 3 * (wanted - present) + wanted * wanted // 512 - present * present // 512)
        memory.extend(start, size)
    return memory._bytes


def _hash(memory: Any, meter: Any, start: int, size: int) -> int:
    _spend(meter, 6 * ((size + 31) // 32))
    piece = _grow(memory, meter, start, size)[start : start + size]
    return int.from_bytes(keccak(bytes(piece)), "big")


def _copy(memory: Any, meter: Any, target: int, source: int, size: int) -> Any:
    _spend(meter, 3 * ((size + 31) // 32))
    held = _grow(memory, meter, max(target, source), size)
    if size:
        held[target : target + size] = held[source : source + size]
    return held


def _fill(memory: Any, meter: Any, target: int, source: bytes, start: int, size: int) -> Any:
    """Copies a piece into memory, zeros after its end."""
    held = _grow(memory, meter, target, size)
    _spend(meter, 3 * ((size + 31) // 32))
    if size:
        held[target : target + size] = source[start : start + size].ljust(size, b"\0")
    return held


def _land(target: int, targets: frozenset[int]) -> int:
    if target in targets:
        return target
    raise InvalidJumpDestination(f"no jump destination at {target}")


_NAMES = {
    "MASK": _MASK,
    "SIGN": _SIGN,
    "BIG": "big",
    "ZERO": b"\0",
    "word": int.from_bytes,
    "signed": _signed,
    "sdiv": _sdiv,
    "smod": _smod,
    "grow": _grow,
    "sha3": _hash,
    "copy": _copy,
    "fill": _fill,
    "land": _land,
}

Stretch = tuple[int, int, int, Callable[[list[Any], Any, Any, bytes, bytes, frozenset[int]], int]]
"""Fixed gas, least and largest stack at its start, and a function that returns the next place, or the
complement of the place of an opcode that is left to py-evm."""


class _Translator:
    """Translates one stretch: a symbolic stack, of which only what is left at the end is stored."""

    def __init__(self, code: bytes, targets: frozenset[int]) -> None:
        self._code = code
        self._targets = targets
        self._lines: list[str] = []
        self._stack: list[str] = []
        self._taken = 0
        self._highest = 0
        self._count = 0

    def _pop(self) -> str:
        if self._stack:
            return self._stack.pop()
        self._taken += 1
        return f"s{self._taken}"

    def _reach(self, depth: int) -> None:
        """Makes the topmost `depth` items symbols."""
        while len(self._stack) < depth:
            self._taken += 1
            self._stack.insert(0, f"s{self._taken}")

    def _push(self, expression: str) -> None:
        name = f"v{self._count}"
        self._count += 1
        self._lines.append(f"{name} = {expression}")
        self._stack.append(name)

    def __call__(self, start: int) -> Stretch:
        place, gas, code = start, 0, self._code
        end = None
        while end is None:
            opcode = code[place] if place < len(code) else _STOP
            if opcode == _JUMPDEST and place > start:
                end = str(place)
            elif opcode in _EXPRESSIONS:
                cost, operands, form = _EXPRESSIONS[opcode]
                gas += cost
                self._push(form.format(*[self._pop() for _ in range(operands)]))
            elif 0x5F <= opcode < 0x80:
                width = opcode - 0x5F
                gas += 3 if width else 2
                value = code[place + 1 : place + 1 + width].ljust(width, b"\0")
                self._stack.append(hex(int.from_bytes(value, "big")))
                place += width
            elif 0x80 <= opcode < 0x90:
                gas += 3
                self._reach(opcode - 0x7F)
                self._stack.append(self._stack[0x7F - opcode])
            elif 0x90 <= opcode < 0xA0:
                gas += 3
                self._reach(opcode - 0x8E)
                other = 0x8E - opcode
                self._stack[-1], self._stack[other] = self._stack[other], self._stack[-1]
            else:
                cost, end = self._other(opcode, place)
                gas += cost
            self._highest = max(self._highest, len(self._stack) - self._taken)
            place += 1
        return gas, self._taken, 1024 - self._highest, self._function(end)

    def _other(self, opcode: int, place: int) -> tuple[int, str | None]:
        """Gas of an opcode that is no expression, and where the stretch ends if it ends it."""
        if opcode == _JUMPDEST:
            return 1, None
        if opcode == _POP:
            self._pop()
            return 2, None
        if opcode == _MLOAD:
            start = self._pop()
            self._lines.append(f"if {start} + 32 > len(held): held = grow(memory, meter, {start}, 32)")
            self._push(f"word(held[{start}:{start} + 32], BIG)")
            return 3, None
        if opcode == _MSTORE:
            start, value = self._pop(), self._pop()
            self._lines.append(f"if {start} + 32 > len(held): held = grow(memory, meter, {start}, 32)")
            self._lines.append(f"held[{start}:{start} + 32] = ({value}).to_bytes(32, BIG)")
            return 3, None
        if opcode == _SHA3:
            self._push(f"sha3(memory, meter, {self._pop()}, {self._pop()})")
            self._lines.append("held = memory._bytes")
            return 30, None
        if opcode == _MCOPY:
            target, source, size = self._pop(), self._pop(), self._pop()
            self._lines.append(f"held = copy(memory, meter, {target}, {source}, {size})")
            return 3, None
        if opcode in _COPIES:
            target, start, size = self._pop(), self._pop(), self._pop()
            source = _COPIES[opcode]
            self._lines.append(f"held = fill(memory, meter, {target}, {source}, {start}, {size})")
            return 3, None
        if opcode == _JUMP:
            return 8, self._landing(self._pop())
        if opcode == _JUMPI:
            target, condition = self._pop(), self._pop()
            return 10, f"{self._landing(target)} if {condition} else {place + 1}"
        return 0, str(~place)

    def _landing(self, target: str) -> str:
        if target.startswith("0x") and int(target, 16) in self._targets:
            return target
        return f"land({target}, targets)"

    def _function(self, end: str) -> Any:
        taken = self._taken
        lines = [f"s{place} = stack[-{place}]" for place in range(1, taken + 1)]
        left = ", ".join(self._stack)
        store = f"stack[-{taken}:] = [{left}]" if taken else f"stack += [{left}]" if left else ""
        text = "\n".join(self._lines)
        memory = ["memory = frame._memory", "held = memory._bytes"] if "held" in text else []
        message = ["message = frame.msg"] if "message" in text else []
        body = [*lines, *memory, *message, *self._lines, store, f"return {end}"]
        source = "def stretch(stack, frame, meter, data, code, targets):\n " + "\n ".join(filter(None, body))
        names: dict[str, Any] = {}
        exec(compile(source, "<evm>", "exec"), _NAMES, names)
        return names["stretch"]


@lru_cache(maxsize=256)
def _analysed(code: bytes) -> tuple[frozenset[int], dict[int, Stretch]]:
    """The places one may jump to, and the stretches translated so far by their first place."""
    targets = set()
    place = 0
    while place < len(code):
        opcode = code[place]
        if opcode == _JUMPDEST:
            targets.add(place)
        place += opcode - 0x5E if 0x5F < opcode < 0x80 else 1
    return frozenset(targets), {}


class FastComputation(CancunComputation):
    """A frame whose simple opcodes run translated."""

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
    code = stream._raw_code_bytes
    targets, stretches = _analysed(code)
    meter, opcodes = computation._gas_meter, computation.opcodes
    stack: list[Any] = computation._stack.values
    data = computation.msg.data_as_bytes
    place = 0
    while True:
        stretch = stretches.get(place)
        if stretch is None:
            stretch = stretches[place] = _Translator(code, targets)(place)
        cost, least, most, function = stretch
        gas = meter.gas_remaining - cost
        if gas < 0 or not least <= len(stack) <= most:
            return _finish(computation, place)
        meter.gas_remaining = gas
        place = function(stack, computation, meter, data, code, targets)
        if place < 0:
            stream.program_counter = ~place + 1
            opcode = code[~place] if ~place < len(code) else _STOP
            try:
                (opcodes.get(opcode) or InvalidOpcode(opcode))(computation=computation)
            except Halt:
                return
            place = stream.program_counter
            if stack and type(stack[-1]) is not int:
                stack[-1] = int.from_bytes(stack[-1], "big")


def _finish(computation: Any, place: int) -> None:
    """py-evm's own loop, from `place` to the end of the frame."""
    computation.code.program_counter = place
    for opcode in computation.code:
        try:
            (computation.opcodes.get(opcode) or InvalidOpcode(opcode))(computation=computation)
        except Halt:
            return
