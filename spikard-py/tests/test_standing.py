"""Which handlers cannot wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from spikard._waiting import may_wait


async def plain(things: list[int]) -> list[int]:
    return [thing * 2 for thing in things]


async def awaits(other: Any) -> Any:
    return await other


async def enters(other: Any) -> None:
    async with other:
        pass


async def iterates(other: Any) -> None:
    async for _ in other:
        pass


async def comprehends(other: Any) -> list[Any]:
    return [item async for item in other]


async def awaits_in_a_function_of_its_own() -> Any:
    async def inner(other: Any) -> Any:
        return await other

    return inner


class Handlers:
    async def plain(self) -> None: ...

    async def __call__(self) -> None: ...


def unknown() -> Callable[..., Any]:
    def call() -> Any:
        return plain([])

    return call


@pytest.mark.parametrize("function", [plain, Handlers().plain, awaits_in_a_function_of_its_own])
def test_without_await_it_cannot_wait(function: Callable[..., Any]) -> None:
    assert not may_wait(function)


@pytest.mark.parametrize("function", [awaits, enters, iterates, comprehends, Handlers(), unknown()])
def test_what_awaits_or_is_not_known_may_wait(function: Callable[..., Any]) -> None:
    assert may_wait(function)
