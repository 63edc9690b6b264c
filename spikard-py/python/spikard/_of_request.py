"""What dependencies read of a request: parameters of the route beside those of its function.

They stand in the signature under private names, so that the server reads and checks them with all the
others before anything is called. What two of them read alike is read once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from . import _parameters, _types
from .params import Cookie, Header, Path, Query

if TYPE_CHECKING:
    from ._arguments import Argument
    from ._plan import Group, Parameter, Signature, Source

_SOURCES: dict[type, Source] = {Query: "query", Header: "header", Cookie: "cookie"}


class OfRequest:
    """A signature that grows by what dependencies read."""

    def __init__(self, signature: Signature, path: str) -> None:
        """The signature of a function behind `path`."""
        self.signature = signature
        self.private: list[str] = []
        """The keywords that the function does not have."""
        self._names_in_path = _parameters.path_names(path)

    def request(self) -> str:
        """The keyword of the request itself."""
        known = self.signature.request
        if known is None:
            known = self._name("request")
            self.signature = replace(self.signature, request=known)
        return known

    def value(self, argument: Argument) -> str:
        """The keyword of a value that a marker names. Raises `HandlerError` for what is no such value."""
        with argument.named_in_errors():
            source = _SOURCES.get(type(argument.marker))
            if source is not None and _types.is_structured(argument.annotation):
                return self._group(_parameters.group(argument, source))
            if source is not None:
                return self._parameter(_parameters.parameter(argument, source))
            if not isinstance(argument.marker, Path):
                argument.fault("is of the body, expected Query, Header, Cookie or Path: the body is the handler's")
            if argument.key not in self._names_in_path:
                argument.fault(f"is marked Path, expected {{{argument.key}}} in the path of every route that needs it")
            return self._parameter(_parameters.from_path(argument, self._names_in_path[argument.key]))

    def _parameter(self, parameter: Parameter) -> str:
        for known in self.signature.parameters:
            if replace(parameter, name=known.name) == known:
                return known.name
        named = replace(parameter, name=self._name(parameter.name))
        self.signature = replace(self.signature, parameters=(*self.signature.parameters, named))
        return named.name

    def _group(self, group: Group) -> str:
        for known in self.signature.groups:
            if known.name is not None and replace(group, name=known.name) == known:
                return known.name
        name = self._name(group.name or "")
        self.signature = replace(self.signature, groups=(*self.signature.groups, replace(group, name=name)))
        return name

    def _name(self, name: str) -> str:
        """A keyword that no function and no dependency has."""
        self.private.append(f"{name}@{len(self.private)}")
        return self.private[-1]
