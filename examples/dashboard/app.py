"""A dashboard: the server's own numbers as server-sent events, and a page that draws them.

    python examples/dashboard/app.py

Then open http://127.0.0.1:8000, and `curl -N http://127.0.0.1:8000/readings` in a shell.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from meter import Meter

from spikard import (
    LicenseInfo,
    OpenApiConfig,
    Request,
    Response,
    SecurityHeadersConfig,
    ServerConfig,
    Spikard,
    SseEvent,
    StaticFilesConfig,
)

PAGE = Path(__file__).parent / "page"
meter = Meter()


@asynccontextmanager
async def lifespan(_app: Spikard) -> AsyncGenerator[None, None]:
    """Measures for as long as the server runs."""
    measuring = asyncio.create_task(meter.run(interval=0.5))
    yield
    measuring.cancel()


app = Spikard(
    ServerConfig(
        static_files=[StaticFilesConfig(directory=PAGE, route_prefix="/")],
        # The page loads nothing from elsewhere and has no scripts in its HTML: so nobody can smuggle one in.
        security_headers=SecurityHeadersConfig(content_security_policy="default-src 'self'"),
        openapi=OpenApiConfig(
            enabled=True, title="Dashboard", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        ),
    ),
    lifespan=lifespan,
)


@app.on_request
def count(request: Request) -> Request:
    """Counts what comes to the routes below."""
    meter.requests += 1
    return request


# A browser connects anew when the stream breaks, and says in `Last-Event-ID` what it got last: it misses nothing
# that the meter still has. One that comes for the first time gets all of that at once.
@app.sse("/readings")
async def readings(last_event_id: int = 0) -> AsyncIterator[SseEvent]:
    """All readings after that one, as they are made; closed when the client leaves."""
    with meter.watched():
        async for reading in meter.after(last_event_id):
            yield SseEvent(reading, event_type="reading", id=str(reading.at), retry=1000)


@app.post("/work", rate_limit={"per_second": 1, "burst": 3}, responses={204: None})
def work() -> Response:
    """Keeps a processor busy for a second, on a thread, so that there is something to see."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"work", b"salt", 20_000)
    return Response(status_code=204)


if __name__ == "__main__":
    app.run()
