"""Configuration objects: that each setting does what it says."""

from __future__ import annotations

import time
from typing import Any

import httpx
from support.tokens import bearer
from support.wire import Wire

from ..kinds import Ask, Check, Expectation, Serves

APP = """
from typing import Annotated
from spikard import Body
app = Spikard(config=config)

@app.get("/")
async def root():
    return {"status": "ok"}

@app.get("/text")
async def text(size: int):
    return "x" * size

@app.post("/size")
async def size(body: Annotated[bytes, Body()]):
    return len(body)
"""
KEY = "your-secret-key"
OK = Ask("GET /", json={"status": "ok"})


def with_config(**config: str) -> str:
    """An app with a configuration of the block's object."""
    fields = ", ".join(f"{key}={value}" for key, value in config.items())
    return f"from spikard import ServerConfig, Spikard\nconfig = ServerConfig({fields})\n{APP}"


WITHOUT_APP = f"from spikard import Spikard\n{APP}"


def compresses(least: int) -> tuple[Ask, ...]:
    """Texts of at least this size are compressed."""
    gzip, brotli = ({"headers": {"Accept-Encoding": coding}} for coding in ("gzip", "br"))
    return (
        Ask(f"GET /text?size={least}", headers={"content-encoding": "gzip", "vary": "accept-encoding"}, send=gzip),
        Ask(f"GET /text?size={least}", headers={"content-encoding": "br", "vary": "accept-encoding"}, send=brotli),
        Ask(f"GET /text?size={least - 1}", headers={"content-length": str(least - 1)}, send=gzip),
        Ask(
            f"GET /text?size={least}",
            content=b"x" * least,
            headers={"content-length": str(least)},
            send={"headers": {"Accept-Encoding": "identity"}},
        ),
    )


def limits_the_rate(client: httpx.Client) -> None:
    """With `per_second=100, burst=200`: 200 at once, then as many as time gives back."""
    time.sleep(2.1)  # Whatever was asked before is forgotten.
    with Wire((client.base_url.host, client.base_url.port or 0)) as wire:
        began = time.monotonic()
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        answers = [answer for answer in (wire.read() for _ in range(500)) if answer is not None]
        given_back = (time.monotonic() - began) * 100
    statuses = [answer.status for answer in answers]
    passed = statuses.count(200)
    assert statuses[:200] == [200] * 200, f"{statuses[:200].count(200)} of the first 200 passed"
    assert passed <= 200 + given_back + 1, f"{passed} passed, expected at most {200 + given_back + 1:.0f}"
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 500 - passed > 0
    assert {answer.header("retry-after") for answer in refused} == {"1"}


def asks_for_tokens(leeway: int) -> Check:
    """The setting of the JWT blocks."""

    def check(client: httpx.Client) -> None:
        now = int(time.time())
        good = {"aud": "api.example.com", "iss": "auth.example.com", "exp": now + 3600}
        passing: list[dict[str, Any]] = [{}, {"aud": ["a", "api.example.com"]}, {"exp": now - leeway // 2}]
        failing: list[dict[str, Any]] = [
            {"exp": now - leeway - 5},
            {"aud": "other.example.com"},
            {"iss": "other.example.com"},
        ]
        for claims in passing:
            Ask("GET /", json={"status": "ok"}, send={"headers": bearer(KEY, **good | claims)})(client)
        for claims in failing:
            Ask("GET /", 401, send={"headers": bearer(KEY, **good | claims)})(client)
        Ask("GET /", 401, send={"headers": bearer("another-secret-key", **good)})(client)
        Ask("GET /", 401, headers={"www-authenticate": "Bearer"})(client)

    return check


def key(value: str) -> dict[str, object]:
    return {"headers": {"X-API-Key": value}}


STATIC = (
    Ask("GET /static/hello.txt", content=b"hello from a file\n", headers={"cache-control": "public, max-age=3600"}),
    Ask("GET /static/", content=b"<h1>index</h1>\n"),
    Ask("GET /static/none.txt", 404),
    Ask("GET /static/..%2Fprogram.py", 400),
    OK,
)

EXPECTED: list[Expectation] = [
    Serves(("000#6",), "compression=True", port=8000, checks=(OK,)),
    Serves(
        ("001#13", "002#14"),
        "max_body_size=10 * 1024 * 1024",
        then=APP.replace("app = Spikard(config=config)", ""),
        checks=(
            OK,
            *compresses(1024),
            Ask("POST /size", json=10485760, send={"content": bytes(10485760)}),
            Ask("POST /size", 413, send={"content": bytes(10485761)}),
            limits_the_rate,
        ),
    ),
    Serves(
        ("001#14", "002#15"),
        "compression = CompressionConfig(",
        then=with_config(compression="compression"),
        checks=compresses(1024),
    ),
    Serves(
        ("001#15", "002#16"),
        "rate_limit = RateLimitConfig(",
        then=with_config(rate_limit="rate_limit"),
        checks=(limits_the_rate,),
    ),
    Serves(("001#16", "002#17"), "jwt = JwtConfig(", then=with_config(jwt_auth="jwt"), checks=(asks_for_tokens(30),)),
    Serves(
        ("001#17", "002#18"), "static = StaticFilesConfig(", given=("ServerConfig",), then=WITHOUT_APP, checks=STATIC
    ),
    Serves(
        ("003#15",),
        "app = Spikard(config=config)",
        given=(),
        then=APP.replace("app = Spikard(config=config)", ""),
        checks=(OK,),
    ),
    Serves(("003#16",), "min_size=2048", then=WITHOUT_APP, checks=compresses(2048)),
    Serves(("003#17",), "ip_based=True", then=WITHOUT_APP, checks=(limits_the_rate,)),
    Serves(("003#18",), "leeway=10", then=WITHOUT_APP, checks=(asks_for_tokens(10),)),
    Serves(
        ("003#19",),
        "secret-key-1",
        then=WITHOUT_APP,
        checks=(
            Ask("GET /", 401),
            Ask("GET /", 401, send=key("secret-key-3")),
            Ask("GET /", json={"status": "ok"}, send=key("secret-key-1")),
            Ask("GET /", json={"status": "ok"}, send=key("secret-key-2")),
        ),
    ),
    Serves(("003#20",), 'directory="./public"', then=WITHOUT_APP, checks=STATIC),
]
