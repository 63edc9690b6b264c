"""Arguments as a request fills them: through the server, in the process."""

# ruff: noqa: B008, PLR0917, UP045  # every spelling is a case

from decimal import Decimal
from typing import Annotated, Optional

import msgspec
import pydantic
import pytest

from spikard import Body, Cookie, Header, Query, Router, Spikard
from spikard.testing import TestClient


class Paging(msgspec.Struct):
    page: int = 1
    per_page: Annotated[int, msgspec.Meta(le=100)] = 20
    after: Optional[str] = None


class Checked(pydantic.BaseModel):
    name: str

    @pydantic.field_validator("name")
    @classmethod
    def check(cls, value):
        if value == "root":
            raise ValueError("is taken")
        return value


class Item(msgspec.Struct):
    count: int


@pytest.fixture
def app():
    return Spikard()


def errors(response):
    assert response.status_code == 422, response.text
    return [(error["loc"], error["type"]) for error in response.json()["errors"]]


def test_a_model_of_the_query_takes_what_is_there_and_its_own_defaults(app):
    @app.get("/")
    async def handler(paging: Query[Paging], first: bool = False):
        return [paging, first]

    with TestClient(app) as client:
        assert client.get("/?page=3&first=1").json() == [{"page": 3, "per_page": 20, "after": None}, True]
        assert client.get("/").json() == [{"page": 1, "per_page": 20, "after": None}, False]
        assert errors(client.get("/?page=x&per_page=101&first=y")) == [
            (["query", "first"], "bool_parsing"),
            (["query", "page"], "int_parsing"),
            (["query", "per_page"], "less_than_equal"),
        ]


def test_a_model_that_may_be_absent_has_its_default(app):
    @app.get("/")
    async def handler(paging: Query[Paging] = Query(default_factory=lambda: Paging(9))):
        return paging

    with TestClient(app) as client:
        assert client.get("/").json()["page"] == 9
        assert client.get("/?per_page=5").json() == {"page": 1, "per_page": 5, "after": None}


def test_models_of_headers_and_cookies(app):
    class Meta(msgspec.Struct):
        x_token: str

    class Session(msgspec.Struct):
        session_id: int

    @app.get("/")
    async def handler(meta: Header[Meta], session: Cookie[Session]):
        return [meta.x_token, session.session_id]

    with TestClient(app) as client:
        assert client.get("/", headers={"X-Token": "t"}, cookies={"session_id": "7"}).json() == ["t", 7]
        assert errors(client.get("/")) == [(["headers", "x-token"], "missing"), (["cookie", "session_id"], "missing")]


def test_what_a_validator_says_of_a_parameter_is_a_422(app):
    @app.get("/model")
    async def model(who: Query[Checked]):
        return who.name

    @app.get("/value")
    async def value(price: Decimal = Query(gt=0), name: Annotated[str, pydantic.AfterValidator(refuse)] = "a"):
        return [price, name]

    with TestClient(app) as client:
        assert client.get("/model?name=ada").text == "ada"
        assert errors(client.get("/model?name=root")) == [(["query", "name"], "value_error")]
        assert client.get("/value?price=1.50").json() == ["1.50", "a"]
        (error,) = client.get("/value?price=0").json()["errors"]
        assert error == {
            "type": "greater_than",
            "loc": ["query", "price"],
            "msg": "Input should be greater than 0",
            "input": "0",
            "ctx": {"gt": 0},
        }
        assert errors(client.get("/value?price=1&name=root")) == [(["query", "name"], "value_error")]


def refuse(value):
    if value == "root":
        raise ValueError("is taken")
    return value


def test_the_raw_form_has_what_the_schemas_say(app):
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "source": "path"},
            "limit": {"type": "integer", "default": 10},
            "X-Token": {"type": "string", "source": "header", "optional": True},
        },
    }

    async def handler(path_params, query_params, headers, body, method, path):
        return [path_params, query_params, headers.get("x-token"), body, method, path]

    app.register_route("POST", "/{id}/{kind}", handler, parameter_schema=schema, body_schema={"type": "object"})
    with TestClient(app) as client:
        answer = client.post("/7/a?q=x", json={"a": 1}, headers={"x-token": "t"})
        expected = [{"id": 7, "kind": "a"}, {"limit": 10, "q": "x"}, "t", {"a": 1}, "POST", "/7/a"]
        assert answer.json() == expected
        assert errors(client.post("/x/a?limit=y", json=[])) == [
            (["path", "id"], "int_parsing"),
            (["query", "limit"], "int_parsing"),
            (["body"], "type_error"),
        ]


def test_what_the_raw_form_does_not_take_is_checked_all_the_same(app):
    schema = {"properties": {"n": {"type": "integer", "source": "cookie"}}}

    async def handler(query_params):
        return query_params

    app.register_route("GET", "/", handler, parameter_schema=schema)
    with TestClient(app) as client:
        assert client.get("/?a=1", cookies={"n": "1"}).json() == {"a": "1"}
        assert errors(client.get("/")) == [(["cookie", "n"], "missing")]


def test_a_body_that_is_absent_has_its_default(app):
    router = Router("/b")
    app.include_router(router)

    @router.post("/factory")
    async def factory(item: Item = Body(default_factory=lambda: Item(3))):
        return item

    @router.post("/none")
    async def none(item: Optional[Item] = None):
        return {"item": item}

    @router.post("/fields")
    async def fields(count: int = 4, name: Optional[str] = None):
        return [count, name]

    with TestClient(app) as client:
        assert client.post("/b/factory").json() == {"count": 3}
        assert client.post("/b/none").json() == {"item": None}
        assert client.post("/b/fields").json() == [4, None]
        assert client.post("/b/fields", data={"count": "5", "name": "a"}).json() == [5, "a"]
