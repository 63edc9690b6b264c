"""The answers in the description are those that a handler gives (docs/adr/0016), and those that `responses` names."""

# ruff: noqa: UP007, UP045  # every spelling is a case

import enum
from collections.abc import Iterator
from typing import Any, Literal, NoReturn, Optional, TypeVar, Union

import pytest
from msgspec import Struct

from spikard import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from spikard._answers import given, merged, of_type
from spikard._schemas import schema_of

FILE = {"type": "string", "format": "binary"}
T = TypeVar("T")


class User(Struct):
    name: str


class Color(str, enum.Enum):
    RED = "red"


class Unknown: ...


class Teapot(Response):
    __slots__ = ()


def shown(answers):
    return {
        answer.status: {content.media_type: content.schema for content in answer.content}
        for answer in (answers.values() if isinstance(answers, dict) else answers)
    }


@pytest.mark.parametrize(
    ("annotation", "answers"),
    [
        (Any, {"200": {"*/*": None}}),
        (T, {"200": {"*/*": None}}),
        (NoReturn, {"default": {"*/*": None}}),
        (None, {"200": {"application/json": {"type": "null"}}}),
        (str, {"200": {"text/plain": {"type": "string"}}}),
        (Literal["a", "b"], {"200": {"text/plain": {"type": "string", "enum": ["a", "b"]}}}),
        (Color, {"200": {"application/json": schema_of(Color)}}),
        (bytes, {"200": {"application/octet-stream": FILE}}),
        (int, {"200": {"application/json": {"type": "integer"}}}),
        (User, {"200": {"application/json": schema_of(User)}}),
        (Optional[User], {"200": {"application/json": schema_of(Optional[User])}}),
        (
            Union[User, str, None],
            {"200": {"application/json": schema_of(Optional[User]), "text/plain": {"type": "string"}}},
        ),
        (list[User], {"200": {"application/json": schema_of(list[User])}}),
        (Unknown, {"200": {"application/json": None}}),
        (Iterator[int], {"200": {"application/json": None}}),
        (Response, {"default": {"*/*": None}}),
        (Teapot, {"default": {"*/*": None}}),
        (JSONResponse, {"default": {"application/json": None}}),
        (Union[User, Response], {"200": {"application/json": schema_of(User)}, "default": {"*/*": None}}),
        (HTMLResponse, {"200": {"text/html": {"type": "string"}}}),
        (StreamingResponse, {"200": {"*/*": FILE}}),
        (RedirectResponse, {"3XX": {}}),
        (
            FileResponse,
            {"200": {"*/*": FILE}, "206": {"*/*": FILE}, "304": {}, "416": {"application/problem+json": None}},
        ),
    ],
)
def test_the_type_says_what_is_answered(annotation, answers):
    assert shown(of_type(annotation, None)) == answers


def test_a_redirect_says_where():
    (header,) = of_type(RedirectResponse, None)["3XX"].headers
    assert (header.name, header.required) == ("location", True)


@pytest.mark.parametrize(
    ("annotation", "media_type"), [(Any, "application/json"), (str, "text/plain"), (User, "application/json")]
)
def test_a_schema_stands_in_the_place_of_the_type(annotation, media_type):
    assert shown(of_type(annotation, {"type": "object"})) == {"200": {media_type: {"type": "object"}}}


def answers(annotation, *layers):
    return shown(merged(of_type(annotation, None), given(layers)))


def test_a_type_in_responses_is_json():
    assert answers(User, {404: list[User]})["404"] == {"application/json": schema_of(list[User])}


def test_an_error_of_which_only_words_are_said_is_a_problem():
    assert answers(User, {409: {"description": "taken"}})["409"] == {"application/problem+json": None}
    assert answers(User, {409: None})["409"] == {}
    assert answers(User, {409: {"model": None, "description": "taken"}})["409"] == {}


def test_what_a_type_leaves_open_responses_settle():
    assert answers(Response, {201: User}) == {"201": {"application/json": schema_of(User)}}
    assert answers(Any, {204: None}) == {"204": {}}
    assert answers(RedirectResponse, {303: None}) == {"303": {}}
    assert list(answers(Response, {404: User})) == ["default", "404"]
    assert list(answers(User, {201: User})) == ["200", "201"]


def test_media_types_of_one_status_come_together():
    binary = {200: {"description": "A picture", "content": {"image/png": None, "image/svg+xml": str}}}
    assert answers(StreamingResponse, binary)["200"] == {"image/png": None, "image/svg+xml": {"type": "string"}}
    assert list(answers(User, binary)["200"]) == ["application/json", "image/png", "image/svg+xml"]
    (answer,) = merged(of_type(User, None), given([{200: {"description": "A user"}}]))
    assert (answer.description, shown([answer])) == ("A user", shown(of_type(User, None)))


def test_content_may_be_written_as_openapi_has_it():
    content = {
        "text/csv": {"schema": {"type": "string"}, "example": "a,b"},
        "text/xml": {"examples": {"one": {"value": "<a/>"}, "two": {"value": "<b/>"}}},
        "text/x": {"schema": User},
    }
    assert answers(Response, {200: {"content": content}})["200"] == {
        "text/csv": {"type": "string", "examples": ["a,b"]},
        "text/xml": {"examples": ["<a/>", "<b/>"]},
        "text/x": schema_of(User),
    }


def test_headers_are_types_or_more():
    said = {201: {"headers": {"location": str, "x-left": {"schema": int, "description": "left", "required": True}}}}
    (answer,) = merged(of_type(Response, None), given([said]))
    assert [(header.name, header.schema, header.description, header.required) for header in answer.headers] == [
        ("location", {"type": "string"}, None, False),
        ("x-left", {"type": "integer"}, "left", True),
    ]
