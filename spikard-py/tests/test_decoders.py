"""Decoders make the annotated type of a body, and are trusted only where they refuse what the schema refuses."""

# ruff: noqa: UP007, UP045  # every spelling is a case

import datetime
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union

import annotated_types
import attrs
import msgspec
import pydantic
import pytest
from msgspec import Meta

from spikard._codecs import codec, untyped


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Lenient(enum.Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value):
        return cls.A


class Inner(msgspec.Struct):
    count: int


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=3)]
    number: Annotated[int, Meta(ge=1, lt=9, multiple_of=2)]
    price: Annotated[float, Meta(gt=0, le=1e15)]
    level: Level
    kind: Literal["a", "b"]
    inner: Optional[Inner]
    either: Union[int, str, list[int], None]
    pair: tuple[int, str]
    table: Annotated[dict[str, bool], Meta(max_length=2)]
    data: bytes
    anything: Any = None
    items: Annotated[list[Inner], Meta(min_length=1)] = msgspec.field(default_factory=lambda: [Inner(1)])
    again: Optional["Strict"] = None


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    bones: int


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    name: Annotated[str, pydantic.Field(min_length=1, title="Name")]
    count: int = pydantic.Field(ge=1, le=10)
    ratio: float
    kind: Literal["a", "b"] = "a"
    tags: list[str] = pydantic.Field(default_factory=list, max_length=2)
    parent: Optional["Model"] = None

    @pydantic.field_validator("name")
    @classmethod
    def check(cls, value):
        if value == "root":
            raise ValueError("is taken")
        return value


def model(**fields):
    return pydantic.create_model("Made", **fields)


def configured(**config):
    return pydantic.create_model("Made", __config__=config, value=(str, ...))


class WithExtra(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(json_schema_extra={"maxProperties": 1})
    name: str


class WithOwnSchema(pydantic.BaseModel):
    name: str

    @classmethod
    def __get_pydantic_json_schema__(cls, core, handler):
        return {"type": "object", "maxProperties": 1}


@dataclass
class Limited:
    name: Annotated[str, annotated_types.MinLen(1)]


@attrs.define
class Attrs:
    count: int


class HoldsModel(msgspec.Struct):
    model: Model


@pytest.mark.parametrize("annotation", [Strict, list[Strict], Union[Cat, Dog], Model, list[Model], Optional[Model]])
def test_types_whose_every_keyword_the_decoder_enforces_are_exact(annotation):
    assert codec(annotation).is_exact


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Meta(pattern="^a$")],
        uuid.UUID,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        Decimal,
        Annotated[float, Meta(multiple_of=0.1)],
        Annotated[float, Meta(le=1e16)],
        set[int],
        Union[int, float],
        Union[float, Level],
        dict[Annotated[str, Meta(min_length=2)], int],
        Annotated[int, Meta(extra_json_schema={"minimum": 1})],
        Annotated[bytes, Meta(min_length=1)],
        Lenient,
        Limited,
        HoldsModel,
        model(value=(Literal[1], ...)),
        model(value=(Level, ...)),
        model(value=(datetime.datetime, ...)),
        model(value=(Decimal, ...)),
        model(value=(Annotated[str, pydantic.BeforeValidator(str)], ...)),
        model(value=(Annotated[str, pydantic.WithJsonSchema({"type": "integer"})], ...)),
        model(value=(str, pydantic.Field(json_schema_extra={"maxLength": 1}))),
        model(value=(str, pydantic.Field(validation_alias=pydantic.AliasChoices("a", "b")))),
        configured(str_strip_whitespace=True),
        configured(populate_by_name=True),
        configured(coerce_numbers_to_str=True),
        WithExtra,
        WithOwnSchema,
    ],
)
def test_whatever_is_not_certain_is_not_exact(annotation):
    assert not codec(annotation).is_exact


