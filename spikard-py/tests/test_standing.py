"""Which handlers cannot wait, and which functions cannot block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from spikard import Spikard
from spikard._waiting import may_block, may_wait


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


CONSTANTS = {"message": "hello"}


class Properties:
    @property
    def slow(self) -> int:
        return 1

    def constant(self) -> dict[str, Any]:
        return CONSTANTS


def builds(user: int, *, page: int = 1) -> Any:
    found = {"user": user, "pages": [page, 2, None]}
    return found, "text"


def calls() -> str:
    return str(1)


def loops() -> None:
    while True:
        pass


def reads(things: Properties) -> int:
    return things.slow


def adds(one: Any, other: Any) -> Any:
    return one + other


def hashes(thing: Any) -> Any:
    return {thing}


def imports() -> None:
    import antigravity  # noqa: F401


def yields() -> Any:
    yield 1


@pytest.mark.parametrize("function", [builds, Properties().constant, lambda: "text", lambda text: text])
def test_what_only_moves_values_cannot_block(function: Callable[..., Any]) -> None:
    assert not may_block(function)


@pytest.mark.parametrize(
    "function", [calls, loops, reads, adds, hashes, imports, yields, plain, Handlers(), len, Properties]
)
def test_what_runs_other_code_or_is_not_known_may_block(function: Callable[..., Any]) -> None:
    assert may_block(function)


def test_only_what_may_block_gets_a_thread() -> None:
    app = Spikard()
    app.get("/builds/{user}")(builds)
    app.get("/calls")(calls)
    assert [route.sync_to_thread for route in app._routes()] == [False, True]
