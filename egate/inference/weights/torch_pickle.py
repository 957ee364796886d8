"""Reads the pickles of PyTorch weight files without unpickling: opcodes become values of our own, nothing is imported or called.

A pickle is a program for a stack machine; `pickle.load` runs whatever callable it names. Here a name is looked up in a table of
four, and what Python would call is a value below. Grammar: `pickletools` of the standard library; which opcodes and names a
state dict needs was read from the files themselves (torch.save of 1.0 to 2.x, pickle protocol 2).
What can go wrong: any other opcode or name, a program that grows without end, values of the wrong kind, truncation.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from egate.errors import ModelError

OPCODES_MAX = 200_000  # the largest real state dict here takes 18,000
INTEGER_MAX = 2**63 - 1
DIMENSIONS_MAX = 8
MAGIC_BITS = 80
PROTOCOL = 2

ORDERED_DICT, REBUILD = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
STORAGES: dict[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}


@dataclass(frozen=True, slots=True)
class Global:
    """A name of the table; never the thing itself."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """elements of kind, kept elsewhere in the file under key."""

    key: str
    kind: np.dtype[Any]
    elements: int


@dataclass(frozen=True, slots=True)
class TensorView:
    """A C-contiguous tensor of this shape that is the whole of its storage."""

    storage: Storage
    shape: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Table:
    """What a dict or OrderedDict was: strings to values."""

    items: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Sequence:
    items: list[Any] = field(default_factory=list)


_MARK = object()


def read_pickle(data: bytes, offset: int = 0) -> tuple[Any, int]:
    """The value of the pickle at offset and the offset after it: str, int, bool, None, tuple, Table, Sequence, Global, TensorView, Storage.

    Raises ModelError with code MODEL_UNSAFE if it holds anything a state dict does not need, or ends early.
    """
    machine = _Machine()
    source = _Source(data, offset)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(source)):  # type: ignore[arg-type]  # file-like
            if count >= OPCODES_MAX:
                raise unsafe("too many opcodes")
            if opcode.name == "STOP":
                return machine.result(), source.offset
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, OverflowError):
        raise unsafe("malformed pickle") from None
    raise unsafe("the pickle has no end")


def unsafe(what: str) -> ModelError:
    return ModelError(f"weights file refused: {what}", code="MODEL_UNSAFE")


class _Source:
    """The two methods genops reads with, over bytes that are not copied."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.data = data
        self.offset = offset

    def read(self, count: int) -> bytes:
        piece = self.data[self.offset : self.offset + count]
        self.offset += len(piece)
        return piece

    def readline(self) -> bytes:
        end = self.data.find(b"\n", self.offset)
        return self.read((end + 1 if end >= 0 else len(self.data)) - self.offset)

    def tell(self) -> int:
        return self.offset


class _Machine:
    """The pickle stack machine of a state dict."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self.stack) != 1 or self.stack[0] is _MARK:
            raise unsafe("the pickle ends with another value on its stack")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _PUSHES:
            self.stack.append(_bounded(argument))
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        else:
            raise unsafe(f"opcode {name}")

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise unsafe("malformed pickle")
        return value

    def pop_to_mark(self) -> list[Any]:
        index = len(self.stack) - 1
        while self.stack[index] is not _MARK:
            index -= 1
            if index < 0:
                raise unsafe("malformed pickle")
        values = self.stack[index + 1 :]
        del self.stack[index:]
        return values

    def protocol(self, argument: int) -> None:
        if argument != PROTOCOL:
            raise unsafe(f"pickle protocol {argument}")

    def name(self, argument: str) -> None:
        if argument not in (ORDERED_DICT, REBUILD, *STORAGES):
            raise unsafe(f"it names {argument[:80]!r}")
        self.stack.append(Global(argument))

    def put(self, argument: int) -> None:
        if self.stack[-1] is _MARK:
            raise unsafe("malformed pickle")
        self.memo[argument] = self.stack[-1]

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def set_items(self, values: list[Any]) -> None:
        table = self.stack[-1]
        if not isinstance(table, Table) or len(values) % 2:
            raise unsafe("items for what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str) or key in table.items:
                raise unsafe("a dict's key is no string, or twice there")
            table.items[key] = value

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, Sequence):
            raise unsafe("items for what is no list")
        target.items += values

    def build(self) -> None:
        """OrderedDict's state: `_metadata`, the versions of the modules, which no tensor depends on."""
        state, target = self.pop(), self.stack[-1]
        if not (isinstance(state, Table) and isinstance(target, Table) and set(state.items) == {"_metadata"}):
            raise unsafe("an object's state is set")

    def persistent(self) -> None:
        self.stack.append(_storage(self.pop()))

    def reduce(self) -> None:
        arguments, called = self.pop(), self.pop()
        if not isinstance(called, Global) or not isinstance(arguments, tuple):
            raise unsafe("it calls something")
        if called.name == ORDERED_DICT and not arguments:
            self.stack.append(Table())
        elif called.name == REBUILD:
            self.stack.append(_tensor(arguments))
        else:
            raise unsafe(f"it calls {called.name}")


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_PUSHES = frozenset({"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"})
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.protocol,
    "GLOBAL": _Machine.name,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "LONG_BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append(Table()),
    "EMPTY_LIST": lambda machine, _: machine.stack.append(Sequence()),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.persistent(),
    "REDUCE": lambda machine, _: machine.reduce(),
}


def _bounded(value: str | int) -> str | int:
    # Nothing computes with the one integer of more than 64 bits, the file's magic number.
    if isinstance(value, int) and value.bit_length() > MAGIC_BITS:
        raise unsafe("an integer is out of range")
    return value


def _storage(values: Any) -> Storage:
    """('storage', type, key, location, elements), and None for "no view of another" in the older files."""
    match values:
        case ("storage", Global(name), str(key), str(), int(elements), *rest) if rest in ([], [None]):
            if name in STORAGES and type(elements) is int and 0 <= elements <= INTEGER_MAX:
                return Storage(key, STORAGES[name], elements)
    raise unsafe("a malformed storage")


def _tensor(arguments: tuple[Any, ...]) -> TensorView:
    """_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)."""
    match arguments:
        case (Storage() as storage, 0, tuple() as size, tuple() as stride, bool(), Table() as hooks) if not hooks.items:
            if _is_whole(storage, size, stride):
                return TensorView(storage, size)
    raise unsafe("a tensor that is not the whole of one storage, in C order")


def _is_whole(storage: Storage, size: tuple[Any, ...], stride: tuple[Any, ...]) -> bool:
    if len(size) != len(stride) or len(size) > DIMENSIONS_MAX:
        return False
    if not all(type(value) is int and 0 < value <= storage.elements for value in (*size, *stride)):
        return False
    step = 1
    for length, distance in zip(reversed(size), reversed(stride), strict=True):
        if length != 1 and distance != step:
            return False
        step *= length
    return step == storage.elements
