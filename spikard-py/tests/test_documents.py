"""The document says of a function what the server does with it: parameters, bodies, answers, names."""

# ruff: noqa: B008, PLR0917  # markers stand in defaults, functions have every kind of argument

import subprocess
import sys
from collections.abc import AsyncIterator
from enum import Enum
from typing import Annotated, Literal

import msgspec
import pydantic
import pytest
from msgspec import Meta, Struct

from spikard import (
    Body,
    Cookie,
    File,
    Form,
    Header,
    HTTPException,
    OpenApiConfig,
    Provide,
    Query,
    Request,
    ServerConfig,
    Spikard,
    TestClient,
    UploadFile,
)


class Color(Enum):
    RED = "red"


class Cat(Struct, tag="cat"):
    """Purrs."""

    lives: Annotated[int, Meta(ge=0, le=9, description="left")] = 9


class Dog(Struct, tag="dog"):
    friend: Cat | None = None


class Model(pydantic.BaseModel):
    """Of pydantic."""

    name: str = pydantic.Field(description="its name", examples=["a"])


def operation(function, method="post", path="/", app=None, **options):
    app = app or Spikard()
    getattr(app, method)(path, **options)(function)
    document = app.openapi()
    return document["paths"][path][method], document.get("components", {}).get("schemas", {})


def parameters(function, path="/"):
    found, _ = operation(function, "get", path)
    return {(one["in"], one["name"]): one for one in found["parameters"]}


