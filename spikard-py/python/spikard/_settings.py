"""What all classes of the configuration can do, and how their arguments become attributes.

The classes themselves are generated (`config.py`). Values are checked in Rust, when the server is
built; here is no default, no check and no name of a setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Self

S = TypeVar("S", bound="Settings")
T = TypeVar("T")

MASK = "****"


class Settings:
    """Settings by name. Two are equal if they are of one class and all their settings are."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # settings can change

    _secrets: ClassVar[set[str]] = set()
    """The settings of all classes that nobody gets to see."""
    _on: ClassVar[frozenset[str]] = frozenset()
    """The settings of this class that are on where nothing is said: `None` switches them off."""
    _nested: ClassVar[frozenset[str]] = frozenset()
    """The settings of this class that are settings themselves, and never none."""
    _implied: ClassVar[Mapping[str, tuple[str, Any]]] = {}
    """A setting, and the value that it has where another one is not given."""
    _defaults: ClassVar[Mapping[str, Any]]

    def __init_subclass__(
        cls,
        secrets: Iterable[str] = (),
        on: Iterable[str] = (),
        nested: Iterable[str] = (),
        implied: Mapping[str, tuple[str, Any]] | None = None,
    ) -> None:
        Settings._secrets.update(secrets)
        cls._on = frozenset(on)
        cls._nested = frozenset(nested)
        cls._implied = implied or {}
        init: Any = cls.__init__
        positional = init.__code__.co_varnames[1 : init.__code__.co_argcount]
        defaults = init.__defaults__ or ()
        by_position = zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
        cls._defaults = dict(by_position) | (init.__kwdefaults__ or {})

    if not TYPE_CHECKING:

        def __new__(cls, *_: Any, **settings: Any) -> Any:
            """Refuses settings that the class does not have; the constructor does the rest."""
            for name in settings:
                if name not in cls.__slots__:
                    raise TypeError(f"{cls.__name__} has no setting {name!r}{_did_you_mean(name, cls.__slots__)}")
            return object.__new__(cls)

    def copy(self, **updates: Any) -> Self:
        """The same settings with some replaced. Raises `TypeError` for one that there is not."""
        settings = {name: _copied(value) for name, value in self._items()}
        for name, (other, _) in self._implied.items():
            # The two exclude each other: the new one counts.
            if (name in updates) != (other in updates):
                settings[other if name in updates else name] = None
        return type(self)(**(settings | updates))

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values, with `****` for every secret."""
        return {name: _plain(value, name in self._secrets) for name, value in self._items()}

    def _tree(self) -> dict[str, Any]:
        """What was said, secrets included, for the server: what is as by default is left out."""
        tree = {}
        for name, value in self._items():
            if value is None and name in self._on:
                tree[name] = False
            elif not self._is_default(name, value):
                tree[name] = os.fspath(value) if isinstance(value, os.PathLike) else value
        return tree

    def _items(self) -> Iterator[tuple[str, Any]]:
        names: tuple[str, ...] = self.__slots__
        return ((name, getattr(self, name)) for name in names)

    def _is_default(self, name: str, value: Any) -> bool:
        if name in self._implied:
            other, implied = self._implied[name]
            return value is None or (value is implied and getattr(self, other) is None)
        if isinstance(value, Settings) and (name in self._nested or name in self._on):
            return not value._tree()
        if name not in self._defaults:
            return False
        default = self._defaults[name]
        if isinstance(default, tuple):
            return bool(value == list(default))
        if default is None:
            return value is None or value == {}
        return type(value) is type(default) and bool(value == default)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(value == getattr(other, name) for name, value in self._items())

    def __repr__(self) -> str:
        said = ((name, value) for name, value in self._items() if not self._is_default(name, value))
        shown = (f"{name}={_shown(value, name in self._secrets)!r}" for name, value in said)
        return f"{type(self).__name__}({', '.join(shown)})"


def one(cls: type[S], value: Any) -> S:
    """Settings of a class; without a value those by default."""
    return cls() if value is None else _made(cls, value)


def maybe(cls: type[Settings], value: Any) -> Any:
    """Settings of a class, a plain value that stands for them, a list of them, or none."""
    return None if value is False else _made(cls, value)


def policy(cls: type[Settings], value: Any) -> Any:
    """The same for a policy that has defaults: `True` is those."""
    return cls() if value is True else maybe(cls, value)


def switch(cls: type[Settings], value: Any) -> Any:
    """The same for a policy that is little more than on or off."""
    return False if value is None else _made(cls, value)


def many(cls: type[S], values: Any) -> list[S]:
    """A list of settings of a class."""
    return _made(cls, values)  # type: ignore[no-any-return]


def mixed(cls: type[S], values: Any) -> list[str | S]:
    """A list of settings of a class, and of text that stands for some."""
    return _made(cls, values)  # type: ignore[no-any-return]


def named(cls: type[S], values: Any) -> dict[str, S]:
    """Settings of a class by name."""
    return {name: _made(cls, value) for name, value in values.items()} if isinstance(values, Mapping) else plain(values)


def items(values: Iterable[T]) -> list[T]:
    """A list of plain values."""
    return list(values) if isinstance(values, tuple) else values  # type: ignore[return-value]


def plain(values: Mapping[str, T] | None) -> dict[str, T]:
    """Plain values by name."""
    return {} if values is None else values  # type: ignore[return-value]


def _made(cls: type[Any], value: Any) -> Any:
    # What is neither is refused in Rust, with its place.
    if isinstance(value, Mapping):
        return cls(**value)
    if isinstance(value, (list, tuple)):
        return [_made(cls, element) for element in value]
    return value


def _copied(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.copy()
    if isinstance(value, list):
        return [_copied(element) for element in value]
    if isinstance(value, dict):
        return {key: _copied(element) for key, element in value.items()}
    return value


def _plain(value: Any, secret: bool) -> Any:
    return value.to_dict() if isinstance(value, Settings) else _walk(value, secret, _plain)


def _shown(value: Any, secret: bool) -> Any:
    return value if isinstance(value, Settings) else _walk(value, secret, _shown)


def _walk(value: Any, secret: bool, inner: Any) -> Any:
    """A value with what `inner` makes of its elements, masked if it is secret."""
    if isinstance(value, Mapping):
        return {key: inner(element, secret or key in Settings._secrets) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [inner(element, secret) for element in value]
    return MASK if secret and value is not None else value


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else ""
