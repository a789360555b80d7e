"""Checks a pickle before it is loaded: how deep its values nest, and whether it makes sets.

A pickle of a few hundred bytes can build a tuple that holds another one twice, and that again, and so on.
Hashing it, as loading does where it is the key of a dictionary, takes time that doubles with every level.
Files of tensors nest tuples three deep.
"""

from __future__ import annotations

import pickletools
from typing import BinaryIO

from model_store.errors import SourceError

MAX_DEPTH = 16
"""Levels of tuples within tuples."""

MAX_OPERATIONS = 5_000_000
"""Steps of the program that a pickle is; a checkpoint has about thirty a tensor."""

_SETS = frozenset({"EMPTY_SET", "ADDITEMS", "FROZENSET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def check_pickle(file: BinaryIO, longest_text: int | None = None) -> None:
    """Reads one pickle from ``file``, up to its end, without making anything of it.

    Args:
        file: Open for reading; stands behind the pickle afterwards.
        longest_text: Characters or bytes of any one text in it; None: any number.

    Raises:
        SourceError: it nests too deep, takes too many steps, makes sets, holds too long a text, or is no
            pickle.
    """
    stack: list[int | None] = []  # the depth of every value; None is a mark
    memo: dict[int, int] = {}
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if count > MAX_OPERATIONS:
                raise SourceError("refused: the pickle takes more steps than tensors need")
            if operation.name in _SETS:
                raise SourceError("refused: the pickle makes sets, which tensors do not need")
            if longest_text is not None and _length(argument) > longest_text:
                raise SourceError("refused: the pickle holds a longer text than names of tensors are")
            _step(operation, argument, stack, memo)
    except SourceError:
        raise
    except Exception as error:  # genops and the stack raise whatever damaged bytes lead to
        raise SourceError(f"cut off, or no pickle of arrays ({type(error).__name__})") from error


def _step(
    operation: pickletools.OpcodeInfo, argument: object, stack: list[int | None], memo: dict[int, int]
) -> None:
    """What one operation does to the depths of the values on the stack and in the memo."""
    name = operation.name
    if name == "MARK":
        stack.append(None)
    elif name == "MEMOIZE":
        memo[len(memo)] = _top(stack)
    elif name in _PUTS:
        memo[int(str(argument))] = _top(stack)
    elif name in _GETS:
        stack.append(memo[int(str(argument))])
    elif name == "DUP":
        stack.append(_top(stack))
    else:
        depth = max((value for value in _taken(operation, stack) if value is not None), default=0)
        depth += "TUPLE" in name
        if depth > MAX_DEPTH:
            raise SourceError(f"refused: the pickle nests tuples more than {MAX_DEPTH} deep")
        stack.extend(depth for _ in operation.stack_after)


def _taken(operation: pickletools.OpcodeInfo, stack: list[int | None]) -> list[int | None]:
    """Takes what an operation consumes off the stack."""
    before = operation.stack_before
    if pickletools.markobject not in before:
        cut = len(stack) - len(before)
        taken = stack[cut:]
    else:
        mark = len(stack) - 1 - stack[::-1].index(None)
        cut = mark - before.index(pickletools.markobject)
        taken = stack[cut:]
    if cut < 0:
        raise ValueError("the stack is empty")
    del stack[cut:]
    return taken


def _length(argument: object) -> int:
    return len(argument) if isinstance(argument, str | bytes | bytearray) else 0


def _top(stack: list[int | None]) -> int:
    value = stack[-1]
    if value is None:
        raise ValueError("a mark where a value should be")
    return value
