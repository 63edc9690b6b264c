"""A request that does not fit: the 422 with all its errors, and the refusals before it (CONTRACT)."""

# ruff: noqa: E501, PLR0917

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from msgspec import Meta, Struct

from spikard import Cookie, Header, Query, Spikard

from .serving import Server

app = Spikard()
calls: list[str] = []


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Address(Struct, forbid_unknown_fields=True):
    street: str
    number: Annotated[int, Meta(ge=1)]


class Person(Struct):
    name: Annotated[str, Meta(min_length=2, max_length=5)]
    age: Annotated[int, Meta(ge=0, lt=150)]
    tags: Annotated[list[str], Meta(min_length=1, max_length=2)]
    colour: Colour
    homes: list[Address] = []
    height: Annotated[float, Meta(gt=0, le=3)] = 1.5
    code: Annotated[str, Meta(pattern="^[a-z]+$")] = "a"
    born: date | None = None
    key: UUID | None = None
    active: bool = True


@dataclass
class Point:
    x: int
    y: int


@app.get("/query")
async def query(
    a: int,
    f: float = 0.0,
    b: bool = False,
    s: Annotated[str, Query(min_length=2, max_length=4, pattern="^x")] = "xx",
    n: Annotated[int, Query(ge=1, le=10, multiple_of=2)] = 2,
    c: Colour = Colour.RED,
    kind: Literal["p", "q"] = "p",
    tags: list[int] = Query(default_factory=list),
) -> Any:
    calls.append("query")
    return [a, f, b, s, n, c.value, kind, tags]


@app.get("/typed")
async def typed(
    u: UUID | None = None,
    d: date | None = None,
    t: datetime | None = None,
    h: time | None = None,
    p: timedelta | None = None,
    m: Decimal | None = None,
) -> Any:
    return [type(value).__name__ for value in (u, d, t, h, p, m)] + [str(value) for value in (u, d, t, h, m)]


@app.get("/head")
async def head(x_token: Annotated[int, Header()], session: Annotated[str, Cookie(min_length=3)]) -> Any:
    return [x_token, session]


@app.get("/items/{item_id:int}/{when:date}/{rest:path}")
async def converted(item_id: int, when: date, rest: str) -> Any:
    return [item_id, when.isoformat(), rest]


@app.post("/people/{key}")
async def people(key: int, person: Person, verbose: bool = False) -> Any:
    calls.append("people")
    return person


@app.post("/points")
async def points(point: Point) -> Any:
    return point


@app.get("/calls")
async def how_many_calls() -> int:
    return len(calls)


PERSON = {"name": "Ada", "age": 36, "tags": ["x"], "colour": "red"}


def error(kind: str, loc: str, msg: str, given: Any, **ctx: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc.split("."), "msg": msg, "input": given} | ({"ctx": ctx} if ctx else {})


INT = "Input should be a valid integer, unable to parse string as an integer"
FLOAT = "Input should be a valid number, unable to parse string as a number"
PARAMETERS = [
    ("/query", [error("missing", "query.a", "Field required", None)]),
    ("/query?a=x&f=y", [error("int_parsing", "query.a", INT, "x"), error("float_parsing", "query.f", FLOAT, "y")]),
    ("/query?a=1&b=maybe", [error("bool_parsing", "query.b", "Input should be a valid boolean, unable to interpret input", "maybe")]),
    ("/query?a=1&s=x", [error("string_too_short", "query.s", "String should have at least 2 characters", "x", min_length=2)]),
    ("/query?a=1&s=xxxxx", [error("string_too_long", "query.s", "String should have at most 4 characters", "xxxxx", max_length=4)]),
    ("/query?a=1&s=ab", [error("string_pattern_mismatch", "query.s", "String should match pattern '^x'", "ab", pattern="^x")]),
    ("/query?a=1&n=0", [error("greater_than_equal", "query.n", "Input should be greater than or equal to 1", 0, ge=1)]),
    ("/query?a=1&n=12", [error("less_than_equal", "query.n", "Input should be less than or equal to 10", 12, le=10)]),
    ("/query?a=1&c=green", [error("enum", "query.c", "Input should be 'red' or 'blue'", "green", expected="'red' or 'blue'")]),
    ("/query?a=1&kind=r", [error("enum", "query.kind", "Input should be 'p' or 'q'", "r", expected="'p' or 'q'")]),
    ("/query?a=1&tags=1&tags=x", [error("int_parsing", "query.tags.1", INT, "x")]),
    ("/typed?u=1&d=2&t=3&h=4&p=5", [
        error("uuid_parsing", "query.u", "Input should be a valid UUID", "1"),
        error("date_parsing", "query.d", "Input should be a valid date", "2"),
        error("datetime_parsing", "query.t", "Input should be a valid datetime", "3"),
        error("time_parsing", "query.h", "Input should be a valid time", "4"),
        error("duration_parsing", "query.p", "Input should be a valid duration", "5"),
    ]),
    ("/head", [error("missing", "headers.x-token", "Field required", None), error("missing", "cookie.session", "Field required", None)]),
    ("/items/x/2026-13-01/r", [error("int_parsing", "path.item_id", INT, "x"), error("date_parsing", "path.when", "Input should be a valid date", "2026-13-01")]),
]  # fmt: skip

