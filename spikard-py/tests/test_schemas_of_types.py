"""The JSON Schema of a type says all that is known of it, and stands alone."""

# ruff: noqa: UP045  # every spelling is a case

import datetime
import enum
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypedDict, TypeVar

import annotated_types
import attrs
import msgspec
import pydantic
import pytest

from spikard._schemas import described, schema_of
from spikard.datastructures import UploadFile

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"


class Model(pydantic.BaseModel):
    """A model."""

    count: int = pydantic.Field(gt=0, alias="Count")
    children: "list[Model]" = []


class Item(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    unit_price: Annotated[Decimal, msgspec.Meta(description="in euros")]
    placed_at: datetime.datetime
    model: Model
    sizes: Annotated[list[int], annotated_types.Len(1, 3)]
    color: Color = Color.RED
    parent: Optional["Item"] = None


@dataclass
class Data:
    name: Annotated[str, annotated_types.MinLen(1)]
    sizes: list[int] = field(default_factory=list)


@attrs.define
class Attrs:
    name: Annotated[str, annotated_types.MaxLen(3)] = "a"


class Typed(TypedDict, total=False):
    count: Annotated[int, annotated_types.Interval(ge=1, lt=9)]


class Named(NamedTuple):
    left: int
    right: Annotated[int, annotated_types.Gt(0)] = 1


class Page(msgspec.Struct, Generic[T]):
    items: list[T]


DATE_TIME = {"type": "string", "format": "date-time"}
DECIMAL = {
    "type": "string",
    "format": "decimal",
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?$",
}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (str, {"type": "string"}),
        (bytes, {"type": "string", "contentEncoding": "base64"}),
        (Decimal, DECIMAL),
        (uuid.UUID, {"type": "string", "format": "uuid"}),
        (datetime.date, {"type": "string", "format": "date"}),
        (datetime.datetime, DATE_TIME),
        (datetime.time, {"type": "string", "format": "time"}),
        (Annotated[datetime.datetime, msgspec.Meta(tz=False)], {"type": "string"}),
        (datetime.timedelta, {"type": "string", "format": "duration"}),
        (Literal["b", "a"], {"type": "string", "enum": ["b", "a"]}),
        (Literal["a", 1], {"type": ["integer", "string"], "enum": ["a", 1]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[datetime.datetime], {"type": "array", "items": DATE_TIME}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (dict[str, Decimal], {"type": "object", "additionalProperties": DECIMAL}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "items": False,
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            Annotated[Optional[int], annotated_types.Ge(1)],
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        ),
        (Annotated[str, msgspec.Meta(pattern="^a", max_length=3)], {"type": "string", "pattern": "^a", "maxLength": 3}),
        (list[Annotated[str, annotated_types.Len(2)]], {"type": "array", "items": {"type": "string", "minLength": 2}}),
        (Annotated[int, pydantic.Field(gt=0)], {"type": "integer", "exclusiveMinimum": 0}),
        (UploadFile, {"type": "string", "format": "binary"}),
        (Any, {}),
    ],
)
def test_the_schema_of_a_value(annotation, schema):
    assert schema_of(annotation) == schema


def test_a_struct_has_its_names_limits_descriptions_and_all_that_it_refers_to():
    schema = schema_of(list[Item])
    item = schema["$defs"]["Item"]
    assert schema["items"] == {"$ref": "#/$defs/Item"}
    assert item["additionalProperties"] is False
    assert item["required"] == ["unitPrice", "placedAt", "model", "sizes"]
    assert item["properties"] == {
        "unitPrice": {**DECIMAL, "description": "in euros"},
        "placedAt": DATE_TIME,
        "model": {"$ref": "#/$defs/Model"},
        "sizes": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        "color": {"$ref": "#/$defs/Color", "default": "red"},
        "parent": {"anyOf": [{"$ref": "#/$defs/Item"}, {"type": "null"}], "default": None},
    }
    assert schema["$defs"]["Color"] == {"title": "Color", "type": "string", "enum": ["red"]}
    assert schema["$defs"]["Model"]["properties"]["Count"]["exclusiveMinimum"] == 0


@pytest.mark.parametrize(
    ("annotation", "name", "schema"),
    [
        (Data, "name", {"type": "string", "minLength": 1}),
        (Attrs, "name", {"type": "string", "maxLength": 3, "default": "a"}),
        (Typed, "count", {"type": "integer", "minimum": 1, "exclusiveMaximum": 9}),
    ],
)
def test_limits_of_annotated_types_are_in_the_schema_of_every_class(annotation, name, schema):
    found = described(annotation)
    assert found.schema["$defs"][annotation.__name__]["properties"][name] == schema
    assert not found.is_enforced, "msgspec does not know of them"


def test_a_named_tuple_is_an_array():
    named = schema_of(Named)["$defs"]["Named"]
    assert named["type"] == "array"
    assert named["prefixItems"] == [{"type": "integer"}, {"type": "integer", "exclusiveMinimum": 0, "default": 1}]


def test_generic_classes_have_their_arguments():
    schema = schema_of(Page[Data])
    assert schema["$defs"]["Data"]["properties"]["name"]["minLength"] == 1


def test_a_model_stands_alone_in_both_directions():
    schema = schema_of(Model)
    assert schema["$defs"]["Model"]["required"] == ["Count"]
    assert schema_of(Optional[Model])["anyOf"][1] == {"type": "null"}

    class Computed(pydantic.BaseModel):
        @pydantic.computed_field
        def double(self) -> int:
            return 2

    assert "double" not in schema_of(Computed)["$defs"]["Computed"]["properties"]
    assert "double" in schema_of(Computed, "serialization")["$defs"]["Computed"]["properties"]


def test_two_models_of_one_name_in_a_struct_are_an_error():
    def other():
        class Model(pydantic.BaseModel):
            others: "list[Model]"

        return Model

    both = msgspec.defstruct("both", [("first", Model), ("second", other())])
    with pytest.raises(TypeError, match="Model is the name of two models, expected one"):
        schema_of(both)


def test_a_struct_may_hold_a_model_of_its_own_name():
    both = msgspec.defstruct("Attributes", [("inner", pydantic.create_model("Attributes", count=int))])
    assert schema_of(both)["$defs"]["Attributes"]["properties"]["inner"]["properties"]["count"]["type"] == "integer"


def test_a_model_that_is_read_as_it_is_written_has_one_schema():
    class Defaults(pydantic.BaseModel):
        required: int = 1

    assert schema_of(list[Defaults], "serialization") == schema_of(list[Defaults])


class Unknown: ...


def test_a_type_of_which_nothing_is_known_is_an_error():
    for annotation in (Unknown, list[Unknown], msgspec.defstruct("Holder", [("value", Unknown)])):
        with pytest.raises(TypeError, match="Unknown has no JSON Schema"):
            schema_of(annotation)
