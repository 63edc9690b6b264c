"""Which arguments are values of path, query, headers and cookies, and what becomes of them."""

# ruff: noqa: A002, B008, PLR0917, UP007, UP045  # every spelling is a case

import datetime
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, NewType, Optional, Union

import msgspec
import pytest

from spikard._signature import plan
from spikard.params import Cookie, Header, Query


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Filters(msgspec.Struct):
    sort_by: str
    limit: int = 20
    after: Optional[int] = None


def parameters(function, path="/", **options):
    return plan(function, path=path, methods=("GET",), **options).parameters


def of_type(annotation, **options):
    def function(value): ...

    function.__annotations__["value"] = annotation
    (only,) = parameters(function, **options)
    return only


def test_a_name_in_the_path_is_a_path_parameter_and_the_rest_is_query():
    def function(user_id: int, verbose: bool = False): ...

    first, second = parameters(function, "/users/{user_id}")
    assert (first.name, first.source, first.required, first.schema) == ("user_id", "path", True, {"type": "integer"})
    assert (second.source, second.required, second.default) == ("query", False, False)


def test_a_parameter_without_annotation_takes_the_type_of_its_converter():
    def function(i, s, f, b, u, d, t, p): ...

    path = "/{i:int}/{s:str}/{f:float}/{b:bool}/{u:uuid}/{d:date}/{t:datetime}/{p:path}"
    schemas = {parameter.name: parameter.schema for parameter in parameters(function, path)}
    assert schemas == {
        "i": {"type": "integer"},
        "s": {"type": "string"},
        "f": {"type": "number"},
        "b": {"type": "boolean"},
        "u": {"type": "string", "format": "uuid"},
        "d": {"type": "string", "format": "date"},
        "t": {"type": "string", "format": "date-time"},
        "p": {"type": "string"},
    }


def test_text_behind_a_converter_is_checked_by_it_and_stays_text():
    def function(key: str): ...

    (only,) = parameters(function, "/{key:uuid}")
    assert only.schema == {"type": "string", "format": "uuid"}
    assert only.convert is None


def test_an_annotation_against_its_converter_is_an_error():
    def number(key: str): ...
    def day(key: uuid.UUID): ...

    for function, path in [(number, "/{key:int}"), (day, "/{key:date}")]:
        with pytest.raises(TypeError, match="parameter 'key': the annotation does not take what the converter"):
            parameters(function, path)
    (rest,) = parameters(number, "/{*key}")
    assert rest.source == "path"
    with pytest.raises(TypeError, match="the converter is 'number', expected one of str, int, float"):
        parameters(number, "/{key:number}")


@pytest.mark.parametrize(
    ("annotation", "value", "argument"),
    [
        (float, 3, 3.0),
        (bytes, "a\u00e9", "a\u00e9".encode()),
        (Decimal, "1.50", Decimal("1.50")),
        (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID(int=0x12345678123456781234567812345678)),
        (datetime.date, "2024-02-29", datetime.date(2024, 2, 29)),
        (datetime.datetime, "2024-02-29T10:00:00Z", datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.timezone.utc)),
        (datetime.time, "10:30:00Z", datetime.time(10, 30, tzinfo=datetime.timezone.utc)),
        (datetime.timedelta, "P1DT2H", datetime.timedelta(days=1, hours=2)),
        (Color, "red", Color.RED),
        (Level, 2, Level.HIGH),
        (Literal["a", "b"], "a", "a"),
        (
            Optional[uuid.UUID],
            "12345678-1234-5678-1234-567812345678",
            uuid.UUID(int=0x12345678123456781234567812345678),
        ),
        (set[int], [1, 2], {1, 2}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (list[Color], ["red", "blue"], [Color.RED, Color.BLUE]),
        (list[float], [1, 2.5], [1.0, 2.5]),
        (Union[int, datetime.date], "2024-02-29", datetime.date(2024, 2, 29)),
        (NewType("Day", datetime.date), "2024-02-29", datetime.date(2024, 2, 29)),
    ],
)
def test_values_become_the_annotated_type(annotation, value, argument):
    converted = of_type(annotation).convert(value)
    assert converted == argument
    assert type(converted) is type(argument)


@pytest.mark.parametrize("annotation", [int, str, bool, Optional[int], list[str], list[int], NewType("Id", int), Any])
def test_what_json_has_already_needs_no_conversion(annotation):
    assert of_type(annotation).convert is None


