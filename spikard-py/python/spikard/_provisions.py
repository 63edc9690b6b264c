"""What is provided, under which name or type, and where it counts: in an application, a router, a route.

For a parameter its name is looked up first, then its type; for each of them the nearest place wins, and
an override of a test stands above all. How a dependency is made is none of this module's business.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import _factories, _types
from .di import Provide

if TYPE_CHECKING:
    from ._factories import Factory
    from ._kept import Kept

Layer = dict[Any, "Provision"]
"""What one place provides."""
_PLAIN = frozenset(value for value in vars(builtins).values() if isinstance(value, type))


class Provision(Struct, frozen=True, eq=False):
    """What stands under a name or a type."""

    key: Any
    value: Any
    """The value, or the `Provide` that makes it."""
    factory: Factory | None
    """The reading of the `Provide`; `None`: the value is there."""
    is_override: bool = False
    """Whether a test put it in the place of another: then it may be of any type."""

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.key if isinstance(self.key, str) else name_of(self.key)

    @property
    def type(self) -> Any:
        """The type of the value; `Any`: unknown."""
        return self.factory.returns if self.factory is not None else type(self.value)


def provision(key: Any, value: Any, localns: Mapping[str, Any], *, is_override: bool = False) -> Provision:
    """Provides `value` under `key`. Raises `TypeError` for what cannot be a key and for a value of another type."""
    _check(key)
    if isinstance(value, Provide):
        found = Provision(key, value, _factories.read(value, localns), is_override)
    else:
        found = Provision(key, value, None, is_override)
    is_fitting = may_be(found.type, key) if found.factory else is_instance(value, key)
    if not isinstance(key, str) and not is_override and not is_fitting:
        what = f"makes {name_of(found.type)}" if found.factory else f"is {found.value!r}"
        message = f"what is provided as {name_of(key)} {what}, expected {name_of(key)}"
        if found.factory:
            found.factory.fault(message)
        raise TypeError(message)
    return found


def layer(dependencies: Mapping[Any, Any] | None, localns: Mapping[str, Any]) -> Layer:
    """What `dependencies={...}` provides."""
    if dependencies is not None and not isinstance(dependencies, Mapping):
        raise TypeError(f"dependencies is {dependencies!r}, expected a dict such as {{'db': Provide(connect)}}")
    return {key: provision(key, value, localns) for key, value in (dependencies or {}).items()}


class Scope:
    """What is provided at one place, from the nearest layer to the farthest."""

    def __init__(
        self, kept: Kept, layers: tuple[Layer, ...] = (), overrides: Iterable[tuple[Any, Provision]] = ()
    ) -> None:
        """The layers, the nearest first, and what stands above them; `kept` outlives a request."""
        self.kept = kept
        self._layers = layers
        self._overrides = dict(overrides)

    def __bool__(self) -> bool:
        return any(self._layers)

    def within(self, layer: Layer) -> Scope:
        """The same with a nearer layer."""
        return Scope(self.kept, (layer, *self._layers), self._overrides.items()) if layer else self

    def provides(self, name: str, annotation: Any) -> bool:
        """Whether a parameter of this name and type is provided."""
        return self.find(name, annotation) is not None

    def find(self, name: str, annotation: Any) -> Provision | None:
        """What a parameter of this name and type gets."""
        for key in (name, annotation, _types.without_none(annotation), _types.bare(_types.without_none(annotation))):
            found = self.at(key)
            if found is not None:
                return found
        return None

    def at(self, key: Any) -> Provision | None:
        """What stands under a name or a type."""
        try:
            found = next((layer[key] for layer in self._layers if key in layer), None)
        except TypeError:  # an annotation that has no hash
            return None
        if found is None or not self._overrides:
            return found
        of_value = self._overrides.get(found.value) if found.factory is not None else None
        return self._overrides.get(key) or of_value or found

    def nearest(self, name: str) -> str:
        """A hint at a name that is provided and looks like this one."""
        known = [key for layer in self._layers for key in layer if isinstance(key, str)]
        near = difflib.get_close_matches(name, known, n=1)
        return f", did you mean {near[0]!r}?" if near else ""


def classes(annotation: Any) -> tuple[type, ...]:
    """The classes of which a value of this type is an instance; empty if nothing is known of it."""
    found: list[type] = []
    for member in _types.members(annotation):
        plain = type(None) if _types.is_none(_types.bare(member)) else _types.class_of(member)
        if (
            not isinstance(plain, type)
            or plain in (object, Any)
            or _types.is_typed_dict(plain)
            or (getattr(plain, "_is_protocol", False) and not getattr(plain, "_is_runtime_protocol", False))
        ):
            return ()
        found.extend([int, float] if plain is float else [plain])
    return tuple(found)


def may_be(provided: Any, wanted: Any) -> bool:
    """Whether a value of the one type can be of the other: false only where it certainly is not."""
    have, want = classes(provided), classes(wanted)
    return not have or not want or any(_related(one, other) for one in have for other in want)


def certainly_is(provided: Any, wanted: Any) -> bool:
    """Whether every value of the one type is of the other."""
    have, want = classes(provided), classes(wanted)
    return not want or (bool(have) and all(_is_subclass(one, want) for one in have))


def is_instance(value: Any, wanted: Any) -> bool:
    """Whether a value is of this type, as far as that can be told."""
    found = classes(wanted)
    return not found or isinstance(value, found)


def name_of(key: Any) -> str:
    """How messages call a type."""
    # On 3.10 `list[int]` passes for a class.
    is_class = typing.get_origin(key) is None and inspect.isclass(key)
    return str(key.__qualname__ if is_class else key)


def _related(one: type, other: type) -> bool:
    return _is_subclass(one, (other,)) or _is_subclass(other, (one,))


def _is_subclass(one: type, others: tuple[type, ...]) -> bool:
    try:
        return issubclass(one, others)
    except TypeError:  # a protocol with attributes
        return True


def _check(key: Any) -> None:
    if isinstance(key, str):
        if not key.isidentifier():
            raise TypeError(f"{key!r} is provided, expected the name of a parameter or a type")
        if key == "request":
            raise TypeError("'request' is provided, expected another name: that is the request itself")
        return
    is_type = isinstance(key, (type, types.GenericAlias)) or typing.get_origin(key) or hasattr(key, "__supertype__")
    if not is_type:
        raise TypeError(f"{key!r} is provided, expected the name of a parameter or a type")
    if _types.class_of(key) in _PLAIN or _types.is_request(key):
        raise TypeError(
            f"{name_of(key)} is provided, expected a name or a class of your own: requests have values of it"
        )