def test_parameters_have_what_annotations_and_markers_say():
    def read(
        id: int,  # noqa: A002  # a name as users choose it
        q: Annotated[str, Query(min_length=2, description="what to find", examples=["tea"])],
        color: Color | None = None,
        sort: Literal["up", "down"] = "up",
        sizes: list[int] = Query(default_factory=list, schema={"separator": ","}),
        x_token: str = Header(deprecated=True),
        session: str | None = Cookie(None),
        limit: Annotated[int, pydantic.Field(le=100, description="how many")] = 10,
    ): ...

    found = parameters(read, "/items/{id}")
    assert found["path", "id"] == {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
    assert found["query", "q"] == {
        "name": "q",
        "in": "query",
        "description": "what to find",
        "required": True,
        "schema": {"type": "string", "minLength": 2, "examples": ["tea"]},
    }
    assert found["query", "color"]["schema"]["enum"] == ["red"]
    assert found["query", "sort"]["schema"] == {"type": "string", "enum": ["up", "down"], "default": "up"}
    assert "required" not in found["query", "sort"]
    assert (found["query", "sizes"]["style"], found["query", "sizes"]["explode"]) == ("form", False)
    assert (found["header", "x-token"]["required"], found["header", "x-token"]["deprecated"]) == (True, True)
    assert found["cookie", "session"]["schema"] == {"type": "string"}
    limit = found["query", "limit"]
    assert (limit["description"], limit["schema"]) == ("how many", {"type": "integer", "maximum": 100, "default": 10})


def test_only_what_may_be_refused_has_a_422():
    def any_text(q: str = "a"): ...

    def converted(q: Annotated[str, pydantic.AfterValidator(str.strip)] = "a"): ...

    assert "422" not in operation(any_text, "get")[0]["responses"]
    assert "422" in operation(converted, "get")[0]["responses"]


class Filters(Struct):
    q: str
    limit: Annotated[int, Meta(le=100, description="how many")] = 10


def test_a_model_for_the_query_is_its_fields():
    def read(filters: Annotated[Filters, Query()]): ...

    found = parameters(read)
    assert found["query", "q"]["required"]
    assert found["query", "limit"]["description"] == "how many"


def test_parameters_of_dependencies_are_there_and_those_read_twice_fit_both():
    app = Spikard()

    def tenant(x_tenant: str = Header(), limit: int = Query(10, ge=1)): ...

    app.provide("tenant", Provide(tenant))

    async def read(tenant: object, limit: int = Query(10, le=100)): ...

    found, _ = operation(read, "get", app=app)
    assert found["responses"]["503"]["description"] == "Dependency resolution failed"
    assert {(one["in"], one["name"]) for one in found["parameters"]} == {("header", "x-tenant"), ("query", "limit")}
    (limit,) = [one for one in found["parameters"] if one["name"] == "limit"]
    assert {*limit["schema"]["allOf"][0], *limit["schema"]["allOf"][1]} >= {"minimum", "maximum"}


def test_a_body_is_a_component_with_what_it_is_made_of():
    async def create(pet: Cat | Dog): ...

    found, schemas = operation(create)
    body = found["requestBody"]
    assert body["required"]
    schema = body["content"]["application/json"]["schema"]
    assert {one["$ref"] for one in schema["anyOf"]} == {"#/components/schemas/Cat", "#/components/schemas/Dog"}
    assert schema["discriminator"]["mapping"]["cat"] == "#/components/schemas/Cat"
    assert schemas["Cat"]["description"] == "Purrs."
    assert schemas["Cat"]["properties"]["lives"]["description"] == "left"


def test_a_model_of_pydantic_is_a_component_too():
    async def create(model: Annotated[Model, Body(description="the model")]) -> list[Model]: ...

    found, schemas = operation(create)
    reference = {"$ref": "#/components/schemas/Model"}
    assert found["requestBody"]["description"] == "the model"
    assert found["requestBody"]["content"]["application/json"]["schema"] == reference
    assert found["responses"]["200"]["content"]["application/json"]["schema"]["items"] == reference
    assert schemas["Model"]["description"] == "Of pydantic."
    assert schemas["Model"]["properties"]["name"]["examples"] == ["a"]


def fields(name: str = Form(), number: int = Form(1)): ...


def files(name: str = Form(), file: UploadFile = File(description="a picture")): ...


async def many(files: list[UploadFile]): ...


@pytest.mark.parametrize(
    ("function", "media_types", "binary"),
    [
        (fields, ["application/x-www-form-urlencoded", "multipart/form-data"], None),
        (files, ["multipart/form-data"], "file"),
        (many, ["multipart/form-data"], "files"),
    ],
)
def test_forms_are_of_the_media_types_that_are_taken(function, media_types, binary):
    found, _ = operation(function)
    content = found["requestBody"]["content"]
    assert list(content) == media_types
    if binary is not None:
        schema = content["multipart/form-data"]["schema"]["properties"][binary]
        assert schema.get("items", schema)["format"] == "binary"


def search(ids: list[int] = Query(), tags: list[str] = Query(default_factory=list)): ...


def test_a_list_of_a_query_or_form_is_missing_when_it_is_empty():
    found = parameters(search)
    assert found["query", "ids"]["schema"] == {"type": "array", "items": {"type": "integer"}, "minItems": 1}
    assert "minItems" not in found["query", "tags"]["schema"]
    form, _ = operation(many)
    assert form["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["files"]["minItems"] == 1
    counted, _ = operation(many, file_params={"files": {"type": "array", "max_count": 3}})
    assert counted["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["files"]["maxItems"] == 3


async def bytes_as_they_are(body: bytes): ...


async def in_pieces(body_stream: AsyncIterator[bytes]): ...


async def of_the_request(request: Request): ...


@pytest.mark.parametrize(
    ("function", "media_type"),
    [
        (bytes_as_they_are, "application/octet-stream"),
        (in_pieces, "application/octet-stream"),
        (of_the_request, "*/*"),
    ],
)
def test_bytes_are_of_any_kind_and_may_be_none(function, media_type):
    found, _ = operation(function)
    assert found["requestBody"] == {"content": {media_type: {}}}
    assert "422" not in found["responses"]


def test_a_request_without_a_body_has_none():
    found, _ = operation(of_the_request, "get")
    assert "requestBody" not in found


def test_what_files_may_be_is_said():
    rules = {"file": {"content_types": ["image/png", "image/jpeg"], "max_count": 1}}
    found, _ = operation(files, file_params=rules)
    assert found["requestBody"]["content"]["multipart/form-data"]["encoding"] == {
        "file": {"contentType": "image/png, image/jpeg"}
    }


def test_schemas_that_were_given_stand_in_the_place_of_types():
    async def create(path_params: dict, query_params: dict, body: dict): ...

    found, _ = operation(
        create,
        path="/items/{id}",
        body_schema={"type": "object", "required": ["a"]},
        parameter_schema={"type": "object", "properties": {"q": {"type": "string", "source": "query"}}},
        response_schema={"type": "array"},
    )
    assert found["requestBody"]["content"]["application/json"]["schema"]["required"] == ["a"]
    assert {(one["in"], one["name"]) for one in found["parameters"]} == {("path", "id"), ("query", "q")}
    assert found["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "array"}


def test_answers_are_those_of_the_function_and_of_the_server():
    async def create(cat: Cat) -> Cat: ...

    found, _ = operation(create, responses={409: {"description": "There is such a cat"}, 404: dict[str, str]})
    responses = found["responses"]
    assert responses["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Cat"}
    assert responses["409"]["description"] == "There is such a cat"
    assert responses["409"]["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
    assert "application/json" in responses["404"]["content"]
    assert {"415", "422"} <= responses.keys()


def test_what_is_no_operation_is_left_out():
    app = Spikard()
    app.get("/hidden", include_in_schema=False)(lambda: None)

    @app.websocket("/chat")
    async def chat(message: str) -> str: ...

    @app.sse("/events", operation_id="events")
    async def events():
        yield 1

    paths = app.openapi()["paths"]
    assert sorted(paths) == ["/chat", "/events"]
    assert "101" in paths["/chat"]["get"]["responses"]
    assert "text/event-stream" in paths["/events"]["get"]["responses"]["200"]["content"]


def test_the_document_is_the_one_that_is_served():
    app = Spikard(ServerConfig(openapi=OpenApiConfig(enabled=True, title="Shop", description="Sells.")), tags=["shop"])

    @app.get("/users/{id}", operation_id="user")
    async def read(id: int, request: Request) -> dict[str, int]:  # noqa: A002
        """One user."""
        raise HTTPException(404)

    document = app.openapi()
    assert document["info"]["title"] == "Shop"
    assert document["paths"]["/users/{id}"]["get"]["operationId"] == "user"
    answer = TestClient(app).get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, document)
    assert msgspec.json.encode(document) == answer.content, "keys have their order"
    assert TestClient(app).get("/docs").headers["content-type"] == "text/html; charset=utf-8"


def test_the_program_writes_the_same(tmp_path):
    (tmp_path / "shop.py").write_text(
        "from spikard import OpenApiConfig, ServerConfig, Spikard\n"
        "app = Spikard(ServerConfig(openapi=OpenApiConfig(title='Shop')))\n"
        "app.get('/users/{id}')(lambda id: None)\n"
        "print(len(app.openapi()['paths']))\n"
    )

    def spikard(*arguments):
        command = [sys.executable, "-m", "spikard", "openapi", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    written = spikard("shop:app", "-o", "shop.json")
    assert (written.returncode, written.stdout) == (0, "1\n"), written.stderr
    document = msgspec.json.decode((tmp_path / "shop.json").read_bytes())
    assert (document["info"]["title"], list(document["paths"])) == ("Shop", ["/users/{id}"])
    assert spikard("shop:app", "--check", "shop.json").returncode == 0
    (tmp_path / "shop.json").write_text("{}")
    assert spikard("shop:app", "--check", "shop.json").returncode == 1


def test_a_description_is_there_without_being_served():
    app = Spikard()
    app.get("/")(lambda: None)
    assert list(app.openapi()["paths"]) == ["/"]
    assert TestClient(app).get("/openapi.json").status_code == 404


def test_a_document_is_asked_for_anywhere():
    app = Spikard(ServerConfig(port=1, openapi=OpenApiConfig(title="One")))
    assert app.openapi(ServerConfig(openapi=OpenApiConfig(title="Other")))["info"]["title"] == "Other"
