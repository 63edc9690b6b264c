"""Dependency injection: how a value is made that functions ask for by parameter name or by type.

    app.provide("settings", {"url": "postgresql://localhost/app"})
    app.provide(Pool, Provide(open_pool, singleton=True))

    @app.get("/users/{user_id}")
    async def read_user(user_id: int, pool: Pool) -> User: ...

`Provide` only holds what was said; `_provisions` says which one a parameter gets, `_injection` puts the
dependencies of a function in order when the server starts, `_resolving` makes them for a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

__all__ = ["Provide"]

T = TypeVar("T")
V = TypeVar("V")


class Provide(Generic[T]):
    """A function that makes a dependency.

    The function is sync or async, a generator or an async generator, or a class. Its parameters are
    filled like those of a handler: by what is provided under their name or type, by the request
    (`request: Request`), and by values of it that are marked `Query`, `Header`, `Cookie` or `Path`,
    which are checked before anything is called. Other parameters need a default.

    A generator yields the value once. What stands behind the `yield` runs when the answer has been sent
    to its last byte, in reverse order of making; what the handler raised is raised at the `yield`.

    Within a request a dependency is made once, however many ask for it.

    >>> from spikard import Spikard
    >>> from spikard.di import Provide
    >>> app = Spikard()
    >>> app.provide("greeting", Provide(lambda name: f"Hello, {name}!", depends_on=["name"]))
    >>> app.provide("name", "Ada")
    """

    __slots__ = ("__weakref__", "dependency", "depends_on", "singleton", "sync_to_thread", "use_cache")

    dependency: Callable[..., Any]
    """The function."""
    depends_on: tuple[Any, ...]
    """What is made before, by name or type."""
    use_cache: bool
    """Whether the value is kept for later requests, for each combination of arguments."""
    singleton: bool
    """Whether there is one for the whole life of the application."""
    sync_to_thread: bool
    """Whether a function that is not async runs on a thread of its own."""

    @overload
    def __init__(
        self: Provide[V],
        dependency: Callable[..., Awaitable[V]],
        *,
        depends_on: Iterable[str | type[Any]] | None = ...,
        use_cache: bool = ...,
        singleton: bool = ...,
        sync_to_thread: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Provide[V],
        dependency: Callable[..., AsyncIterator[V]],
        *,
        depends_on: Iterable[str | type[Any]] | None = ...,
        use_cache: bool = ...,
        singleton: bool = ...,
        sync_to_thread: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Provide[V],
        dependency: Callable[..., Iterator[V]],
        *,
        depends_on: Iterable[str | type[Any]] | None = ...,
        use_cache: bool = ...,
        singleton: bool = ...,
        sync_to_thread: bool = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Provide[V],
        dependency: Callable[..., V],
        *,
        depends_on: Iterable[str | type[Any]] | None = ...,
        use_cache: bool = ...,
        singleton: bool = ...,
        sync_to_thread: bool = ...,
    ) -> None: ...
    def __init__(
        self,
        dependency: Callable[..., Any],
        *,
        depends_on: Iterable[str | type[Any]] | None = None,
        use_cache: bool = False,
        singleton: bool = False,
        sync_to_thread: bool = True,
    ) -> None:
        """A dependency that `dependency` makes.

        `depends_on` names what is made before it: a parameter of that name gets the value, and where
        there is none the order is all. A lambda needs it no more than another function does.

        With `singleton` there is one value for the life of the application: the first request that
        needs it makes it, others that come meanwhile wait for it, and a generator goes on when the
        server stops. It can depend on other singletons and on plain values.

        With `use_cache` the value is kept for later requests too, one for each combination of what
        the function is called with, as `functools.lru_cache` does: the 1,024 that were asked for last,
        until the application ends. Two requests that come at one time may both make it. A generator
        has no place for that: its end would come too early or never.

        A function that is not async runs on a thread, so that it may wait; one that does not wait is
        cheaper with `sync_to_thread=False`.
        """
        if not callable(dependency):
            raise TypeError(f"dependency is {dependency!r}, expected a function: a value is provided as it is")
        if isinstance(depends_on, str):
            raise TypeError(f"depends_on is {depends_on!r}, expected a list such as [{depends_on!r}]")
        if singleton and use_cache:
            raise ValueError("singleton and use_cache are both set, expected one of them: a singleton is kept anyway")
        self.dependency = dependency
        self.depends_on = tuple(depends_on or ())
        self.use_cache = use_cache
        self.singleton = singleton
        self.sync_to_thread = sync_to_thread

    def __repr__(self) -> str:
        name = getattr(self.dependency, "__qualname__", None) or repr(self.dependency)
        said = [f", {flag}=True" for flag in ("use_cache", "singleton") if getattr(self, flag)]
        return f"Provide({name}{''.join(said)})"
