"""Finds what a function is given and what that needs in turn, each behind what it needs itself.

What is wrong is found here, when the server starts: what is missing, circular, of another type, or
lives longer than what it is made of. A message has the way from the function to the fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from . import _annotations, _provisions
from ._kept import Singleton
from ._making import Maker
from ._of_request import OfRequest
from ._resolving import Given, Step
from ._signature import is_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._arguments import Argument
    from ._factories import Factory
    from ._plan import Signature
    from ._provisions import Provision, Scope


class _Plain(Struct, frozen=True, eq=False):
    """A dependency that is there already."""

    value: Any


_Source: TypeAlias = "Step | _Plain"


def given_to(function: Callable[..., Any], signature: Signature, scope: Scope, path: str) -> tuple[Given, Signature]:
    """What `function` is given, and its signature with what its dependencies read of the request."""
    return _Graph(function, signature, scope, path).given()


class _Graph:
    """The dependencies of one function."""

    def __init__(self, function: Callable[..., Any], signature: Signature, scope: Scope, path: str) -> None:
        self.function = function
        self.injected = signature.injected
        self.scope = scope
        self.of_request = OfRequest(signature, path)
        self.made: dict[Any, Step] = {}
        self.steps: list[Step] = []
        """What is made for each request, in order."""
        self.chain: list[Provision] = []
        """The way from the function to what is being looked at."""

    def given(self) -> tuple[Given, Signature]:
        """What the function is given."""
        given = Given(bound={}, takes=[], steps=self.steps)
        for keyword, annotation in self.injected:
            found = self.scope.find(keyword, annotation)
            if found is None:
                self._missing(keyword)
            self._give(given, keyword, self._source(found, annotation, keyword))
        given.surplus = [*(step.name for step in self.steps), *self.of_request.private]
        return given, self.of_request.signature

    def _give(self, given: Given, keyword: str | None, source: _Source) -> None:
        """Hands over what was found; without a keyword it is only made before."""
        if isinstance(source, _Plain):
            if keyword is not None:
                given.bound[keyword] = source.value
            return
        if source not in given.steps:
            given.steps.append(source)
        if keyword is not None:
            given.takes.append((keyword, source.name))

    def _source(self, provision: Provision, wanted: Any, keyword: str) -> _Source:
        """What stands for a provision. It is made once, however many need it."""
        factory = provision.factory
        if factory is None:
            if not provision.is_override and not _provisions.is_instance(provision.value, wanted):
                self._mistyped(provision, wanted, keyword)
            return _Plain(provision.value)
        if any(above.value is provision.value for above in self.chain):
            self._fault("circular dependency", provision)
        step = self.made.get(factory.provide)
        if step is None:
            self.chain.append(provision)
            step = self.made[factory.provide] = self._step(provision, factory)
            self.chain.pop()
        if not isinstance(step.source, Singleton) and any(above.value.singleton for above in self.chain):
            self._fault("a singleton needs what is made for each request", provision)
        if not provision.is_override and not _provisions.certainly_is(factory.returns, wanted):
            if not _provisions.may_be(factory.returns, wanted):
                self._mistyped(provision, wanted, keyword)
            step.checks.append(_provisions.classes(wanted))
        return step

    def _step(self, provision: Provision, factory: Factory) -> Step:
        provide = factory.provide
        given = Given(bound={}, takes=[], steps=[] if provide.singleton else self.steps)
        for argument in factory.arguments:
            self._fill(given, argument, factory)
        for key in provide.depends_on:
            found = self.scope.at(key)
            if found is None:
                self._missing(key)
            known = {*given.bound, *(keyword for keyword, _ in given.takes)}
            is_taken = isinstance(key, str) and factory.takes_any and key not in known
            self._give(given, key if is_taken else None, self._source(found, Any, str(key)))
        label = provision.label
        name = f"{label} {len(self.made)}"  # no keyword: it has a space
        if provide.singleton:
            # A check that is due to another one who gets it is none for this one.
            given.steps = [replace(step, checks=list(step.checks)) for step in given.steps]
            return Step(name, label, self.scope.kept.singleton(factory, given), given, checks=[])
        cache = self.scope.kept.cache(provide) if provide.use_cache else None
        return Step(name, label, Maker(factory, given.bound), given, cache, checks=[])

    def _fill(self, given: Given, argument: Argument, factory: Factory) -> None:
        """Gives the function of a dependency one of its arguments."""
        found = self.scope.find(argument.name, argument.annotation) if argument.marker is None else None
        if is_request(argument):
            name = self.of_request.request()
        elif argument.marker is not None:
            name = self.of_request.value(argument)
        elif found is not None:
            self._give(given, argument.name, self._source(found, argument.annotation, argument.name))
            return
        elif argument.is_required:
            self._missing(argument.name)
        else:
            return
        if factory.provide.singleton:
            self._fault(f"a singleton needs '{argument.name}' of a request")
        given.takes.append((argument.name, name))

    def _missing(self, key: Any) -> NoReturn:
        name = key if isinstance(key, str) else _provisions.name_of(key)
        hint = self.scope.nearest(name)
        self._fault(f"{name!r} is not provided{hint or ', expected that, a default, Query, Header, Cookie or Path'}")

    def _mistyped(self, provision: Provision, wanted: Any, keyword: str) -> NoReturn:
        found, expected = _provisions.name_of(provision.type), _provisions.name_of(wanted)
        self._fault(f"{provision.label!r} is of type {found}, expected {expected} for '{keyword}'", provision)

    def _fault(self, message: str, last: Provision | None = None) -> NoReturn:
        """Raises a `HandlerError` with the way to the fault."""
        way = [*self.chain, *([last] if last else [])]
        shown = " -> ".join(_shown(provision) for provision in way)
        _annotations.fault(self.function, f"{message}: {shown}" if way else message)


def _shown(provision: Provision) -> str:
    place = _annotations.place_of(provision.factory.function) if provision.factory else ""
    return f"{provision.label!r} ({place})" if place else repr(provision.label)
