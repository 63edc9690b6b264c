"""What a handler returns as JSON: the same bytes with orjson and without, models by their own rules."""

# ruff: noqa: UP045  # every spelling is a case

import datetime
import enum
import subprocess
import sys
import types
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Optional

import attrs
import msgspec
import pydantic
import pytest

from spikard import _encoding
from spikard._codecs import encode, encoder
from spikard._schemas import schema_of


class Color(enum.Enum):
    RED = "red"


class Text(str): ...


class Number(int): ...


class Table(dict): ...


class Item(msgspec.Struct, rename="camel"):
    unit_price: int


@dataclass
class Data:
    name: str
    item: Item


@attrs.define
class Attrs:
    name: str


class Named(NamedTuple):
    left: int
    right: int


class Model(pydantic.BaseModel):
    count: int = pydantic.Field(alias="Count")
    at: Optional[datetime.datetime] = None


MOMENT = datetime.datetime(2024, 2, 29, 10, 30, tzinfo=datetime.timezone.utc)
VALUES = [
    (None, b"null"),
    ('a\u00e9\u2028\x00"\\/', '"a\u00e9\u2028\\u0000\\"\\\\/"'.encode()),
    ([1.5, 1e-7, -0.0, float("nan"), float("inf")], b"[1.5,1e-7,-0.0,null,null]"),
    ({"big": 2**70}, b'{"big":1180591620717411303424}'),
    (Text("a"), b'"a"'),
    (Number(7), b"7"),
    (Table(a=Text("b")), b'{"a":"b"}'),
    (types.MappingProxyType({"a": 1}), b'{"a":1}'),
    ({1: "a", Color.RED: 2}, b'{"1":"a","red":2}'),
    (MOMENT, b'"2024-02-29T10:30:00Z"'),
    (datetime.date(2024, 2, 29), b'"2024-02-29"'),
    (datetime.timedelta(days=1, seconds=2), b'"P1DT2S"'),
    (uuid.UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    (Decimal("1.50"), b'"1.50"'),
    (Color.RED, b'"red"'),
    (b"a", b'"YQ=="'),
    ({1}, b"[1]"),
    ((1, "a"), b'[1,"a"]'),
    (Item(3), b'{"unitPrice":3}'),
    (Data("a", Item(3)), b'{"name":"a","item":{"unitPrice":3}}'),
    (Attrs("a"), b'{"name":"a"}'),
    (Named(1, 2), b"[1,2]"),
    (Model(Count=3, at=MOMENT), b'{"Count":3,"at":"2024-02-29T10:30:00Z"}'),
    ([Model(Count=3)], b'[{"Count":3,"at":null}]'),
]


@pytest.mark.parametrize(("value", "text"), VALUES, ids=[repr(value) for value, _ in VALUES])
def test_every_value_is_written_alike_by_itself_in_a_dict_and_by_each_library(value, text):
    assert encode(value) == text
    assert encode({"value": value}) == b'{"value":' + text + b"}"
    assert encode([value]) == b"[" + text + b"]"
    assert _encoding.encode_by_msgspec([value]) == b"[" + text + b"]"
    assert encoder(type(value))(value) == text


def test_what_is_written_fits_the_schema_of_the_answer():
    assert set(msgspec.json.decode(encode(Model(Count=1)))) == set(
        schema_of(Model, "serialization")["$defs"]["Model"]["properties"]
    )


def test_what_has_no_json_is_an_error_that_names_the_type():
    for value in (object(), {"a": object()}, [Item(object())]):
        with pytest.raises(TypeError, match="object cannot be written as JSON"):
            encode(value)


def test_neither_orjson_nor_pydantic_nor_attrs_is_imported_for_a_handler_without_them():
    program = """
import sys
sys.modules["orjson"] = None
from spikard._signature import plan
import msgspec
class Item(msgspec.Struct):
    name: str
def function(item: Item, page: int = 1) -> Item: ...
found = plan(function, path="/", methods=("POST",))
assert found.body.decode(b'{"name":"a"}') == Item("a")
assert found.encode({"a": [1, Item("b")]}) == b'{"a":[1,{"name":"b"}]}'
print([name for name in ("pydantic", "attr", "attrs", "annotated_types") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "[]\n"
