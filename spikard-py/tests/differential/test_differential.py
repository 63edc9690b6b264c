"""For every type: generated and mutated bodies, the server's answers, and the judge's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from behaviour.serving import Server, serving

from .generate import Generator
from .judge import accepts
from .types import GIVEN, SAMPLES, TYPES, app

SEED = int(os.environ.get("SPIKARD_SEED", "20261121"))
BODIES = int(os.environ.get("SPIKARD_BODIES", "400"))
KNOWN = re.compile(r':60(\.\d+)?(Z|[+-]\d)|"-?P(\d+[WYMD])*\d+[WYM]')
"""What the schema takes and no Python type can hold (ADR 15): leap seconds, durations in weeks, months and years."""
ROUTES = [*TYPES, "given", "fields"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("differential.types") as running:
        yield running


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """The schemas that the routes are served with."""
    routes = {route.path[1:]: route.signature.body for route in app._routes()}
    return {name: body.schema for name, body in routes.items() if body is not None}


@pytest.mark.parametrize("name", ROUTES)
def test_accepts_exactly_what_its_schema_accepts(server: Server, schemas: dict[str, Any], name: str) -> None:
    schema = schemas[name]
    judge = accepts(schema)
    different, accepted = [], 0
    with server.wire() as wire:
        for body in Generator(schema, SAMPLES, SEED).bodies(BODIES):
            data = json.dumps(body).encode()
            wire.send(
                b"POST /%b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (name.encode(), len(data), data)
            )
            answer = wire.read()
            assert answer is not None, data
            fits = judge(body)
            accepted += fits
            if answer.status == 422 and fits and KNOWN.search(data.decode()):
                continue
            if answer.status != (200 if fits else 422) or (
                answer.status == 422 and not json.loads(answer.body)["errors"]
            ):
                verdict = "accepts" if fits else "refuses"
                different.append(f"{data.decode()} -> {answer.status}, the schema {verdict} it: {answer.body[:300]!r}")
    assert not different, "\n".join([f"{len(different)} of {BODIES} bodies", *different[:15], json.dumps(schema)])
    assert BODIES // 20 < accepted < BODIES, f"{accepted} of {BODIES} bodies were accepted: the generator is of no use"


def test_a_given_schema_is_published_as_it_was_given(schemas: dict[str, Any]) -> None:
    assert schemas["given"] == GIVEN
