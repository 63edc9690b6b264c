"""What tests put in the place of dependencies, for a while.

Overrides are part of what routes are compiled from. A `TestClient` that runs compiles its routes anew
when they change; a server cannot, so that they are refused while one runs.
"""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._provisions import Provision, name_of
from .di import Provide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self


class Overrides:
    """The overrides of an application."""

    def __init__(self) -> None:
        """None yet."""
        self.version = 0
        """Changes with every change."""
        self._active: list[tuple[Any, Provision]] = []
        self._servers = 0

    def __iter__(self) -> Iterator[tuple[Any, Provision]]:
        return iter(self._active)

    def __bool__(self) -> bool:
        return bool(self._active)

    def add(self, key: Any, provision: Provision) -> Override:
        """Puts `provision` in the place of what stands under `key`, a `Provide` included."""
        if self._servers:
            raise RuntimeError("the application is being served, expected an override before that, or a TestClient")
        entry = (key, provision)
        self.version += 1
        self._active.append(entry)
        return Override(lambda: self._remove(entry))

    @contextmanager
    def fixed(self) -> Iterator[None]:
        """While a server runs that was built with the overrides as they are."""
        self._servers += 1
        try:
            yield
        finally:
            self._servers -= 1

    def _remove(self, entry: tuple[Any, Provision]) -> None:
        for number, active in enumerate(self._active):
            if active is entry:
                self.version += 1
                del self._active[number]
                return


class Override:
    """A dependency that stands in the place of another until `restore`, or the end of `with`."""

    def __init__(self, restore: Callable[[], None]) -> None:
        """An override that `restore` ends."""
        self._restore = restore

    def restore(self) -> None:
        """Ends the override. Once more does nothing."""
        self._restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.restore()


def overridden(key: Any, known: list[Provision]) -> Provision:
    """What stands under a key. Raises `LookupError` where that is nothing: its override would do nothing."""
    for item in known:
        if key is item.value if isinstance(key, Provide) else key == item.key:
            return item
    if isinstance(key, Provide):
        raise LookupError(f"{key!r} is provided nowhere, expected one that is")
    near = difflib.get_close_matches(str(key), [item.key for item in known if isinstance(item.key, str)], n=1)
    hint = f", did you mean {near[0]!r}?" if near else ""
    raise LookupError(f"nothing is provided as {key if isinstance(key, str) else name_of(key)!r}{hint}")
