"""`Query`, `Path`, `Header`, `Cookie`, `Body`: every way to write one says the same."""

# ruff: noqa: B008, UP045  # every spelling is a case

from typing import Annotated, Optional

import pytest

from spikard._signature import plan
from spikard.params import Body, Cookie, Form, Header, Path, Query


def parameter(function, path="/"):
    (only,) = plan(function, path=path, methods=("GET",)).parameters
    return only


def by_default(limit: int = Query(default=10, ge=1)): ...


def by_position(limit: int = Query(10, ge=1)): ...


def by_annotation(limit: Annotated[int, Query(ge=1)] = 10): ...


def by_default_within_the_annotation(limit: Annotated[int, Query(default=10, ge=1)]): ...


def by_subscript_and_default(limit: Query[int] = Query(default=10, ge=1)): ...


def by_both(limit: Annotated[int, Query(ge=1)] = Query(10)): ...


def by_subscript_of_limits(limit: Query[Annotated[int, Query(ge=1)]] = 10): ...


@pytest.mark.parametrize(
    "function",
    [
        by_default,
        by_position,
        by_annotation,
        by_default_within_the_annotation,
        by_subscript_and_default,
        by_both,
        by_subscript_of_limits,
    ],
)
def test_every_way_to_write_a_query_parameter_means_the_same(function):
    only = parameter(function)
    assert (only.name, only.source, only.key, only.required, only.default) == ("limit", "query", "limit", False, 10)
    assert only.schema == {"type": "integer", "minimum": 1, "default": 10}


def test_a_marker_without_default_makes_the_value_required():
    def dots(q: str = Query(...)): ...
    def nothing(q: str = Query()): ...
    def subscript(q: Query[str]): ...
    def unmade(q: Annotated[str, Query]): ...

    assert all(parameter(function).required for function in (dots, nothing, subscript, unmade))


def test_a_default_factory_makes_the_default_of_each_request():
    def function(tags: list[str] = Query(default_factory=list)): ...

    only = parameter(function)
    assert only.default_factory is list
    assert not only.required


def test_default_and_default_factory_together_are_refused():
    with pytest.raises(TypeError, match="default and default_factory are both given"):
        Query(1, default_factory=int)


def test_an_alias_is_the_name_in_the_request():
    def function(page: int = Query(alias="p[age]")): ...

    assert parameter(function).key == "p[age]"


def test_every_limit_is_in_the_schema():
    def inclusive(n: float = Query(ge=1, le=9, multiple_of=0.5)): ...
    def exclusive(n: float = Query(gt=1, lt=9)): ...
    def text(t: str = Query(min_length=1, max_length=3, pattern="^a")): ...
    def items(i: list[int] = Query(min_length=1)): ...
    def maybe(m: Optional[int] = Query(None, ge=1)): ...

    assert parameter(inclusive).schema == {"type": "number", "minimum": 1, "maximum": 9, "multipleOf": 0.5}
    assert parameter(exclusive).schema == {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 9}
    assert parameter(text).schema == {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a"}
    assert parameter(items).schema == {"type": "array", "items": {"type": "integer"}, "minItems": 1}
    assert parameter(maybe).schema == {"type": "integer", "minimum": 1}


def test_a_limit_that_the_type_does_not_have_is_an_error():
    def function(flag: bool = Query(ge=1)): ...

    with pytest.raises(
        TypeError, match=r"test_markers.py:\d+: .*function: parameter 'flag': ge is 1, expected no ge on"
    ):
        parameter(function)


def test_schema_lies_over_the_schema_of_the_type_and_separator_leaves_it():
    def function(tags: list[str] = Query(schema={"separator": "|", "maxItems": 3})): ...

    only = parameter(function)
    assert only.separator == "|"
    assert only.schema == {"type": "array", "items": {"type": "string"}, "maxItems": 3}


def test_underscores_of_headers_are_dashes_unless_told_otherwise():
    def converted(x_token: Header[str]): ...
    def kept(x_token: str = Header(convert_underscores=False)): ...
    def kept_beside(x_token: Header[str] = Header(convert_underscores=False)): ...
    def named(token: str = Header(alias="X_Token")): ...

    assert parameter(converted).key == "x-token"
    assert parameter(kept).key == "x_token"
    assert parameter(kept_beside).key == "x_token"
    assert parameter(named).key == "x_token"


def test_a_marker_may_stand_in_a_union():
    def function(x_token: Optional[Header[str]] = None): ...

    only = parameter(function)
    assert (only.source, only.required, only.schema) == ("header", False, {"type": "string"})


def test_cookies_and_paths_have_markers_too():
    def cookie(session_id: Cookie[str]): ...
    def path(user: int = Path(alias="user_id", ge=1)): ...

    assert (parameter(cookie).source, parameter(cookie).key) == ("cookie", "session_id")
    only = parameter(path, "/users/{user_id}")
    assert (only.name, only.source, only.key, only.required) == ("user", "path", "user_id", True)


def test_an_alias_that_is_called_like_a_segment_is_no_segment():
    def function(token: str = Header(alias="id")): ...

    assert parameter(function, "/{id}").source == "header"


def test_contradictions_are_errors_that_name_the_parameter():
    def two(x: Query[int] = Header(1)): ...
    def elsewhere(x: Query[int]): ...
    def nowhere(x: Path[int]): ...

    for function, path, message in [
        (two, "/", "parameter 'x': is marked Query and Header|parameter 'x' is marked Query and Header"),
        (elsewhere, "/{x}", "parameter 'x': stands in the path and is marked Query"),
        (nowhere, "/", r"parameter 'x': is marked Path, expected \{x\} in the path"),
    ]:
        with pytest.raises(TypeError, match=message):
            plan(function, path=path, methods=("GET",))


def test_body_and_form_markers_decide_over_the_type():
    def body(amount: Body[int], unit: str): ...
    def form(amount: int = Form(ge=1), unit: str = "cm"): ...

    whole = plan(body, path="/", methods=("POST",))
    assert (whole.body.names, whole.body.kind, whole.body.spread) == (("amount",), "json", False)
    assert [parameter.name for parameter in whole.parameters] == ["unit"]
    fields = plan(form, path="/", methods=("POST",)).body
    assert (fields.names, fields.kind, fields.spread) == (("amount", "unit"), "form", True)
    assert fields.schema["properties"] == {
        "amount": {"type": "integer", "minimum": 1},
        "unit": {"type": "string", "default": "cm"},
    }
