"""Values that fit a JSON Schema, and values that nearly do. Nothing here knows what a server makes of them."""

# ruff: noqa: E501

from __future__ import annotations

import copy
from random import Random
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 1.0, -0.0, 0.1, 1.5, 3.0, 1e2, 1e300, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30,
    "", " ", "a", "abc", "abc\n", "\nabc", "ABC", "é", "e\u0301", "\U0001f600", "\u0663", "1", "1.0", "1.50", "-1", "1e2", "true", "null", "NaN", "\x00",
    "2026-02-28", "2026-02-29", "2026-2-8", "20260228", "2026-02-28\n",
    "2026-02-28T03:04:05Z", "2026-02-28t03:04:05z", "2026-02-28T03:04:05", "2026-02-28 03:04:05Z", "2026-02-28T03:04:05+01:00", "2026-02-28T03:04:05.123456789Z",
    "2026-02-28T24:00:00Z", "2026-02-28T23:59:60Z", "2026-02-28T03:04:05+0100", "2026-02-28T03:04Z",
    "03:04:05", "03:04:05Z", "03:04:05.5+01:00", "3:04:05Z", "25:00:00Z",
    "P1D", "PT1H30M", "P1W", "P", "PT", "1D", "P1Y", "-P1D", "PT0.5S", "P1DT",
    "6f9619ff-8b86-d011-b42d-00c04fc964ff", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff8b86d011b42d00c04fc964ff", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}",
    "a@example.com", "a@", "a b@example.com", "YWJj", "YWJ", "YW Jj", "red", "blue", "RED",
    [], [1], ["a"], [None], [[]], [1, 1], ["a", "a"], {}, {"a": 1}, {"": None}, {"type": "x"},
]  # fmt: skip
"""What is put in the place of a value."""

_FORMATS = {
    "date": ["2026-02-28", "1999-12-31"],
    "date-time": ["2026-02-28T03:04:05Z", "2026-02-28T03:04:05.25+01:00"],
    "time": ["03:04:05Z", "23:59:59+01:00"],
    "duration": ["P1D", "PT1H30M"],
    "uuid": ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "00000000-0000-4000-8000-000000000000"],
    "email": ["a@example.com", "b.c@example.org"],
    "decimal": ["1.50", "-3"],
}


class Generator:
    """Makes values for one schema."""

    def __init__(self, schema: Any, samples: dict[str, list[str]], seed: int) -> None:
        self._schema = schema
        self._samples = samples
        self._random = Random(seed)

    def bodies(self, count: int) -> list[Any]:
        """Values of which about a third fit, and the others were changed in one place or in two."""
        made = []
        for number in range(count):
            value = self._value(self._schema)
            for _ in range(number % 3):
                value = self._changed(value)
            made.append(value)
        return made

    def _value(self, schema: Any, depth: int = 0) -> Any:  # noqa: PLR0911
        pick = self._random.choice
        if schema is True or schema == {}:
            return pick(ODD)
        if "$ref" in schema:
            target: Any = self._schema
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            return self._value(target, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return pick(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                branches = [each for each in schema[key] if depth < 6 or "$ref" not in each] or schema[key]
                return self._value(pick(branches), depth + 1)
        if "allOf" in schema:
            return self._value({key: part for each in schema["allOf"] for key, part in each.items()}, depth + 1)
        kind = schema.get("type")
        kind = pick(kind) if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}")(schema, depth) if kind else pick(ODD)

    def _object(self, schema: Any, depth: int) -> Any:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        keys = [key for key in properties if key in required or (depth < 6 and self._random.random() < 0.6)]
        value = {key: self._value(properties[key], depth + 1) for key in keys}
        more = schema.get("additionalProperties", True)
        if more is not False and depth < 6 and self._random.random() < 0.4:
            for number in range(self._random.randint(1, 3)):
                value[f"k{number}"] = self._value(more, depth + 1)
        return value

    def _array(self, schema: Any, depth: int) -> Any:
        first = [self._value(each, depth + 1) for each in schema.get("prefixItems", [])]
        least = max(schema.get("minItems", 0) - len(first), 0)
        most = min(schema.get("maxItems", least + 3) - len(first), least + 3) if depth < 6 else least
        if schema.get("items") is False:
            return first
        return first + [
            self._value(schema.get("items", True), depth + 1)
            for _ in range(self._random.randint(least, max(most, least)))
        ]

    def _string(self, schema: Any, depth: int) -> Any:
        if "pattern" in schema:
            return self._random.choice(self._samples.get(schema["pattern"], ["a", "abc", "1"]))
        if "format" in schema:
            return self._random.choice(_FORMATS.get(schema["format"], ["a"]))
        if "contentEncoding" in schema:
            return "YWJj"
        least = schema.get("minLength", 0)
        length = self._random.choice([least, schema.get("maxLength", least + 3)])
        return "".join(self._random.choice("abcé\U0001f600 ") for _ in range(length))

    def _integer(self, schema: Any, depth: int) -> Any:
        return int(self._number(schema, depth) // 1)

    def _number(self, schema: Any, depth: int) -> Any:
        step = schema.get("multipleOf", 1)
        least = schema.get("minimum", schema.get("exclusiveMinimum", -10) + ("exclusiveMinimum" in schema) * step)
        most = schema.get("maximum", schema.get("exclusiveMaximum", least + 20) - ("exclusiveMaximum" in schema) * step)
        value = self._random.choice([least, most, (least + most) / 2])
        return value // step * step if "multipleOf" in schema else value

    def _boolean(self, schema: Any, depth: int) -> Any:
        return self._random.random() < 0.5

    def _null(self, schema: Any, depth: int) -> Any:
        return None

    def _changed(self, value: Any) -> Any:
        """The value with a change somewhere inside."""
        places = list(_places(value))
        path = self._random.choice(places)
        if not path:
            return self._instead(value)
        changed = copy.deepcopy(value)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        last = path[-1]
        action = self._random.random()
        if action < 0.2:
            del parent[last]
        elif action < 0.3 and isinstance(parent, dict):
            parent[self._random.choice(["more", f"{last}2", str(last).upper(), ""])] = parent[last]
        elif action < 0.3:
            parent.insert(last, copy.deepcopy(parent[last]))
        else:
            parent[last] = self._instead(parent[last])
        return changed

    def _instead(self, value: Any) -> Any:
        """Something near the value, or something else altogether."""
        near: list[Any] = []
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            near = [value + 1, value - 1, value + 0.5, float(value), str(value), value * 1000]
        elif isinstance(value, str):
            near = [value + "a", value[:-1], value * 3, value.upper(), value + "\n", [value]]
        elif isinstance(value, list):
            near = [value + value[:1], value[:-1], {}, value * 3]
        elif isinstance(value, dict):
            near = [list(value), {**value, "more": 1}]
        return self._random.choice(near if near and self._random.random() < 0.5 else ODD)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """Where something can be changed."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _places(part, (*path, key))
