"""What the server is still working on, as asyncio awaits it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Promise(asyncio.Future[Any]):
    """A future that the server settles. Cancelling it calls the server's work off."""

    abandon: Callable[[], None]

    def cancel(self, msg: Any | None = None) -> bool:
        """Calls the work off; false if it is done already."""
        cancelled = super().cancel(msg)
        if cancelled:
            self.abandon()
        return cancelled
