"""What mypy and pyright see of dependencies: what a `Provide` makes, and under which type. Checked, not run."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

from typing_extensions import assert_type

from spikard import Provide, Router, Spikard
from spikard.di import Provide as SameProvide


class Store(ABC):
    @abstractmethod
    def read(self) -> str: ...


class Pool(Store):
    def read(self) -> str:
        return ""


def make() -> Pool:
    return Pool()


async def make_async(url: str) -> Pool:
    return Pool()


def generate() -> Iterator[Pool]:
    yield Pool()


async def generate_async() -> AsyncIterator[Pool]:
    yield Pool()


assert_type(Provide(make), Provide[Pool])
assert_type(Provide(make_async, singleton=True), Provide[Pool])
assert_type(SameProvide(generate, depends_on=["url", Pool]), Provide[Pool])
assert_type(Provide(generate_async, use_cache=False, sync_to_thread=False), Provide[Pool])
assert_type(Provide(Pool), Provide[Pool])

app = Spikard()
app.provide("url", "sqlite://")
app.provide("pool", Provide(make))
app.provide(Pool, Provide(make_async))
app.provide(Pool, Pool())
app.provide(Store, Provide(generate_async))
router = Router("/users", dependencies={"url": "other", Pool: Provide(make)})
router.provide("user", "ada")


@app.get("/", dependencies={"limit": 5})
async def read(pool: Pool, limit: int) -> str:
    return pool.read()


with app.override("url", "test"), app.override(Store, object()):
    app.override(Provide(make), Pool()).restore()

Provide(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
Provide(make, depends_on=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
app.provide(5, Pool())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
app.override(5, Pool())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