def test_a_given_schema_is_never_trusted_to_a_decoder():
    assert not codec(Strict, {"type": "object"}).is_exact
    assert not untyped({"type": "object"}).is_exact
    assert untyped(None).is_exact


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, b"true"),
        (int, b'"1"'),
        (int, b"1.5"),
        (Level, b"true"),
        (Literal[1], b"true"),
        (Inner, b'{"count":true}'),
        (Model, b'{"name":"a","count":"1","ratio":1}'),
        (Model, b'{"name":"a","count":true,"ratio":1}'),
        (Model, b'{"name":"a","count":1,"ratio":"1"}'),
        (Model, b'{"name":1,"count":1,"ratio":1}'),
    ],
)
def test_no_type_is_taken_for_another(annotation, text):
    with pytest.raises(ValueError, match=r"."):
        codec(annotation).decode(text)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, b"1.0", 1),
        (int, b"1e2", 100),
        (int, b"-0.0", 0),
        (Optional[int], b"3.00", 3),
        (list[int], b"[1.0, 2]", [1, 2]),
        (Level, b"2.0", Level.HIGH),
        (dict[str, int], b'{"a":1.0}', {"a": 1}),
        (tuple[int, float], b"[1.0,2.0]", (1, 2.0)),
        (Inner, b'{"count":5.0}', Inner(5)),
        (list[Inner], b'[{"count":5.0}]', [Inner(5)]),
        (Union[Cat, Dog], b'{"type":"Dog","bones":2.0}', Dog(2)),
        (Model, b'{"name":"a","count":1.0,"ratio":2.0}', Model(name="a", count=1, ratio=2.0)),
        (HoldsModel, b'{"model":{"name":"a","count":1.0,"ratio":1}}', HoldsModel(Model(name="a", count=1, ratio=1))),
    ],
)
def test_a_number_without_fraction_is_an_integer_however_it_is_written(annotation, text, value):
    decoded = codec(annotation).decode(text)
    assert decoded == value
    assert repr(decoded) == repr(value)


@pytest.mark.parametrize("text", [b"1.00000000000000000001", b"9007199254740993.5", b"1e-400", b"1e999999999"])
def test_a_number_with_a_fraction_is_none_though_a_double_has_lost_it(text):
    with pytest.raises(ValueError, match=r"Expected `int`|out of range"):
        codec(int).decode(text)
    assert codec(list[int]).decode(b"[12345678901234567890123.0, 1.50e1, 1E+2]") == [12345678901234567890123, 15, 100]


def test_a_second_try_leaves_other_numbers_as_they_are():
    class Mixed(msgspec.Struct):
        count: int
        price: Decimal
        ratio: float

    decoded = codec(Mixed).decode(b'{"count":1.0,"price":"1.50","ratio":0.1}')
    assert repr(decoded) == "Mixed(count=1, price=Decimal('1.50'), ratio=0.1)"


def test_only_what_the_schema_wants_as_integer_becomes_one():
    class Mixed(msgspec.Struct):
        count: int
        ratio: float
        anything: Any
        either: Union[float, str]

    decoded = codec(Mixed).decode(b'{"count":1.0,"ratio":2.0,"anything":3.0,"either":4.0}')
    assert repr(decoded) == "Mixed(count=1, ratio=2.0, anything=3.0, either=4.0)"


def test_what_is_refused_twice_is_refused_for_what_was_sent():
    with pytest.raises(msgspec.ValidationError, match="Expected `int`, got `float`"):
        codec(list[int]).decode(b"[1.0, 1.5]")
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `str` - at `\$.count`"):
        codec(Inner).decode(b'{"count":"1.0"}')
    with pytest.raises(msgspec.DecodeError):
        codec(Inner).decode(b'{"count":1.0')


def test_a_decoder_that_wants_no_integers_is_called_as_it_is():
    assert type(codec(list[str]).decode).__name__ == "builtin_function_or_method"


def test_validators_of_a_model_refuse_with_their_own_words():
    with pytest.raises(pydantic.ValidationError, match="is taken"):
        codec(Model).decode(b'{"name":"root","count":1,"ratio":1}')


@pytest.mark.parametrize("annotation", [Inner, Limited, Attrs, HoldsModel])
def test_text_of_a_form_is_taken_for_what_it_stands_for(annotation):
    text = {"count": "3", "name": "a", "ratio": "1.5"}
    made = codec(annotation).convert({"model": text} if annotation is HoldsModel else text)
    assert isinstance(made, annotation)
    assert getattr(getattr(made, "model", made), "count", 3) == 3
