"""What the server is still working on, as asyncio awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Promise(asyncio.Future[Any]):
    """A future that the server settles. Cancelling it calls the server's work off."""

    abandon: Callable[[], None]

    def cancel(self, msg: Any | None = None) -> bool:
        """Calls the work off; false if it is done already."""
        cancelled = super().cancel(msg)
        if cancelled:
            self.abandon()
        return cancelled
