"""Which arguments come from the body: one that is the body, or several that are its fields."""

# ruff: noqa: B008, PLR0917, UP007, UP045  # every spelling is a case

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple, Optional, TypedDict, Union

import annotated_types
import attrs
import msgspec
import pydantic
import pytest

from spikard._signature import plan
from spikard.datastructures import UploadFile
from spikard.params import Body, File, Form, Query


class User(msgspec.Struct):
    name: str


class Model(pydantic.BaseModel):
    name: str
    friends: "list[Model]" = []


@dataclass
class Data:
    name: str


@attrs.define
class Attrs:
    name: str


class Typed(TypedDict):
    name: str


class Named(NamedTuple):
    name: str


@dataclass
class Upload:
    file: UploadFile
    description: str


def signature(function, methods=("POST",), **options):
    return plan(function, path="/", methods=methods, **options)


def body(function, **options):
    return signature(function, **options).body


def of_type(annotation, **options):
    def function(value): ...

    function.__annotations__["value"] = annotation
    return body(function, **options)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (User, b'{"name":"a"}', User("a")),
        (Model, b'{"name":"a"}', Model(name="a")),
        (Data, b'{"name":"a"}', Data("a")),
        (Attrs, b'{"name":"a"}', Attrs("a")),
        (Typed, b'{"name":"a"}', {"name": "a"}),
        (Named, b'["a"]', Named("a")),
        (dict, b'{"name":1}', {"name": 1}),
        (dict[str, int], b'{"name":1}', {"name": 1}),
        (Mapping[str, User], b'{"x":{"name":"a"}}', {"x": User("a")}),
        (list[User], b'[{"name":"a"}]', [User("a")]),
        (list[Model], b'[{"name":"a"}]', [Model(name="a")]),
        (list[dict], b"[{}]", [{}]),
        (Optional[User], b"null", None),
        (Union[Model, None], b'{"name":"a"}', Model(name="a")),
        (Annotated[list[User], annotated_types.Len(1)], b'[{"name":"a"}]', [User("a")]),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_structured_types_and_dicts_are_the_body(annotation, text, value, method):
    found = of_type(annotation, methods=(method,))
    assert (found.names, found.spread, found.kind, found.required) == (("value",), False, "json", True)
    assert found.decode(text) == value


def test_a_structured_type_is_the_body_on_any_method():
    assert of_type(User, methods=("DELETE",)).names == ("value",)


@pytest.mark.parametrize("annotation", [dict, dict[str, Any], Optional[dict], Mapping[str, int], list[dict]])
@pytest.mark.parametrize("methods", [("GET",), ("DELETE",), ("GET", "POST")])
def test_a_dict_elsewhere_is_an_error_that_names_the_parameter(annotation, methods):
    with pytest.raises(TypeError, match="parameter 'value': is a dict, expected one only on POST, PUT, PATCH"):
        of_type(annotation, methods=methods)


def test_values_alone_are_the_fields_of_one_object():
    def create_user(name: str, email: str = Body_free, age: Optional[int] = None, tags: list[str] = []): ...  # noqa: B006

    found = body(create_user)
    assert (found.names, found.spread, found.kind) == (("name", "email", "age", "tags"), True, "json")
    assert found.required
    assert found.exact
    assert found.schema == {
        "title": "create_user_body",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "email": {"type": "string", "default": "a@b.c"},
            "age": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
    }
    made = found.decode(b'{"name":"Ada","age":36}')
    assert (made.name, made.email, made.age, made.tags) == ("Ada", "a@b.c", 36, [])


Body_free = "a@b.c"


def test_fields_have_defaults_aliases_limits_and_types_of_their_own():
    def function(
        day: date,
        user_name: Annotated[str, annotated_types.MinLen(2)],
        tags: list[str] = ["a"],  # noqa: B006
    ): ...

    found = body(function)
    assert found.schema["properties"]["day"] == {"type": "string", "format": "date"}
    assert found.schema["properties"]["user_name"] == {"type": "string", "minLength": 2}
    assert not found.exact
    made = found.decode(b'{"day":"2024-02-29","user_name":"ab"}')
    assert (made.day, made.user_name, made.tags) == (date(2024, 2, 29), "ab", ["a"])
    with pytest.raises(ValueError, match="length >= 2"):
        found.decode(b'{"day":"2024-02-29","user_name":"a"}')