BODIES = [
    ({}, [error("missing", f"body.{name}", "Field required", {}) for name in ("name", "age", "tags", "colour")]),
    (PERSON | {"name": "A", "age": 150}, [
        error("string_too_short", "body.name", "String should have at least 2 characters", "A", min_length=2),
        error("less_than", "body.age", "Input should be less than 150", 150, lt=150),
    ]),
    (PERSON | {"name": "Augusta", "age": -1}, [
        error("string_too_long", "body.name", "String should have at most 5 characters", "Augusta", max_length=5),
        error("greater_than_equal", "body.age", "Input should be greater than or equal to 0", -1, ge=0),
    ]),
    (PERSON | {"name": 1}, [error("string_type", "body.name", "Input should be a valid string", 1)]),
    (PERSON | {"age": "36"}, [error("int_parsing", "body.age", INT, "36")]),
    (PERSON | {"height": 0}, [error("greater_than", "body.height", "Input should be greater than 0", 0, gt=0)]),
    (PERSON | {"tags": []}, [error("too_short", "body.tags", "List should have at least 1 item after validation", [], min_length=1)]),
    (PERSON | {"tags": ["a", "b", "c"]}, [
        error("too_long", "body.tags", "List should have at most 2 items after validation", ["a", "b", "c"], max_length=2)
    ]),
    (PERSON | {"colour": "green"}, [error("enum", "body.colour", "Input should be 'red' or 'blue'", "green", expected="'red' or 'blue'")]),
    (PERSON | {"homes": [{"street": "s", "number": 1}, {"street": 2}]}, [
        error("string_type", "body.homes.1.street", "Input should be a valid string", 2),
        error("missing", "body.homes.1.number", "Field required", {"street": 2}),
    ]),
    (PERSON | {"homes": [{"street": "s", "number": 1, "more": 2}]}, [
        error("validation_error", "body.homes.0", "Additional properties are not allowed", {"street": "s", "number": 1, "more": 2}, additional_properties=False, unexpected_field="more"),
    ]),
    (PERSON | {"code": "A1"}, [error("string_pattern_mismatch", "body.code", "String should match pattern '^[a-z]+$'", "A1", pattern="^[a-z]+$")]),
    (PERSON | {"active": "yes"}, [error("bool_parsing", "body.active", "Input should be a valid boolean", "yes")]),
    (PERSON | {"born": "2026-02-30", "key": "7"}, [
        error("date_parsing", "body.born", "Input should be a valid date", "2026-02-30"),
        error("uuid_parsing", "body.key", "Input should be a valid UUID", "7"),
    ]),
]  # fmt: skip


def assert_refused(answer: Any, expected: list[dict[str, Any]]) -> None:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    count = "1 validation error in request" if len(expected) == 1 else f"{len(expected)} validation errors in request"
    assert (problem["type"], problem["title"]) == (
        "https://spikard.dev/errors/validation-error",
        "Request Validation Failed",
    )

    def ordered(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(errors, key=lambda each: each["loc"])

    assert ordered(problem["errors"]) == ordered(expected)
    assert problem["detail"] == count


@pytest.mark.parametrize(("target", "errors"), PARAMETERS, ids=[target for target, _ in PARAMETERS])
def test_all_errors_of_parameters_are_told(server: Server, target: str, errors: list[dict[str, Any]]) -> None:
    assert_refused(server.client.get(target), errors)


@pytest.mark.parametrize(
    ("body", "errors"), BODIES, ids=[str(errors[0]["loc"]) + errors[0]["type"] for _, errors in BODIES]
)
def test_all_errors_of_a_body_are_told(server: Server, body: Any, errors: list[dict[str, Any]]) -> None:
    assert_refused(server.client.post("/people/1", json=body), errors)


def test_errors_of_body_and_parameters_come_together_and_the_handler_is_not_called(server: Server) -> None:
    before = server.client.get("/calls").json()
    answer = server.client.post("/people/x?verbose=2", json=PERSON | {"age": None})
    found = {(each["type"], *each["loc"]) for each in answer.json()["errors"]}
    assert {("int_parsing", "path", "key"), ("bool_parsing", "query", "verbose")} < found
    assert len(found) == 3
    assert server.client.get("/calls").json() == before


ACCEPTED = [
    ("/query?a=-7", [-7, 0.0, False, "xx", 2, "red", "p", []]),
    ("/query?a=1&f=1e3&b=TRUE&s=xyz&n=4&c=blue&kind=q&tags=1&tags=2", [1, 1000.0, True, "xyz", 4, "blue", "q", [1, 2]]),
    ("/query?a=1&b=&tags=7", [1, 0.0, False, "xx", 2, "red", "p", [7]]),
    ("/query?a=1&b=1", [1, 0.0, True, "xx", 2, "red", "p", []]),
    ("/query?a=12345678901234567890123", [12345678901234567890123, 0.0, False, "xx", 2, "red", "p", []]),
    ("/items/-3/2026-02-28/a/b%20c", [-3, "2026-02-28", "a/b c"]),
    (
        "/typed?u=6f9619ff-8b86-d011-b42d-00c04fc964ff&d=2026-01-02&t=2026-01-02T03:04:05Z&h=03:04:05Z&p=PT1H&m=1.10",
        ["UUID", "date", "datetime", "time", "timedelta", "Decimal",
         "6f9619ff-8b86-d011-b42d-00c04fc964ff", "2026-01-02", "2026-01-02 03:04:05+00:00", "03:04:05+00:00", "1.10"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("target", "value"), ACCEPTED, ids=[target for target, _ in ACCEPTED])
def test_what_fits_becomes_its_type(server: Server, target: str, value: Any) -> None:
    answer = server.client.get(target)
    assert (answer.status_code, answer.json()) == (200, value)
