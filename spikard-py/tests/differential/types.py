"""An application with a route for every kind of body, each of which answers what it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from uuid import UUID

import attrs
import pydantic
from msgspec import Meta, Struct
from typing_extensions import NotRequired, TypedDict

from spikard import Spikard

app = Spikard()


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Scalars(Struct):
    i: int
    f: float
    b: bool
    s: str
    n: None = None


class Bounds(Struct):
    a: Annotated[int, Meta(ge=1, le=9)]
    b: Annotated[int, Meta(gt=-5, lt=5)]
    c: Annotated[float, Meta(ge=0.5, lt=2.5)]
    d: Annotated[int, Meta(multiple_of=3)] = 3
    e: Annotated[float, Meta(multiple_of=0.5)] = 0.5


class Texts(Struct):
    a: Annotated[str, Meta(min_length=2, max_length=4)]
    b: Annotated[str, Meta(pattern="^[a-c]+$")]
    c: Annotated[str, Meta(pattern=r"\d")] = "1"
    d: Annotated[str, Meta(pattern="^x", max_length=3)] = "x"


class Times(Struct):
    d: date
    t: datetime
    h: time
    p: timedelta


class Others(Struct):
    u: UUID
    m: Decimal
    x: bytes = b""


class Choices(Struct):
    c: Colour
    k: Level
    a: Literal["p", "q"]
    z: Literal[1, 2, 3] = 1


class Inner(Struct, forbid_unknown_fields=True):
    n: int
    s: str = ""


class Nested(Struct):
    one: Inner
    many: Annotated[list[Inner], Meta(max_length=3)] = []
    by_key: dict[str, Inner] = {}
    maybe: Optional[Inner] = None


class Renamed(Struct, rename="camel", forbid_unknown_fields=True):
    first_name: str
    last_name: str = ""


class Unions(Struct):
    a: Union[int, str]
    b: Union[float, bool, None] = None
    c: Union[list[int], str] = ""
    d: Union[int, float] = 0


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    name: str


class Tagged(Struct):
    pet: Union[Cat, Dog]


class Containers(Struct):
    a: list[int]
    b: set[int] = set()
    c: tuple[int, str] = (0, "")
    d: tuple[int, ...] = ()
    e: frozenset[str] = frozenset()
    f: dict[str, list[float]] = {}
    g: Annotated[dict[str, int], Meta(max_length=2)] = {}


class Tree(Struct):
    value: int
    children: list[Tree] = []


class Pair(Struct, array_like=True):
    a: int
    b: str = ""


@dataclass
class Data:
    a: int
    b: list[str] = field(default_factory=list)
    c: Optional[Inner] = None


class Dict(TypedDict):
    a: int
    b: NotRequired[str]


class Named(NamedTuple):
    a: int
    b: str = ""


@attrs.define
class Attrs:
    a: int
    b: Optional[str] = None


class Model(pydantic.BaseModel):
    a: int
    b: Annotated[str, pydantic.Field(min_length=2, pattern="^[a-c]+$")]
    c: float = 0.0
    d: Optional[bool] = None
    e: list[Annotated[int, pydantic.Field(ge=0)]] = []
    f: Colour = Colour.RED


class StrictModel(pydantic.BaseModel, extra="forbid"):
    d: date
    t: datetime
    u: UUID
    m: Decimal = Decimal(1)
    b: set[int] = set()
    c: Union[int, str] = 0


class Parent(pydantic.BaseModel):
    one: StrictModel
    many: dict[str, Model] = {}


TYPES: dict[str, Any] = {
    each.__name__: each
    for each in (
        Scalars,
        Bounds,
        Texts,
        Times,
        Others,
        Choices,
        Nested,
        Renamed,
        Unions,
        Tagged,
        Containers,
        Tree,
        Pair,
        Data,
        Dict,
        Named,
        Attrs,
        Model,
        StrictModel,
        Parent,
    )
}
TYPES |= {"list": list[int], "dict": dict[str, int], "optional": Optional[Inner], "union": Union[Inner, list[int]]}
GIVEN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "format": "email"},
        "size": {"enum": ["s", "m", 1]},
        "list": {"type": "array", "uniqueItems": True, "items": {"type": "integer"}, "contains": {"const": 1}},
        "both": {"allOf": [{"minimum": 2}, {"multipleOf": 0.1}]},
    },
    "required": ["email"],
    "if": {"required": ["size"]},
    "then": {"required": ["list"]},
    "additionalProperties": False,
}
SAMPLES = {"^[a-c]+$": ["abc", "aa"], r"\d": ["a1", "1"], "^x": ["x", "xyz"]}
"""Texts that fit the patterns above."""


def add_route(name: str, kind: Any) -> None:
    async def echo(body: Any) -> Any:
        return None

    echo.__annotations__ = {"body": kind, "return": Any}
    app.post(f"/{name}")(echo)


for _name, _kind in TYPES.items():
    add_route(_name, _kind)


@app.post("/given", body_schema=GIVEN)
async def given(body: dict[str, Any]) -> None:
    return None


@app.post("/fields")
async def fields(a: int, b: Annotated[str, Meta(min_length=1)], c: Optional[float] = None) -> None:
    return None
