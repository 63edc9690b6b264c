"""The arguments of a handler, as its signature spells them: annotation, default and marker in one value."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from . import _annotations, _constraints, _types
from .params import Marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EMPTY: Any = inspect.Parameter.empty
"""No default."""


class Argument(msgspec.Struct, frozen=True):
    """One argument."""

    function: Callable[..., Any]
    name: str
    annotation: Any
    """The type, without the markers; `Any` if there is none."""
    is_annotated: bool
    """Whether there is an annotation."""
    default: Any
    """What it is without a value in the request; `EMPTY`: there must be one."""
    default_factory: Callable[[], Any] | None
    marker: Marker[Any] | None
    """What `Query`, `Body` ... say of it."""

    @property
    def is_required(self) -> bool:
        """Whether it has neither default nor factory."""
        return self.default is EMPTY and self.default_factory is None

    @property
    def key(self) -> str:
        """Its name in the request."""
        return (self.marker and self.marker.alias) or self.name

    @property
    def constrained(self) -> Any:
        """The type with the limits of the marker."""
        return _constraints.constrained(self.annotation, self.marker.constraints if self.marker else {})

    @property
    def overlay(self) -> dict[str, Any]:
        """The JSON Schema keywords that the marker lays over those of the type."""
        return self.marker.schema if self.marker else {}

    @classmethod
    def without_annotation(cls, function: Callable[..., Any], name: str) -> Argument:
        """An argument of which only the name is known."""
        return cls(function, name, Any, False, EMPTY, None, None)

    def with_default(self, default: Any) -> Argument:
        """The same argument with a default."""
        return msgspec.structs.replace(self, default=default)

    def marked(self, marker: Marker[Any]) -> Argument:
        """The same argument with a marker."""
        return msgspec.structs.replace(self, marker=marker)

    def of_type(self, annotation: Any) -> Argument:
        """The same argument with another type."""
        return msgspec.structs.replace(self, annotation=annotation, is_annotated=True)

    def fault(self, message: str) -> NoReturn:
        """Raises a `HandlerError` that names the argument."""
        _annotations.fault(self.function, f"parameter '{self.name}': {message}")

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """What libraries say of its type is said of the argument."""
        try:
            yield
        except _annotations.HandlerError:
            raise
        except Exception as error:
            self.fault(str(error))


def arguments_of(function: Callable[..., Any], hints: Mapping[str, Any]) -> list[Argument]:
    """The arguments that a request has to fill, in order."""
    bound = function.keywords if isinstance(function, partial) else {}
    return [
        _argument(function, parameter, hints)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and parameter.name not in bound
    ]


def _argument(function: Callable[..., Any], parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Argument:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        _annotations.fault(
            function, f"parameter '{parameter.name}' is positional-only, expected one that is passed by name"
        )
    annotation, found = _without_markers(hints.get(parameter.name, Any))
    markers = [_instance(item) for item in found]
    default = parameter.default
    if _is_marker(default):
        markers.append(_instance(default))
        default = EMPTY
    marker = None
    for stronger in markers:
        if marker is not None and type(marker) is not type(stronger):
            said = f"{type(marker).__name__} and {type(stronger).__name__}"
            _annotations.fault(function, f"parameter '{parameter.name}' is marked {said}, expected one of them")
        marker = stronger.over(marker)
    factory = None
    if marker is not None and default is EMPTY:
        factory = marker.default_factory
        default = EMPTY if marker.default is ... else marker.default
    return Argument(function, parameter.name, annotation, parameter.name in hints, default, factory, marker)


def _without_markers(annotation: Any) -> tuple[Any, list[Any]]:
    """The type, and the markers that stand in it or in a member of its union: `Query[int] | None`."""
    plain, metadata = _types.split(annotation)
    markers = [item for item in metadata if _is_marker(item)]
    members = _types.members(plain)
    if len(members) > 1:
        split = [_without_markers(member) for member in members]
        markers = [*(item for _, found in split for item in found), *markers]
        plain = _types.union(member for member, _ in split)
    return _types.annotated(plain, [item for item in metadata if not _is_marker(item)]), markers


def _is_marker(item: Any) -> bool:
    return isinstance(item, Marker) or (isinstance(item, type) and issubclass(item, Marker))


def _instance(item: Any) -> Marker[Any]:
    """`Annotated[int, Query]` says what `Annotated[int, Query()]` says."""
    marker: Marker[Any] = item() if isinstance(item, type) else item
    return marker
