"""Questions that are asked of a type: what it is made of, which library reads it.

Pydantic and attrs are recognised by what they leave on their classes; neither is ever imported from here.
"""

from __future__ import annotations

import collections.abc
import sys
import types
import typing
from enum import Enum
from typing import Annotated, Any, Union

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_UNIONS = (Union, types.UnionType)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def is_none(annotation: Any) -> bool:
    """Whether it is the type of `None`."""
    return annotation is None or annotation is type(None)


def split(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type and what `Annotated` says of it; names of types (`type X = ...`, `NewType`) are followed."""
    metadata: tuple[Any, ...] = ()
    if type(annotation) is type:  # most are plain classes
        return annotation, metadata
    while True:
        if typing.get_origin(annotation) is Annotated:
            metadata = (*annotation.__metadata__, *metadata)
            annotation = annotation.__origin__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            return annotation, metadata


def bare(annotation: Any) -> Any:
    """The type without what `Annotated` says of it."""
    return split(annotation)[0]


def members(annotation: Any) -> tuple[Any, ...]:
    """The types of a union, each with its own `Annotated`; of any other type, the type itself."""
    plain = bare(annotation)
    if typing.get_origin(plain) not in _UNIONS:
        return (annotation,)
    args = typing.get_args(plain)
    return tuple(member for arg in args for member in ((arg,) if split(arg)[1] else members(arg)))


def without_none(annotation: Any) -> Any:
    """The type without `None`, and what `Annotated` says of it."""
    plain, metadata = split(annotation)
    some = [member for member in members(plain) if not is_none(bare(member))]
    if len(some) == len(members(plain)) or not some:
        return annotation
    return annotated(union(some), metadata)


def may_be_none(annotation: Any) -> bool:
    """Whether `None` is one of its values."""
    return any(is_none(bare(member)) for member in members(annotation))


def union(annotations: Iterable[Any]) -> Any:
    """The union of types."""
    return Union[tuple(annotations)]  # noqa: UP007  # `|` takes no list


def with_args(annotation: Any, change: Callable[[Any], Any]) -> Any:
    """The type with its arguments changed; the same object if none of them changes."""
    args = () if typing.get_origin(annotation) in (typing.Literal, Annotated) else typing.get_args(annotation)
    changed = tuple(arg if arg is ... else change(arg) for arg in args)
    if all(before is after for before, after in zip(args, changed, strict=True)):
        return annotation
    if typing.get_origin(annotation) in _UNIONS:
        return union(changed)
    if isinstance(annotation, types.GenericAlias):
        return types.GenericAlias(class_of(annotation), changed)
    return annotation.copy_with(changed)


def element(annotation: Any) -> Any:
    """What a list, set or tuple is of; else the type itself; without `None`."""
    plain = bare(without_none(annotation))
    args = typing.get_args(plain)
    return args[0] if args and class_of(plain) in (list, set, frozenset, tuple) else plain


def annotated(annotation: Any, metadata: tuple[Any, ...] | list[Any]) -> Any:
    """`Annotated[annotation, *metadata]`, which Python 3.10 cannot spell."""
    spelling: Any = Annotated
    said = (annotation, *metadata)
    return spelling[said] if metadata else annotation


def class_of(annotation: Any) -> Any:
    """The class of a type: of `list[int]` it is `list`."""
    plain = bare(annotation)
    return typing.get_origin(plain) or plain


def is_upload(annotation: Any) -> bool:
    """Whether it is an uploaded file."""
    home = sys.modules.get("spikard.datastructures")  # who annotates with it has imported it
    found = class_of(annotation)
    return home is not None and isinstance(found, type) and issubclass(found, home.UploadFile)


def is_request(annotation: Any) -> bool:
    """Whether it is the request itself."""
    native = sys.modules.get("spikard._spikard")  # who annotates with it has imported it
    return native is not None and bare(annotation) is native.Request


def is_websocket(annotation: Any) -> bool:
    """Whether it is a WebSocket."""
    home = sys.modules.get("spikard.websockets")  # who annotates with it has imported it
    return home is not None and bare(annotation) is home.WebSocket


def holds_mapping(annotation: Any) -> bool:
    """Whether it is, or holds, a dict."""
    return any(found in _MAPPINGS for found in _classes_within(annotation))


def is_structured_class(found: Any) -> bool:
    """Whether a class has named fields: Struct, model, dataclass, TypedDict, NamedTuple, attrs."""
    return isinstance(found, type) and (
        any(
            hasattr(found, mark)
            for mark in ("__struct_fields__", "__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__")
        )
        or is_typed_dict(found)
        or is_named_tuple(found)
    )


def is_structured(annotation: Any) -> bool:
    """Whether it is, or holds, something with named fields."""
    return any(is_structured_class(found) for found in _classes_within(annotation))


def is_typed_dict(found: Any) -> bool:
    """Whether it is a TypedDict."""
    return isinstance(found, type) and issubclass(found, dict) and hasattr(found, "__required_keys__")


def is_named_tuple(found: Any) -> bool:
    """Whether it is a NamedTuple."""
    return isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_fields")


def is_pydantic(annotation: Any) -> bool:
    """Whether pydantic must read it: a model, or a type or annotation that speaks to pydantic alone.

    What a Struct, dataclass and the like holds does not count: msgspec reads those.
    """
    plain, metadata = split(annotation)
    if is_upload(plain):
        return False
    if any(hasattr(item, "__get_pydantic_core_schema__") for item in metadata):
        return True
    found = class_of(plain)
    if isinstance(found, type) and any(
        hasattr(found, mark) for mark in ("__get_pydantic_core_schema__", "__pydantic_core_schema__")
    ):
        return True
    return typing.get_origin(plain) is not typing.Literal and any(is_pydantic(arg) for arg in typing.get_args(plain))


def field_types(found: type) -> dict[str, Any]:
    """The fields of a structured class that msgspec reads, with their annotations."""
    hints = typing.get_type_hints(found, include_extras=True)
    names: Any
    if hasattr(found, "__struct_fields__"):
        names = found.__struct_fields__
    elif hasattr(found, "__dataclass_fields__"):
        names = [name for name, field in found.__dataclass_fields__.items() if field.init]
    elif hasattr(found, "__attrs_attrs__"):
        names = [attribute.name for attribute in found.__attrs_attrs__]
    else:
        names = getattr(found, "_fields", None) or list(hints)
    return {name: _field_type(hints.get(name, Any)) for name in names}


def _field_type(annotation: Any) -> Any:
    """Without `Required`, `NotRequired`, `ReadOnly`, which belong to the field."""
    while getattr(typing.get_origin(annotation), "_name", "") in ("Required", "NotRequired", "ReadOnly"):
        (annotation,) = typing.get_args(annotation)
    return annotation


def reached(annotation: Any, *, into_models: bool = False) -> Iterator[Any]:
    """Every type in it, each with its `Annotated`; the fields of classes too, those of models only if told."""
    expanded: set[Any] = set()
    todo = [annotation]
    while todo:
        current = todo.pop()
        yield current
        plain = bare(current)
        if typing.get_origin(plain) is not typing.Literal:
            todo.extend(typing.get_args(plain))
        found = class_of(plain)
        if not is_structured_class(found) or found in expanded:
            continue
        expanded.add(found)
        if not is_pydantic(found):
            todo.extend(field_types(found).values())
        elif into_models:
            todo.extend(field.annotation for field in getattr(found, "__pydantic_fields__", {}).values())


def holds_upload(annotation: Any) -> bool:
    """Whether a file is in it, or in a field of it."""
    return any(map(is_upload, reached(annotation, into_models=True)))


def values_of(annotation: Any) -> tuple[Any, ...]:
    """The values of an Enum or a Literal, in their order; of any other type none."""
    plain = bare(annotation)
    if typing.get_origin(plain) is typing.Literal:
        return typing.get_args(plain)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return tuple(member.value for member in plain)
    return ()


def loosens(annotation: Any) -> bool:
    """Whether it is an Enum that takes values beyond its own."""
    found = class_of(annotation)
    return (
        isinstance(found, type)
        and issubclass(found, Enum)
        and "_missing_"
        in {name for base in found.__mro__ if base is not Enum and base.__module__ != "enum" for name in vars(base)}
    )


def _classes_within(annotation: Any) -> Iterator[Any]:
    plain = bare(annotation)
    yield class_of(plain)
    if typing.get_origin(plain) is not typing.Literal:
        for arg in typing.get_args(plain):
            yield from _classes_within(arg)
