"""Policies of app, router and route: each laid over the one before; what a route switches off stays on elsewhere."""

from __future__ import annotations

import time
from typing import Annotated, Any

from support.tokens import bearer

from spikard import (
    ApiKeyConfig,
    Body,
    CompressionConfig,
    JwtConfig,
    RateLimitConfig,
    Request,
    Router,
    ServerConfig,
    Spikard,
)

from .serving import Server

KEY = "a-secret-of-thirty-two-bytes-or-more"
app = Spikard(
    config=ServerConfig(
        jwt_auth=JwtConfig(secret=KEY, audience="api.test", leeway=0),
        compression=CompressionConfig(min_size=100),
        max_body_size=1000,
    )
)
TEXT = "a text that is long enough to be compressed; " * 20


@app.get("/private")
async def private(request: Request) -> Any:
    return request.claims


@app.get("/public", jwt_auth=False)
async def public() -> str:
    return TEXT


@app.get("/plain", jwt_auth=False, compression=False)
async def plain() -> str:
    return TEXT


@app.get("/large-only", jwt_auth=False, compression={"min_size": 5000})
async def large_only() -> str:
    return TEXT


@app.get("/limited", jwt_auth=False, rate_limit=RateLimitConfig(per_second=1, burst=3))
async def limited() -> str:
    return "ok"


@app.get("/limited-too", jwt_auth=False, rate_limit={"per_second": 1, "burst": 2})
def limited_too() -> str:
    return "ok"


@app.post("/small", jwt_auth=False, max_body_size=10)
async def small(body: Annotated[bytes, Body()]) -> int:
    return len(body)


@app.get("/hasty", jwt_auth=False, request_timeout=0.1)
async def hasty() -> str:
    import asyncio

    await asyncio.sleep(5)
    return "late"


keys = Router(prefix="/keys", jwt_auth=False, api_key_auth=ApiKeyConfig(keys=["k1"]))


@keys.get("/guarded")
async def guarded() -> str:
    return "guarded"


@keys.get("/open", api_key_auth=False)
async def opened() -> str:
    return "open"


inner = Router(prefix="/inner", headers={"response": {"set": {"x-inner": "1"}}})


@inner.get("/guarded")
async def inner_guarded() -> str:
    return "inner"


keys.include_router(inner)
app.include_router(keys)
app.include_router(keys, prefix="/again", api_key_auth={"keys": ["k2"]})


def test_a_route_is_private_unless_it_says_otherwise(server: Server) -> None:
    claims = {"sub": "ada", "aud": "api.test", "exp": int(time.time()) + 60}
    assert server.client.get("/private").status_code == 401
    answer = server.client.get("/private", headers=bearer(KEY, **claims))
    assert (answer.status_code, answer.json()) == (200, claims)
    assert (
        server.client.get("/private", headers=bearer(KEY, **claims | {"exp": 1})).json()["detail"]
        == "Token has expired"
    )
    assert server.client.get("/public").status_code == 200
    assert server.client.get("/nowhere").status_code == 401


def test_a_route_has_its_own_compression(server: Server) -> None:
    def coding(target: str) -> str | None:
        answer = server.client.get(target, headers={"Accept-Encoding": "gzip"})
        assert answer.text == TEXT
        found: str | None = answer.headers.get("content-encoding")
        return found

    assert [coding(target) for target in ("/public", "/plain", "/large-only")] == ["gzip", None, None]


def test_a_route_has_a_counter_of_its_own(server: Server) -> None:
    assert [server.client.get("/limited").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    assert [server.client.get("/limited-too").status_code for _ in range(3)] == [200, 200, 429]
    assert server.client.get("/public").status_code == 200


def test_a_route_has_its_own_limits(server: Server) -> None:
    assert server.client.post("/small", content=bytes(10)).json() == 10
    assert server.client.post("/small", content=bytes(11)).status_code == 413
    began = time.monotonic()
    assert server.client.get("/hasty").status_code == 408
    assert time.monotonic() - began < 3


def test_a_router_lays_its_policies_under_those_of_its_routes(server: Server) -> None:
    def status(target: str, key: str | None = None) -> int:
        return server.client.get(target, headers={"X-API-Key": key} if key else {}).status_code

    assert [status("/keys/guarded"), status("/keys/guarded", "k1"), status("/keys/guarded", "no")] == [401, 200, 401]
    assert status("/keys/open") == 200
    assert [status("/keys/inner/guarded"), status("/keys/inner/guarded", "k1")] == [401, 200]


def test_what_includes_a_router_stands_below_the_routers_own(server: Server) -> None:
    """Layered app < including < router < route: the router says `k1`, and that counts."""
    answer = server.client.get("/again/keys/guarded", headers={"X-API-Key": "k1"})
    assert answer.status_code == 200
    assert server.client.get("/again/keys/guarded", headers={"X-API-Key": "k2"}).status_code == 401
    assert server.client.get("/again/keys/inner/guarded", headers={"X-API-Key": "k1"}).headers["x-inner"] == "1"
