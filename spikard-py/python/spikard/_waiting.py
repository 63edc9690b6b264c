"""Handlers that cannot wait, and how they are told apart.

Nothing happens between beginning and end of a coroutine whose byte code has no `await`. The server runs
such handlers without a task of their own.
"""

from __future__ import annotations

import dis
import inspect
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_WAITS = frozenset({"GET_AWAITABLE", "YIELD_FROM", "YIELD_VALUE"})
"""What a coroutine waits by: `await`, `async with` and `async for` come to one of these."""


def may_wait(function: Callable[..., Any]) -> bool:
    """Whether the code of a coroutine function has an `await`; true where the code is not known."""
    while isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType) or not function.__code__.co_flags & inspect.CO_COROUTINE:
        return True
    return any(instruction.opname in _WAITS for instruction in dis.get_instructions(function.__code__))
