"""The JSON Schema (2020-12) of a type, complete in itself.

msgspec and pydantic write the schemas of what each of them reads. Added here: a model inside a Struct,
files, limits of annotated_types in the fields of msgspec's classes, the type of an enum, date-time.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from . import _constraints, _types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._plan import JsonSchema

FILE: JsonSchema = {"type": "string", "format": "binary"}
ANNOTATIONS = frozenset(
    {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment"}
)
"""Keywords that refuse nothing."""

Mode = Literal["validation", "serialization"]


class Described(msgspec.Struct, frozen=True):
    """A type's schema."""

    schema: JsonSchema
    is_enforced: bool
    """Whether the library that reads the type knows of every keyword in it."""


def schema_of(annotation: Any, mode: Mode = "validation") -> JsonSchema:
    """The schema of a type. `TypeError`: it has none."""
    return described(annotation, mode).schema


def described(annotation: Any, mode: Mode = "validation") -> Described:
    """The schema of a type, and whether its decoder knows all of it. `TypeError`: it has none."""
    try:
        hash(annotation)
    except TypeError:
        return _described(annotation, mode)
    return _remembered(annotation, mode, repr(annotation))


def _described(annotation: Any, mode: Mode, _spelling: str = "") -> Described:
    return _by_pydantic(annotation, mode) if _types.is_pydantic(annotation) else _by_msgspec(annotation, mode)


# Types return from route to route. The spelling tells apart what is equal: `Literal["a", "b"]` and `Literal["b", "a"]`.
_remembered = lru_cache(maxsize=1024)(_described)


def resolved(schema: JsonSchema) -> JsonSchema:
    """The schema with a `$ref` at its root followed, and with the definitions that it needs."""
    definitions = schema.get("$defs", {})
    while "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    schema = {key: value for key, value in schema.items() if key != "$defs"}
    used = _used_definitions(schema, definitions)
    return {**schema, "$defs": used} if used else schema


def inlined(schema: JsonSchema) -> JsonSchema:
    """The schema with the definitions at their places. `TypeError`: one of them holds itself."""
    return _inlined({key: value for key, value in schema.items() if key != "$defs"}, schema.get("$defs", {}), ())


