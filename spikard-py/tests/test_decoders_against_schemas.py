"""Decoder and schema of a type, held against each other over mutated bodies.

Where a decoder is trusted, it must take nothing that the schema refuses; and whatever the schema takes,
the decoder of every type here must take too.
"""

# ruff: noqa: UP007  # 3.10 reads its types too

import copy
import json
import random
from typing import Any, Union

import jsonschema
import pytest
from test_decoders import Cat, Dog, Inner, Level, Model, Strict

from spikard._codecs import codec

ODD = [
    *(None, True, False, 0, 1, -1, 2, 8, 9, 10, 11, 1.0, 2.0, 1.5, -0.0, 1e15, 1e16, 1e300, 5e-324),
    *(2**53 - 1, 2**53 + 1, 2**63, 2**64, -(2**70), 10**16 + 1),
    *("", "a", "b", "ab", "abc", "abcd", "\U0001f600\U0001f600\U0001f600", "e\u0301", "YQ==", "Y", "1", "Cat", "Dog"),
    *([], [1], [1, "a"], ["a", 1], [1, "a", 2], [{"count": 1}], {}, {"count": 1}, {"a": True, "b": False, "c": True}),
]
STRICT = {
    "name": "ab",
    "number": 2,
    "price": 1.5,
    "level": 1,
    "kind": "a",
    "inner": {"count": 1},
    "either": 1,
    "pair": [1, "a"],
    "table": {"x": True},
    "data": "YQ==",
    "items": [{"count": 2}],
}
MODEL = {"name": "ab", "count": 2, "ratio": 1.5, "kind": "b", "tags": ["x"], "parent": None}
VALID = [
    (Strict, {**STRICT, "again": STRICT}),
    (list[Inner], [{"count": 1}, {"count": 2}]),
    (Union[Cat, Dog], {"type": "Cat", "lives": 9}),
    (dict[str, Level], {"a": 1, "b": 2}),
    (Model, {**MODEL, "parent": MODEL}),
    (list[Model], [MODEL]),
]


def places(value: Any, at: tuple[Any, ...] = ()):
    yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from places(item, (*at, key))


def mutated(value: Any, chance: random.Random) -> Any:
    value = copy.deepcopy(value)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        at = chance.choice(list(places(value)))
        if not at:
            value = chance.choice([copy.deepcopy(chance.choice(ODD)), value])
            continue
        parent = value
        for key in at[:-1]:
            parent = parent[key]
        match chance.randrange(4):
            case 0:
                del parent[at[-1]]
            case 1 if isinstance(parent, dict):
                parent[chance.choice(["extra", "count", "type"])] = copy.deepcopy(chance.choice(ODD))
            case 1:
                parent.append(copy.deepcopy(chance.choice(ODD)))
            case _:
                parent[at[-1]] = copy.deepcopy(chance.choice(ODD))
    return value


def takes(decode: Any, value: Any) -> bool:
    try:
        decode(json.dumps(value).encode())
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("annotation", "valid"), VALID, ids=[str(annotation) for annotation, _ in VALID])
def test_the_decoder_takes_what_the_schema_takes_and_nothing_else(annotation, valid):
    found = codec(annotation)
    judge = jsonschema.Draft202012Validator(found.schema)
    chance = random.Random(20261121)
    assert found.is_exact
    assert takes(found.decode, valid)
    outcomes = set()
    for _ in range(4000):
        value = mutated(valid, chance)
        expected = judge.is_valid(value)
        outcomes.add(expected)
        # Base64 is an annotation to JSON Schema; the decoder reads it.
        if expected and _has_bad_base64(value):
            continue
        assert takes(found.decode, value) == expected, value
    assert outcomes == {True, False}


def _has_bad_base64(value: Any) -> bool:
    return isinstance(value, dict) and (
        value.get("data") not in ("", "YQ==", "abcd")
        or any(_has_bad_base64(value[key]) for key in ("again",) if value.get(key))
    )