def test_fields_that_speak_to_pydantic_are_read_by_it():
    def function(name: Annotated[str, pydantic.AfterValidator(str.title)], count: int = 1): ...

    found = body(function)
    made = found.decode(b'{"name":"ada"}')
    assert (made.name, made.count) == ("Ada", 1)
    assert found.schema["required"] == ["name"]


def test_without_required_fields_the_body_may_be_absent():
    def function(name: str = "a"): ...

    assert not body(function).required


def test_values_beside_a_body_and_on_other_methods_are_query_parameters():
    def beside(user: User, dry: bool = False): ...
    def alone(name: str): ...

    found = signature(beside)
    assert (found.body.names, [parameter.name for parameter in found.parameters]) == (("user",), ["dry"])
    for methods in [("GET",), ("DELETE",), ("GET", "POST")]:
        found = signature(alone, methods=methods)
        assert found.body is None
        assert [(item.name, item.source) for item in found.parameters] == [("name", "query")]


def test_a_body_with_a_default_may_be_absent():
    def none(user: Optional[User] = None): ...
    def made(user: User = Body(default_factory=lambda: User("x"))): ...

    assert (body(none).required, body(none).default) == (False, None)
    assert body(made).default_factory() == User("x")


def test_two_bodies_are_an_error_that_names_both():
    def structured(a: User, b: Data): ...
    def marked(a: Body[int], b: Body[int]): ...
    def mixed(a: User, b: UploadFile): ...
    def form(a: Form[User], b: int = Form()): ...

    for function in (structured, marked, mixed, form):
        with pytest.raises(TypeError, match="parameter 'b': is a second body beside 'a', expected one body"):
            signature(function)


def test_bytes_marked_or_called_body_are_what_came_over_the_wire():
    def marked(data: Body[bytes]): ...
    def called(body: bytes): ...
    def otherwise(data: bytes): ...

    for function in (marked, called):
        found = body(function)
        assert (found.kind, found.schema, found.decode) == ("bytes", None, None)
    assert body(otherwise).schema["properties"]["data"] == {"type": "string", "contentEncoding": "base64"}


def test_an_argument_of_any_type_called_body_is_the_body():
    def function(body, page: int = 1): ...

    found = signature(function)
    assert (found.body.names, found.body.schema) == (("body",), None)
    assert found.body.decode(b"[1]") == [1]
    assert [parameter.name for parameter in found.parameters] == ["page"]


def test_a_given_schema_is_the_judge_of_whatever_takes_the_body():
    schema = {"type": "object", "properties": {"name": {"type": "string", "format": "email"}}, "required": ["name"]}

    def as_dict(user: dict): ...
    def as_struct(user: User): ...
    def as_anything(user): ...
    def as_fields(name: str): ...
    def unused(): ...

    for function, names, value in [
        (as_dict, ("user",), {"name": "a"}),
        (as_struct, ("user",), User("a")),
        (as_anything, ("user",), {"name": "a"}),
        (unused, (), {"name": "a"}),
    ]:
        found = body(function, body_schema=schema)
        assert (found.names, found.schema, found.exact) == (names, schema, False)
        assert found.decode(b'{"name":"a"}') == value
    assert body(as_fields, body_schema=schema).schema == schema


def test_values_beside_a_file_are_form_fields():
    def function(file: UploadFile, title: str, stars: int = 3, extra: Optional[str] = None): ...

    found = body(function)
    assert (found.kind, found.spread) == ("form", True)
    assert found.schema["properties"]["file"] == {"type": "string", "format": "binary"}
    assert found.schema["required"] == ["file", "title"]
    file = UploadFile("a.txt", b"abc")
    made = found.convert({"file": file, "title": "A", "stars": "5"})
    assert (made.file, made.title, made.stars, made.extra) == (file, "A", 5, None)


def test_several_files_and_files_as_bytes():
    def function(files: list[UploadFile], data: bytes = File(), more: Optional[list[bytes]] = File(None)): ...

    found = body(function)
    first, second = UploadFile("a", b"1"), UploadFile("b", b"2")
    made = found.convert({"files": [first, second], "data": UploadFile("c", b"3"), "more": [first, second]})
    assert (made.files, made.data) == ([first, second], b"3")
    assert made.more == [b"1", b"2"]
    file = {"type": "string", "format": "binary"}
    assert found.schema["properties"] == {
        "files": {"type": "array", "items": file},
        "data": file,
        "more": {"type": "array", "items": file},
    }
    assert found.schema["required"] == ["files", "data"]


