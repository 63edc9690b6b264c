"""Measures this process twice a second, and keeps the last minute."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from msgspec import Struct


class Reading(Struct, frozen=True):
    """What was measured at one moment."""

    at: int
    """When, in milliseconds since 1970: also the id of the event, which grows over restarts of the server."""
    cpu: float
    """Processor time of this process, in per cent of one core."""
    delay: float
    """How much later than planned the event loop came round, in milliseconds."""
    requests: int
    """Requests so far."""
    watchers: int
    """Streams that are open."""


class Meter:
    """The readings, and those who wait for the next."""

    def __init__(self) -> None:
        self.requests = 0
        self.watchers = 0
        self._readings: deque[Reading] = deque(maxlen=120)
        self._news = asyncio.Event()

    async def run(self, interval: float) -> None:
        """Measures until it is cancelled."""
        while True:
            began, worked = time.monotonic(), time.process_time()
            await asyncio.sleep(interval)
            passed = time.monotonic() - began
            reading = Reading(
                at=time.time_ns() // 1_000_000,
                cpu=round(100 * (time.process_time() - worked) / passed, 1),
                delay=round(1000 * (passed - interval), 2),
                requests=self.requests,
                watchers=self.watchers,
            )
            self._readings.append(reading)
            self._news.set()
            self._news = asyncio.Event()

    async def after(self, moment: int) -> AsyncIterator[Reading]:
        """The readings after `moment` that are still there, then each new one."""
        while True:
            new = [reading for reading in self._readings if reading.at > moment]
            for reading in new:
                yield reading
                moment = reading.at
            if not new:
                await self._news.wait()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Counts a stream while it is open."""
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1