def without_null(schema: JsonSchema) -> JsonSchema:
    """The schema of what can be written as text: a union loses its `null`, and is none if one type is left."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and not (key == "default" and value is None)}
    if len(branches) == 1:
        return {**branches[0], **rest}
    return {**rest, "anyOf": branches} if branches else rest


def says_type(schema: JsonSchema, kind: str) -> bool:
    """Whether a schema names this JSON type."""
    kinds = schema.get("type", ())
    return kind in ((kinds,) if isinstance(kinds, str) else kinds)


def takes(schema: JsonSchema, kind: str) -> bool:
    """Whether values of this JSON type fit a schema without references, or are in what fits it."""
    return says_type(schema, kind) or any(takes(child, kind) for child in children(schema))


def children(schema: JsonSchema) -> Iterator[JsonSchema]:
    """The schemas that stand in a schema, its definitions included."""
    for key in ("properties", "patternProperties", "dependentSchemas", "$defs"):
        yield from schema.get(key, {}).values()
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(key, ())
    for key in ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"):
        if isinstance(child := schema.get(key), dict):
            yield child


def _inlined(schema: JsonSchema, definitions: JsonSchema, within: tuple[str, ...]) -> JsonSchema:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name in within:
            raise TypeError(f"{name} holds itself, expected a value or a list of values")
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inlined(definitions[name], definitions, (*within, name)), **rest}
    schema = dict(schema)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if key in schema:
            schema[key] = [_inlined(child, definitions, within) for child in schema[key]]
    if isinstance(schema.get("items"), dict):
        schema["items"] = _inlined(schema["items"], definitions, within)
    return schema


def _by_pydantic(annotation: Any, mode: Mode) -> Described:
    pydantic = sys.modules["pydantic"]

    class Generator(pydantic.json_schema.GenerateJsonSchema):  # type: ignore[misc,name-defined]
        def is_instance_schema(self, schema: Any) -> JsonSchema:
            return dict(FILE) if _types.is_upload(schema["cls"]) else super().is_instance_schema(schema)

        def decimal_schema(self, schema: Any) -> JsonSchema:
            described: JsonSchema = super().decimal_schema(schema)
            for branch in described.get("anyOf", [described]):
                if branch.get("type") == "string":
                    # pydantic says of the text only how many digits it has, where that is limited.
                    branch.setdefault("pattern", _constraints.DECIMAL)
            return described

    def written(mode: Mode) -> JsonSchema:
        # Of several types at once pydantic writes every model under `$defs`, where it has its name.
        types = [("", mode, adapter)]
        schemas, shared = pydantic.TypeAdapter.json_schemas(types, schema_generator=Generator)
        return {**schemas["", mode], **shared}

    try:
        adapter = pydantic.TypeAdapter(annotation)
        schema = written(mode)
        # What is always written may still be left out by clients: where that is all, one schema is enough for both.
        if mode == "serialization" and _without_required(read := written("validation")) == _without_required(schema):
            schema = read
    except pydantic.errors.PydanticUserError as error:
        raise TypeError(str(error)) from error
    return Described(schema, is_enforced=True)


def _without_required(schema: Any) -> Any:
    """The schema without the lists of what must be there."""
    if isinstance(schema, dict):
        return {
            key: _without_required(value)
            for key, value in schema.items()
            if not (key == "required" and isinstance(value, list))
        }
    return [_without_required(item) for item in schema] if isinstance(schema, list) else schema


def _by_msgspec(annotation: Any, mode: Mode) -> Described:
    root = _constraints.translated(annotation)
    foreign: JsonSchema = {}

    def hook(found: type) -> JsonSchema:
        if _types.is_upload(found):
            return dict(FILE)
        if not _types.is_pydantic(found):
            raise TypeError(f"{found.__name__} has no JSON Schema, expected a type of which it can be known")
        schema = schema_of(found, mode)
        if schema.get("$ref", "").removeprefix("#/$defs/") in own:
            schema = resolved(schema)
        for name, definition in schema.get("$defs", {}).items():
            if name in own or foreign.setdefault(name, definition) != definition:
                raise TypeError(f"{name} is the name of two models, expected one")
        return {key: value for key, value in schema.items() if key != "$defs"}

    parts = list(_types.reached(root))
    classes = [
        part for part in parts if _types.is_structured_class(_types.class_of(part)) and not _types.is_pydantic(part)
    ]
    own = {_types.class_of(found).__name__ for found in classes}
    patches = [
        (found, name, _constraints.translated(hint))
        for found in classes
        for name, hint in _types.field_types(_types.class_of(found)).items()
        if not _has_type_variable(hint) and _constraints.translated(hint) is not hint
    ]
    types = [root, *classes, *(hint for _, _, hint in patches)]
    (schema, *schemas), definitions = msgspec.json.schema_components(
        types, schema_hook=hook, ref_template="#/$defs/{name}"
    )
    homes = {
        id(found): definitions[home["$ref"].removeprefix("#/$defs/")]
        for found, home in zip(classes, schemas, strict=False)
        if "$ref" in home
    }
    for (found, name, _), patch in zip(patches, schemas[len(classes) :], strict=True):
        _patch(homes[id(found)], _types.class_of(found), name, patch)
    definitions.update(foreign)
    _finish_enums({"$defs": definitions, "not": schema}, parts)
    if used := _used_definitions(schema, definitions):
        schema["$defs"] = used
    return Described(
        schema, is_enforced=all(map(_is_enforced, parts)) and not any(map(_is_unknown_to_msgspec, patches))
    )


def _patch(home: JsonSchema, found: Any, name: str, patch: JsonSchema) -> None:
    """Puts the schema of a field where the class has it."""
    encoded: dict[str, str] = dict(
        zip(getattr(found, "__struct_fields__", ()), getattr(found, "__struct_encode_fields__", ()), strict=True)
    )
    if "prefixItems" in home:
        names = list(_types.field_types(found))
        place: Any = home["prefixItems"]
        key: Any = names.index(name) - len(names)
    else:
        place, key = home["properties"], encoded.get(name, name)
    patch.update({key: value for key, value in place[key].items() if key in ANNOTATIONS})
    place[key] = patch


def _is_unknown_to_msgspec(patch: tuple[Any, str, Any]) -> bool:
    found, name, _ = patch
    hint = _types.field_types(_types.class_of(found))[name]
    return any(_constraints.limits_of(_types.split(part)[1]) for part in _types.reached(hint))


def _is_enforced(part: Any) -> bool:
    plain, metadata = _types.split(part)
    extras = [item.extra_json_schema or {} for item in metadata if isinstance(item, msgspec.Meta)]
    return not (
        _types.is_pydantic(plain) or _types.loosens(plain) or any(extra.keys() - ANNOTATIONS for extra in extras)
    )


def _has_type_variable(annotation: Any) -> bool:
    return any(type(part).__name__ == "TypeVar" for part in _types.reached(annotation))


def _finish_enums(schema: JsonSchema, parts: list[Any]) -> None:
    """Text is read by `type`: an enum says which its values are. They stand in the order of their type."""
    names = {str: "string", int: "integer", bool: "boolean", float: "number", type(None): "null"}
    orders = {frozenset(values): values for values in map(_types.values_of, parts) if values}

    def finish(schema: JsonSchema) -> None:
        if "enum" in schema:
            values: Any = schema["enum"]
            schema["enum"] = list(orders.get(frozenset(values)) or values)
            kinds = sorted({names[type(value)] for value in values})
            schema.setdefault("type", kinds[0] if len(kinds) == 1 else kinds)
        for child in children(schema):
            finish(child)

    finish(schema)


def _used_definitions(schema: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """The definitions that a schema refers to, itself or through others."""
    used: set[str] = set()
    todo: list[JsonSchema] = [schema]
    while todo:
        node = todo.pop()
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name in definitions and name not in used:
            used.add(name)
            todo.append(definitions[name])
        todo.extend(children(node))
    return {name: definition for name, definition in definitions.items() if name in used}
