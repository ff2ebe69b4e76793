"""Whether two code objects are the same program, however their sources are laid out.

Lines reach into the bytecode. A NOP keeps a line for debuggers; loads and stores are fused, stores
reordered and jumps shortened only within a line; the end of a function is copied to where its line
differs. So instructions are not compared one by one. Both programs are walked side by side, along
all ways that they can take, and what has no effect is passed over.
"""

from __future__ import annotations

import dis
import textwrap
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

PASSED = {"CACHE", "EXTENDED_ARG", "JUMP", "JUMP_NO_INTERRUPT", "NOP", "NOT_TAKEN"}
ENDS = {"RETURN_VALUE", "RAISE_VARARGS", "RERAISE"}
FASTER = {  # for what the compiler knows of a value
    "LOAD_FAST_BORROW": "LOAD_FAST",
    "LOAD_FAST_CHECK": "LOAD_FAST",
    "LOAD_SMALL_INT": "LOAD_CONST",
}


class Way(NamedTuple):
    """Where a program goes on: an offset, and what is known there of the value on top."""

    offset: int
    truth: bool | None = None
    pops: bool = False  # it is removed first


class Step(NamedTuple):
    """An instruction with its argument as it is compared, and the ways that it can take."""

    name: str
    argument: object
    ways: tuple[Way, ...]
    handler: object = None  # how it is entered; its way is the last


def is_same(one: CodeType, other: CodeType) -> bool:
    """Whether two code objects do the same, apart from the lines that tracebacks name."""
    if _signature(one) != _signature(other):
        return False
    if one.co_code == other.co_code and one.co_exceptiontable == other.co_exceptiontable:
        constants = [[_constant(each) for each in code.co_consts] for code in (one, other)]
        if len(constants[0]) == len(constants[1]) and all(map(_is_equal, *constants)):
            return True
    ours, theirs = _steps(one), _steps(other)
    todo, seen = [(Way(0), Way(0))], set()
    while todo:
        pair = todo.pop()
        if pair in seen:
            continue
        seen.add(pair)
        (our_moves, our), (their_moves, their) = _moves(ours, pair[0]), _moves(theirs, pair[1])
        if our_moves != their_moves or not _is_equal(our.argument, their.argument):
            return False
        if (our.name, our.handler, len(our.ways)) != (their.name, their.handler, len(their.ways)):
            return False
        todo += zip(our.ways, their.ways, strict=True)
    return True


def _signature(code: CodeType) -> tuple[object, ...]:
    """What a code object has beside its instructions."""
    return (
        (code.co_name, code.co_qualname, code.co_flags),
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
        [_docstring(each) for each in code.co_consts[:1] if isinstance(each, str)],
    )


def _docstring(text: str) -> str:
    """A docstring without the indentation of its lines, which 3.13 and later remove."""
    first, newline, rest = text.partition("\n")
    return first.lstrip() + newline + textwrap.dedent(rest)


def _constant(value: object) -> object:
    """A constant as it is compared: 1, 1.0 and True differ, and a set has no order."""
    if isinstance(value, CodeType):
        return value
    if isinstance(value, tuple | frozenset):
        return type(value), type(value)(map(_constant, value))
    return type(value), value if isinstance(value, str) else repr(value)


def _is_equal(our: object, their: object) -> bool:
    if isinstance(our, CodeType) and isinstance(their, CodeType):
        return is_same(our, their)
    return our == their


def _steps(code: CodeType) -> dict[int, Step]:
    """The instructions of a code object by their offsets; the second half of a fused one is odd."""
    entries = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    handlers = {at: each for each in entries for at in range(each.start, each.end, 2)}
    found = list(dis.get_instructions(code))
    steps: dict[int, Step] = {}
    constant = -1  # the offset of the last one loaded
    for each, after in zip(found, [each.offset for each in found[1:]] + [-1], strict=True):
        entry = handlers.get(each.offset)
        for step in _spelled(each, after):
            offset = each.offset + (each.offset in steps)
            steps[offset] = step
            if step.name == "NOP":
                continue
            if step.name == "STORE_NAME" and constant in steps:
                argument = _own(each.argval, steps[constant].argument, code)
                steps[constant] = steps[constant]._replace(argument=argument)
            constant = offset if step.name == "LOAD_CONST" else -1
            if entry:
                ways, handler = (*step.ways, Way(entry.target)), (entry.depth, entry.lasti)
                steps[offset] = step._replace(ways=ways, handler=handler)
    return steps