def test_bytes_of_a_form_are_its_text():
    def function(data: bytes = Form(), more: Optional[bytes] = Form()): ...

    found = body(function)
    assert found.schema["properties"] == {"data": {"type": "string"}, "more": {"type": "string"}}
    assert found.schema["required"] == ["data"]
    assert found.convert({"data": "a\u00e9"}).data == "a\u00e9".encode()


def test_file_params_name_the_files():
    def function(avatar, papers, note: str = ""): ...

    options = {"avatar": {"optional": True}, "papers": {"type": "array"}}
    found = body(function, file_params=options)
    assert found.schema["required"] == ["papers"]
    file = UploadFile("a", b"1")
    made = found.convert({"papers": [file]})
    assert (made.avatar, made.papers) == (None, [file])
    with pytest.raises(TypeError, match="file_params names 'absent', expected an argument for it"):
        body(function, file_params=["absent"])


def test_a_structured_type_with_a_file_is_a_form():
    found = of_type(Upload)
    assert (found.kind, found.spread) == ("form", False)
    file = UploadFile("a", b"1")
    assert found.convert({"file": file, "description": "d"}) == Upload(file, "d")


def test_a_model_with_a_file_is_a_form():
    class WithFile(pydantic.BaseModel, arbitrary_types_allowed=True):
        file: UploadFile
        count: int

    found = of_type(WithFile)
    file = UploadFile("a", b"1")
    assert found.kind == "form"
    assert found.schema["$defs"]["WithFile"]["properties"]["file"]["format"] == "binary"
    assert found.convert({"file": file, "count": "3"}) == WithFile(file=file, count=3)


def test_a_form_may_be_a_structured_type():
    assert of_type(Form[User]).kind == "form"
    assert of_type(Form[User]).convert({"name": "a"}) == User("a")


def test_path_params_or_query_params_make_the_raw_form():
    def handler(
        path_params: dict, query_params: dict, body: dict, headers: dict, cookies: dict, method: str, path: str
    ): ...
    def ordinary(body: dict, headers: str, method: str): ...

    found = signature(handler)
    names = ("path_params", "query_params", "headers", "cookies", "method", "path")
    assert (found.raw, found.raw_names, found.parameters) == (True, names, ())
    assert (found.body.names, found.body.required) == (("body",), False)
    found = signature(ordinary)
    assert not found.raw
    assert [parameter.name for parameter in found.parameters] == ["headers", "method"]


def test_the_raw_form_is_checked_by_the_schemas_that_are_given():
    def handler(query_params, body): ...

    schema = {"type": "object"}
    found = signature(handler, body_schema=schema, parameter_schema={"properties": {"x-n": {"type": "integer"}}})
    assert found.body.schema == schema
    assert found.parameters == ()
    (group,) = found.groups
    assert (group.name, group.make) == ("query_params", None)
    assert [(item.name, item.key, item.required) for item in group.parameters] == [("x-n", "x-n", True)]


def test_what_the_raw_form_does_not_take_is_checked_all_the_same():
    def handler(query_params): ...

    schema = {"properties": {"X-Token": {"type": "string", "source": "header"}}}
    (group,) = signature(handler, parameter_schema=schema).groups
    assert group.name is None
    assert group.parameters[0].key == "x-token"


def test_what_is_provided_is_left_out():
    class Pool: ...

    def function(pool: Pool, name: str, settings: dict): ...

    with pytest.raises(TypeError, match="parameter 'pool': Pool has no JSON Schema"):
        signature(function, provided=lambda name, _: name == "settings")
    found = signature(function, provided=lambda name, annotation: annotation is Pool or name == "settings")
    assert found.injected == (("pool", Pool), ("settings", dict))
    assert found.body.names == ("name",)


def test_a_request_without_annotation_is_the_request():
    def function(request, name: str = ""): ...
    def ordinary(request: str): ...

    assert signature(function).request == "request"
    assert signature(ordinary).request is None


def test_what_no_request_can_fill_is_an_error():
    def positional(name, /): ...
    def marked(x: Annotated[int, Query(), Form()]): ...

    with pytest.raises(TypeError, match="parameter 'name' is positional-only"):
        signature(positional)
    with pytest.raises(TypeError, match="parameter 'x' is marked Query and Form, expected one of them"):
        signature(marked)


def test_a_method_and_a_partial_application_are_read_without_what_is_bound():
    import functools

    class Service:
        def create(self, name: str): ...

    def function(name: str, pool: object): ...

    assert body(Service().create).names == ("name",)
    assert body(functools.partial(function, pool=1)).names == ("name",)
