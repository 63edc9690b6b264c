"""What injection makes of functions that are no handlers of requests: generators of events, methods, classes."""

import asyncio
from contextvars import copy_context

import pytest

from spikard import _after, _signature
from spikard._injection import inject
from spikard._kept import Kept
from spikard._provisions import Scope, layer
from spikard.di import Provide


class Pool: ...


POOL = Pool()


async def connect():
    return POOL


class Scoped:
    """A scope that keeps what is pushed until it is over."""

    def __init__(self):
        self.pushed = []

    def push(self, callback):
        self.pushed.append(callback)
        return True

    async def over(self):
        for callback in reversed(self.pushed):
            await callback()


def injected(function, **provided):
    scope = Scope(Kept(), (layer(provided, {}),))
    signature = _signature.plan(function, path="/", methods=("GET",), provided=scope.provides)
    return inject(function, signature, scope)


async def within(scope, awaitable):
    token = _after.current.set(scope)
    try:
        return await awaitable()
    finally:
        _after.current.reset(token)


def test_an_async_generator_stays_one_and_is_closed_with_its_user():
    seen = []

    async def events(pool, start: int = 0):
        try:
            for number in range(start, start + 10):
                yield pool, number
        finally:
            seen.append("closed")

    def transaction():
        yield POOL
        seen.append("end")

    async def main():
        scope = Scoped()
        made = injected(events, pool=Provide(transaction))
        assert (made.is_async, made.scoped) == (False, True)

        async def first():
            items = made.function(start=5)
            found = await anext(items)
            await items.aclose()
            return found

        assert await within(scope, first) == (POOL, 5)
        assert seen == ["closed"]
        await scope.over()

    copy_context().run(asyncio.run, main())
    assert seen == ["closed", "end"]


def test_what_an_async_generator_raises_is_seen_by_its_dependencies():
    seen = []

    async def events(pool):
        yield 1
        raise KeyError("broken")

    def transaction():
        try:
            yield
        except KeyError as error:
            seen.append(error.args)

    async def main():
        scope = Scoped()
        made = injected(events, pool=Provide(transaction, sync_to_thread=False))

        async def everything():
            return [item async for item in made.function()]

        with pytest.raises(KeyError):
            await within(scope, everything)
        await scope.over()

    copy_context().run(asyncio.run, main())
    assert seen == [("broken",)]


def test_methods_and_classes_get_dependencies_and_keep_their_other_arguments():
    class Chat:
        def __init__(self, pool, name: str = "chat"):
            self.pool, self.name = pool, name

        async def handle(self, message, pool):
            return message, pool, self.name

    chat = injected(Chat, pool=POOL)
    assert not chat.is_async
    made = chat.function(name="given")
    assert (made.pool, made.name) == (POOL, "given")
    later = injected(Chat, pool=Provide(connect))
    assert later.is_async
    assert asyncio.run(later.function()).pool is POOL
    handle = injected(made.handle, pool=Provide(connect))
    assert asyncio.run(handle.function(message="hello")) == ("hello", POOL, "given")


def test_a_function_without_dependencies_is_left_as_it_is():
    async def handler(q: int = 0): ...

    made = injected(handler, pool=POOL)
    assert made.function is handler
    assert (made.is_async, made.may_wait, made.scoped) == (True, False, False)


def test_whether_the_loop_may_be_left_meanwhile_is_known():
    async def handler(pool): ...

    assert not injected(handler, pool=POOL).may_wait
    assert not injected(handler, pool=Provide(connect)).may_wait
    assert not injected(handler, pool=Provide(Pool, sync_to_thread=False)).may_wait
    assert injected(handler, pool=Provide(Pool)).may_wait
    assert injected(handler, pool=Provide(connect, singleton=True)).may_wait


def test_a_generator_where_no_request_runs_is_an_error():
    def transaction():
        yield POOL

    async def handler(pool): ...

    with pytest.raises(RuntimeError, match="no request runs here"):
        asyncio.run(injected(handler, pool=Provide(transaction)).function())
