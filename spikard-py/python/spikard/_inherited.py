"""What routers and the application say for all of their routes: a prefix, policies, words of the description."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

Layers: TypeAlias = tuple[dict[str, Any], ...]
"""Settings, outermost first, each laid over those before."""


class Inherited(Struct, frozen=True):
    """What stands above a route."""

    prefix: str = ""
    """What stands before its path."""
    policies: Layers = ()
    """The policies of its routers."""
    description: Layers = ()
    """What its routers say in the description of the API."""

    @classmethod
    def of(cls, prefix: str, options: Any) -> Inherited:
        """What one router says. Raises `ValueError` for the prefix, `TypeError` for an option that is none."""
        prefix = _checked(prefix)
        if not options:
            return cls(prefix)
        from ._options import split_router

        policies, description = split_router(options)
        return cls(prefix, (policies,) if policies else (), (description,) if description else ())

    def then(self, inner: Inherited) -> Inherited:
        """What both say, `inner` within this."""
        return Inherited(
            self.prefix + inner.prefix, self.policies + inner.policies, self.description + inner.description
        )


def _checked(prefix: str) -> str:
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        raise ValueError(f"prefix is {prefix!r}, expected a path such as '/users', without a slash at its end")
    return prefix
