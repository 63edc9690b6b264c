"""Work that goes on behind an answer.

from spikard import background

@app.post("/orders")
async def order(order: Order) -> dict[str, str]:
    background.run(send_confirmation, order)
    return {"status": "accepted"}

Work begins when the last byte of the answer was sent, in the order in which it was given, and goes on when the
client has left. Outside of a request it begins soon. A server that ends waits for it, within its `shutdown_timeout`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, overload

from . import _background, _spikard
from ._background import MOST, Full, work_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

__all__ = ["MOST", "Counts", "Full", "counts", "run"]

_spikard.open_scopes()


class Counts(NamedTuple):
    """How much work there is and was, in this process."""

    waiting: int
    """Given, and not begun."""
    running: int
    """Begun, and not done."""
    done: int
    """Done, without a failure."""
    failed: int
    """Ended by an exception, which the log has."""
    cancelled: int
    """Cut off by the end of the server, or by itself."""


@overload
def run(work: Coroutine[Any, Any, Any]) -> None: ...
@overload
def run(work: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None: ...
def run(work: Callable[..., Any] | Coroutine[Any, Any, Any], *args: Any, **kwargs: Any) -> None:
    """Runs `work` behind the answer of the request that is being handled; outside of one, soon.

    An async function and a coroutine run on the event loop, any other function on a thread. Work sees the context
    variables as they are now. What it returns is dropped; what it raises is logged with the id of the request.

    Raises `Full`, which as an answer is a 503, if `MOST` pieces of work are waiting or running, and `RuntimeError`
    outside of a request where no event loop runs.
    """
    _background.run(work_of(work, args, kwargs))


def counts() -> Counts:
    """How much work there is and was, in this process."""
    return Counts(**_background.tally)
