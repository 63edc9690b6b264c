"""Which decoders refuse everything that their schema refuses (BRIDGE: "the published schema is the judge").

Where one does, a body goes to the decoder at once; where it does not, the schema is checked first. Only
what was measured to be alike is named here; whatever is not named is not alike. A decoder may refuse
more than its schema: then the schema is asked afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._schemas import ANNOTATIONS

if TYPE_CHECKING:
    from ._plan import JsonSchema

_ENFORCED = frozenset(
    {
        *("type", "required", "properties", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"),
        *("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *(
            "minProperties",
            "maxProperties",
            "enum",
            "const",
            "anyOf",
            "discriminator",
            "contentEncoding",
            "$ref",
            "$defs",
        ),
    }
)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_INTEGERS_OF_A_DOUBLE = 2**53
"""Up to here every integer is a double, so that a bound holds after rounding as it did before."""


def refuses_all_that(schema: JsonSchema) -> bool:
    """Whether msgspec, which wrote this schema of a type, refuses all that the schema refuses."""
    definitions: JsonSchema = schema.get("$defs", {})
    return all(_is_enforced(part, definitions) for part in (schema, *definitions.values()))


def pydantic_refuses_all_that(schema: JsonSchema, core_schema: Any) -> bool:
    """The same of pydantic in strict mode, which wrote this schema of a type."""
    return refuses_all_that(schema) and _is_plain(core_schema)


def _is_enforced(schema: JsonSchema, definitions: JsonSchema) -> bool:
    if not schema.keys() <= _ENFORCED | ANNOTATIONS or not _bounds_survive_rounding(schema):
        return False
    if "contentEncoding" in schema and ("minLength" in schema or "maxLength" in schema):
        return False
    branches = schema.get("anyOf", [])
    if branches and "discriminator" not in schema and not _are_apart(branches, definitions):
        return False
    return all(_is_enforced(part, definitions) for part in _parts(schema))


def _parts(schema: JsonSchema) -> list[JsonSchema]:
    parts = [*schema.get("properties", {}).values(), *schema.get("prefixItems", ()), *schema.get("anyOf", ())]
    return parts + [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]


def _bounds_survive_rounding(schema: JsonSchema) -> bool:
    if schema.get("type") == "integer":
        return True
    return "multipleOf" not in schema and all(
        abs(schema[key]) <= _INTEGERS_OF_A_DOUBLE for key in _BOUNDS if key in schema
    )


def _are_apart(branches: list[JsonSchema], definitions: JsonSchema) -> bool:
    """Whether the JSON type of a value says which branch it must fit."""
    seen: set[str] = set()
    for branch in branches:
        kinds = _kinds(branch, definitions)
        if not kinds or kinds & seen:
            return False
        seen |= kinds | ({"integer", "number"} if kinds & {"integer", "number"} else set())
    return True


def _kinds(schema: JsonSchema, definitions: JsonSchema) -> set[str]:
    """The JSON types that a schema takes; empty: not known."""
    if "$ref" in schema:
        return _kinds(definitions.get(schema["$ref"].removeprefix("#/$defs/"), {}), definitions)
    kinds = schema.get("type", [])
    return {kinds} if isinstance(kinds, str) else set(kinds)


_ANY_VALUE = {"ref", "metadata", "type", "serialization", "strict"}
_PLAIN: dict[str, set[str]] = {
    "definitions": {"schema", "definitions"},
    "definition-ref": {"schema_ref"},
    "model": {"cls", "schema", "config", "custom_init", "root_model", "post_init", "generic_origin"},
    "model-fields": {"fields", "model_name", "computed_fields", "extra_behavior"},
    "model-field": {"schema", "validation_alias", "serialization_alias", "serialization_exclude", "frozen"},
    "nullable": {"schema"},
    "default": {"schema", "default", "default_factory", "default_factory_takes_data"},
    "function-after": {"schema", "function"},
    "list": {"items_schema", "min_length", "max_length"},
    "str": {"min_length", "max_length"},
    "int": {"ge", "gt", "le", "lt"},
    "float": {"ge", "gt", "le", "lt", "allow_inf_nan"},
    "literal": {"expected"},
    "bool": set(),
    "none": set(),
    "any": set(),
}
"""The parts of a core schema that do in strict mode what the JSON Schema says, with what may be said of them."""


def _is_plain(core: Any) -> bool:
    allowed = _PLAIN.get(core["type"])
    if allowed is None or not core.keys() <= allowed | _ANY_VALUE or not _says_nothing_of_its_schema(core):
        return False
    if core["type"] == "literal":  # `true` and `1.0` pass for 1
        return all(isinstance(value, str) for value in core["expected"])
    if core["type"] == "model" and (
        core.get("custom_init")
        or core.get("root_model")
        or core.get("config", {}).keys() - {"title", "extra_fields_behavior"}
    ):
        return False
    if core["type"] == "model-field" and not isinstance(core.get("validation_alias", ""), str):
        return False
    nested = [core[key] for key in ("schema", "items_schema") if key in core]
    return all(map(_is_plain, [*nested, *core.get("definitions", ()), *core.get("fields", {}).values()]))


def _says_nothing_of_its_schema(core: Any) -> bool:
    """Whether nobody added to the JSON Schema what pydantic does not check."""
    metadata = dict(core.get("metadata") or {})
    updates = metadata.pop("pydantic_js_updates", {})
    if not updates.keys() <= ANNOTATIONS:
        return False
    if core["type"] != "model":
        return not metadata
    functions = metadata.pop("pydantic_js_functions", [])
    inherited = [getattr(function, "__func__", function).__module__ == "pydantic.main" for function in functions]
    return not metadata and all(inherited) and not core["cls"].model_config.get("json_schema_extra")
