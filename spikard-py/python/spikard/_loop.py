"""An event loop of asyncio in whose selector the server runs: one thread for both."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING

from spikard import _spikard

if TYPE_CHECKING:
    from selectors import SelectorKey


class ServerSelector(selectors.DefaultSelector):
    """The system's selector, which lets the server work while the loop would wait."""

    turns: _spikard.Turns

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Runs the server until there is something for the loop, for at most `timeout` seconds."""
        return super().select(0) if self.turns.turn(timeout) else []


def new_event_loop() -> tuple[asyncio.AbstractEventLoop, _spikard.Turns]:
    """A loop, and the runtime of the server that takes turns with it."""
    selector = ServerSelector()
    loop = asyncio.SelectorEventLoop(selector)
    # asyncio registers descriptors in its constructor, before there is a loop for the runtime.
    selector.turns = _spikard.Turns(loop, selector.fileno())
    return loop, selector.turns