def _spelled(found: dis.Instruction, after: int) -> Iterator[Step]:
    """An instruction in one spelling for all that do the same."""
    name = found.opname.replace("_FORWARD", "").replace("_BACKWARD", "")
    name = FASTER.get(name, name)
    goes_on, jumps = (Way(after),), found.opcode in dis.hasjrel
    if name in PASSED:
        yield Step("NOP", None, (Way(found.argval),) if jumps else goes_on)
    elif "JUMP_IF_" in name:
        yield _branch(name, found.argval, after)
    elif jumps and name != "END_ASYNC_FOR":  # its argument is a distance, for debuggers
        yield Step(name, None, (*goes_on, Way(found.argval)))
    elif name == "RETURN_CONST":
        yield Step("LOAD_CONST", _constant(found.argval), (Way(found.offset + 1),))
        yield Step("RETURN_VALUE", None, ())
    elif name.count("_FAST") == 2 and found.arg is not None and "_AND_" not in name:
        one, _, other = name.replace("_BORROW", "").partition("_FAST_")
        yield Step(f"{one}_FAST", found.arg >> 4, (Way(found.offset + 1),))
        yield Step(other, found.arg & 15, goes_on)
    else:
        argument = _constant(found.argval) if name == "LOAD_CONST" else found.arg
        yield Step(name, None if jumps else argument, () if name in ENDS else goes_on)


def _branch(name: str, target: int, after: int) -> Step:
    """A conditional jump: its way for what is true comes first, that for None likewise."""
    pops = not name.endswith("_OR_POP")
    if name.endswith("NONE"):
        ways = Way(target), Way(after)
        return Step("POP_JUMP_IF_NONE", None, ways[::-1] if "_NOT_" in name else ways)
    truth = "_TRUE" in name
    jump, no_jump = Way(target, None if pops else truth, pops), Way(after, None, pops=True)
    return Step("JUMP_IF", None, (jump, no_jump) if truth else (no_jump, jump))


def _own(name: str, value: object, code: CodeType) -> object:
    """What a class itself stores: its line, the attributes of its methods, its docstring."""
    match name, value:
        case "__firstlineno__", (_, line) if line == repr(code.co_firstlineno):
            return None
        case "__static_attributes__", (kind, tuple(names)):
            return kind, frozenset(names)
        case "__doc__", (kind, str(text)):
            return kind, _docstring(text)
    return value


class _Stack:
    """Values by where they were, counted from the top; and the variables that were stored."""

    def __init__(self) -> None:
        self._depth, self._values, self._stored = 0, list[int](), dict[object, int]()

    def _reach(self, count: int) -> None:
        while len(self._values) < count:
            self._depth += 1
            self._values.insert(0, self._depth)

    def pop(self) -> int:
        self._reach(1)
        return self._values.pop()

    def store(self, variable: object) -> None:
        self._stored[variable] = self.pop()

    def swap(self, count: int) -> None:
        self._reach(count)
        self._values[-1], self._values[-count] = self._values[-count], self._values[-1]

    def moved(self) -> tuple[object, ...]:
        """What differs now: nothing can tell in which order it was done."""
        still = 0  # so many of the lowest have not moved
        while still < len(self._values) and self._values[still] == self._depth - still:
            still += 1
        return self._depth - still, self._values[still:], self._stored


def _moves(steps: dict[int, Step], way: Way) -> tuple[object, Step]:
    """What stores and swaps do from here on, and the step after them."""
    stack = _Stack()
    step = steps[way.offset]
    for _ in steps:  # an endless loop without any effect is no longer
        if way.pops:
            stack.pop()
        step = steps[way.offset]
        if step.name == "JUMP_IF" and way.truth is not None:
            way = step.ways[not way.truth]
            continue
        if step.name == "SWAP" and isinstance(step.argument, int):
            stack.swap(step.argument)
        elif step.name == "STORE_FAST":
            stack.store(step.argument)
        elif step.name == "POP_TOP":
            stack.pop()
        elif step.name != "NOP":
            break
        way = step.ways[0]._replace(truth=way.truth if step.name == "NOP" else None)
    return stack.moved(), step
