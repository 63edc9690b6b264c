"""Routers, and the decorators that need no application at hand.

`get`, `post` ... attach to the application created last before them or, if there is none yet, to
the next one created.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ._inherited import Inherited
from ._registration import local_names
from ._route_table import Entry, RouteTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from . import _plan
    from ._options import RouterOptions
    from ._provisions import Scope

__all__ = [
    "Router",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "sse",
    "trace",
    "websocket",
]


class Router(RouteTable):
    """Routes with a common prefix, common policies and common words in the description of the API.

    >>> from spikard import Router, Spikard
    >>> users = Router(prefix="/users")
    >>> @users.get("/{user_id}")
    ... async def read_user(user_id: int) -> dict[str, int]:
    ...     return {"id": user_id}
    >>> Spikard().include_router(users)
    """

    def __init__(
        self, prefix: str = "", *, dependencies: Mapping[Any, Any] | None = None, **options: Unpack[RouterOptions]
    ) -> None:
        """A router whose routes stand behind `prefix`. What it says of them lies under what they say themselves.

        `dependencies` are what `provide` provides, by name or type.
        """
        super().__init__()
        self._inherited = Inherited.of(prefix, options)
        if dependencies is not None:
            from . import _provisions

            self._provided = _provisions.layer(dependencies, local_names())

    def _compile(self, inherited: Inherited, scope: Scope) -> Iterator[_plan.Route]:
        return super()._compile(inherited.then(self._inherited), scope)


class _Unattached(RouteTable):
    """The table of the standalone decorators: it hands on what it gets to an application."""

    _latest: weakref.ref[RouteTable] | None = None

    def _add(self, entry: Entry) -> None:
        app = self._latest() if self._latest is not None else None
        if app is None:
            super()._add(entry)
        else:
            app._add(entry)

    def attach_to(self, app: RouteTable) -> None:
        """Gives `app` what has been registered without one, and all that will be until the next comes."""
        self._latest = weakref.ref(app)
        for entry in self._entries:
            app._add(entry)
        self._entries.clear()


unattached = _Unattached()

get = unattached.get
post = unattached.post
put = unattached.put
patch = unattached.patch
delete = unattached.delete
head = unattached.head
options = unattached.options
trace = unattached.trace
websocket = unattached.websocket
route = unattached.route
sse = unattached.sse
