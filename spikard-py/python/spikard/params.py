"""Where a parameter of a handler comes from, and what it must be.

    async def search(q: str = Query(min_length=2), limit: int = Query(default=10, le=100)): ...
    async def search(q: Query[str], limit: Annotated[int, Query(le=100)] = 10): ...
    async def pay(payment: Body[Payment]): ...

A marker only holds what was said; `_signature` reads it, the server checks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # With `Any` as a base, `limit: int = Query(10)` is an int to every checker, and `limit: Query[int]` serves as one.
    from typing import Any as _Value
else:

    class _Value: ...


__all__ = ["Body", "Cookie", "File", "Form", "Header", "Path", "Query"]

T = TypeVar("T")


class Marker(_Value, Generic[T]):  # type: ignore[misc]  # that the base is `Any` is the point of it
    """What all markers say: default, name, constraints."""

    __slots__ = ("alias", "constraints", "default", "default_factory", "schema")

    alias: str | None
    """The name in the request, where it is not the parameter's."""
    constraints: dict[str, Any]
    """The limits that were given, under their names."""
    default: Any
    """The value for a request without one; `...`: there is none."""
    default_factory: Callable[[], Any] | None
    """Makes the default, once for every request without a value."""
    schema: dict[str, Any]
    """JSON Schema keywords laid over those of the type; `separator` splits one value into a list.

    What was said for the description of the API is among them."""

    def __init__(
        self: Marker[Any],
        default: Any = ...,
        *,
        default_factory: Callable[[], Any] | None = None,
        alias: str | None = None,
        gt: float | None = None,
        ge: float | None = None,
        lt: float | None = None,
        le: float | None = None,
        multiple_of: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
        description: str | None = None,
        deprecated: bool = False,
        examples: Sequence[Any] = (),
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        """A value that may be left out if there is a default; `Query(...)` and `Query()` have none.

        `description`, `deprecated` and `examples` are for the description of the API.
        """
        if default is not ... and default_factory is not None:
            raise TypeError("default and default_factory are both given, expected one of them")
        self.default = default
        self.default_factory = default_factory
        self.alias = alias
        limits = {
            "gt": gt,
            "ge": ge,
            "lt": lt,
            "le": le,
            "multiple_of": multiple_of,
            "min_length": min_length,
            "max_length": max_length,
            "pattern": pattern,
        }
        self.constraints = {name: limit for name, limit in limits.items() if limit is not None}
        said = {"description": description, "deprecated": deprecated, "examples": list(examples)}
        self.schema = {**{name: value for name, value in said.items() if value}, **(schema or {})}

    def __class_getitem__(cls, annotation: Any) -> Any:
        if isinstance(annotation, TypeVar):
            return super().__class_getitem__(annotation)
        return Annotated[annotation, cls()]

    def over(self, other: Marker[Any] | None) -> Marker[Any]:
        """What both say: this marker, where it is silent `other`."""
        if other is None:
            return self
        both = object.__new__(type(self))
        has_default = self.default is not ... or self.default_factory is not None
        both.default, both.default_factory = (
            (self.default, self.default_factory) if has_default else (other.default, other.default_factory)
        )
        both.alias = self.alias or other.alias
        both.constraints = {**other.constraints, **self.constraints}
        both.schema = {**other.schema, **self.schema}
        return both


class Path(Marker[T]):
    """A segment of the path; `alias` is its name between the braces."""

    __slots__ = ()


class Query(Marker[T]):
    """A value of the query; a list takes every value of its key."""

    __slots__ = ()


class Header(Marker[T]):
    """A header; its name is the parameter's with dashes for underscores."""

    __slots__ = ("convert_underscores",)

    convert_underscores: bool
    """Whether underscores of the parameter's name are dashes in the header's."""

    def __init__(
        self: Header[Any],
        default: Any = ...,
        *,
        convert_underscores: bool = True,
        default_factory: Callable[[], Any] | None = None,
        alias: str | None = None,
        gt: float | None = None,
        ge: float | None = None,
        lt: float | None = None,
        le: float | None = None,
        multiple_of: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
        description: str | None = None,
        deprecated: bool = False,
        examples: Sequence[Any] = (),
        schema: Mapping[str, Any] | None = None,
    ) -> None:
        """As `Query`; with `convert_underscores=False` the name stays as it is."""
        super().__init__(
            default,
            default_factory=default_factory,
            alias=alias,
            gt=gt,
            ge=ge,
            lt=lt,
            le=le,
            multiple_of=multiple_of,
            min_length=min_length,
            max_length=max_length,
            pattern=pattern,
            description=description,
            deprecated=deprecated,
            examples=examples,
            schema=schema,
        )
        self.convert_underscores = convert_underscores

    def over(self, other: Marker[Any] | None) -> Marker[Any]:
        """As for every marker; a name that stays as it is in one stays so in both."""
        both = super().over(other)
        if isinstance(both, Header) and both is not self:
            converts = [marker.convert_underscores for marker in (self, other) if isinstance(marker, Header)]
            both.convert_underscores = all(converts)
        return both


class Cookie(Marker[T]):
    """A cookie."""

    __slots__ = ()


class Body(Marker[T]):
    """The whole request body. With `bytes` it is what came over the wire."""

    __slots__ = ()


class Form(Marker[T]):
    """A field of a form; with a structured type, the whole form."""

    __slots__ = ()


class File(Form[T]):
    """A file of a form."""

    __slots__ = ()
