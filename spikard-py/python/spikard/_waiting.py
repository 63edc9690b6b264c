"""Handlers that cannot wait or block, and how they are told apart.

Nothing happens between beginning and end of a coroutine whose byte code has no `await`. The server runs
such handlers without a task of their own. A function that is none, and makes its answer of constants,
arguments and globals alone, runs no code but its own: it needs no thread, and cannot tell.
"""

from __future__ import annotations

import dis
import inspect
import re
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WAITS = frozenset({"GET_AWAITABLE", "YIELD_FROM", "YIELD_VALUE"})
"""What a coroutine waits by: `await`, `async with` and `async for` come to one of these."""

_RUNS_NOTHING = re.compile(
    r"RESUME|NOP|CACHE|LOAD_(CONST|SMALL_INT|FAST\w*|GLOBAL)|STORE_FAST\w*|RETURN_(VALUE|CONST)"
    r"|BUILD_(TUPLE|LIST|MAP|CONST_KEY_MAP)"
)
"""What moves values and nothing else. There is no jump among them, so no loop; no attribute, no operator and no
set, any of which may be somebody's code."""


def may_wait(function: Callable[..., Any]) -> bool:
    """Whether the code of a coroutine function has an `await`; true where the code is not known."""
    code = _code(function)
    if code is None or not code.co_flags & inspect.CO_COROUTINE:
        return True
    return any(instruction.opname in _WAITS for instruction in dis.get_instructions(code))


def may_block(function: Callable[..., Any]) -> bool:
    """Whether calling a function may run code that is not its own; true where the code is not known."""
    code = _code(function)
    if code is None or code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        return True
    return not all(_RUNS_NOTHING.fullmatch(instruction.opname) for instruction in dis.get_instructions(code))


def _code(function: Callable[..., Any]) -> CodeType | None:
    while isinstance(function, MethodType):
        function = function.__func__
    return function.__code__ if isinstance(function, FunctionType) else None