def test_the_schema_of_a_value_has_no_null_and_no_references():
    assert of_type(Optional[Color]).schema == {"title": "Color", "type": "string", "enum": ["red", "blue"]}
    assert of_type(Level).schema == {"title": "Level", "type": "integer", "enum": [1, 2]}
    assert of_type(list[Color]).schema["items"]["enum"] == ["red", "blue"]
    assert of_type(Union[int, str, None]).schema == {"anyOf": [{"type": "integer"}, {"type": "string"}]}


def test_an_optional_value_may_be_absent():
    only = of_type(Optional[int])
    assert (only.required, only.default) == (False, None)


def test_the_default_is_in_the_schema_as_json_has_it():
    def function(
        color: Color = Color.RED, day: datetime.date = datetime.date(2024, 1, 2), hidden: int = Query(object())
    ): ...

    color, day, hidden = parameters(function)
    assert (color.default, color.schema["default"]) == (Color.RED, "red")
    assert day.schema["default"] == "2024-01-02"
    assert "default" not in hidden.schema


def test_limits_of_a_decimal_are_checked_when_it_is_made():
    def function(price: Decimal = Query(gt=0, le=Decimal("9.99"), multiple_of=0.01)): ...

    (only,) = parameters(function)
    assert only.convert("9.99") == Decimal("9.99")
    for text, message in [
        ("0", "greater than 0"),
        ("10", "less than or equal to 9.99"),
        ("1.001", "a multiple of 0.01"),
    ]:
        with pytest.raises(ValueError, match=f"Input should be {message}"):
            only.convert(text)


@pytest.mark.parametrize(("marker", "source"), [(Query, "query"), (Header, "headers"), (Cookie, "cookie")])
def test_a_model_takes_each_of_its_fields_from_where_its_marker_says(marker, source):
    def function(filters): ...

    function.__annotations__["filters"] = marker[Filters]
    (group,) = plan(function, path="/", methods=("GET",)).groups
    keys = ["sort-by" if source == "headers" else "sort_by", "limit", "after"]
    assert [parameter.key for parameter in group.parameters] == keys
    assert [parameter.name for parameter in group.parameters] == ["sort_by", "limit", "after"]
    assert [parameter.required for parameter in group.parameters] == [True, False, False]
    assert group.parameters[2].schema == {"type": "integer"}
    assert group.make({"sort_by": "age"}) == Filters("age")
    assert not group.optional


def test_a_model_with_a_default_may_be_absent_as_a_whole():
    def function(filters: Query[Filters] = Filters("name")): ...

    (group,) = plan(function, path="/", methods=("GET",)).groups
    assert group.optional
    assert group.default == Filters("name")


def test_what_cannot_be_written_as_text_is_an_error():
    class Node(msgspec.Struct):
        next: Optional["Node"] = None

    class Pair(NamedTuple):
        left: int

    @dataclass
    class Nested:
        inner: Filters

    for annotation in [list[dict], Query[Nested], Query[Node], Query[dict], Query[Pair], Query[list[Filters]]]:
        with pytest.raises(TypeError, match="parameter 'value': "):
            of_type(annotation, localns={"Node": Node})


def test_parameter_schema_says_where_values_come_from():
    schema = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "source": "path"},
            "X-Token": {"type": "string", "source": "header", "minLength": 3},
            "tags": {"type": "array", "items": {"type": "string"}, "separator": ",", "default": []},
            "session": {"type": "string", "source": "cookie", "optional": True},
        },
    }

    def function(id: int, x_token: str, tags: list[str], session: Optional[str]): ...

    found = parameters(function, "/{id}", parameter_schema=schema)
    assert [(item.name, item.source, item.key, item.required) for item in found] == [
        ("id", "path", "id", True),
        ("x_token", "header", "x-token", True),
        ("tags", "query", "tags", False),
        ("session", "cookie", "session", False),
    ]
    assert found[1].schema == {"type": "string", "minLength": 3}
    assert (found[2].separator, found[2].default) == (",", [])


def test_parameter_schema_may_list_what_is_required():
    schema = {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}

    def function(a, b): ...

    assert [item.required for item in parameters(function, parameter_schema=schema)] == [True, False]


def test_parameter_schema_for_no_argument_and_from_nowhere_is_an_error():
    def function(a): ...

    for properties, message in [
        ({"a": {}, "x-b": {}}, "parameter_schema describes 'x-b', expected an argument 'x_b' for it"),
        ({"a": {"source": "body"}}, "parameter 'a': source is 'body', expected 'path', 'query', 'header' or 'cookie'"),
    ]:
        with pytest.raises(TypeError, match=message):
            parameters(function, parameter_schema={"properties": properties})
