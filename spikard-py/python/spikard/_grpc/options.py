"""What a service can be told: how its calls are held, and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikard.config import RoutePolicies

if TYPE_CHECKING:
    from collections.abc import Mapping


class GrpcOptions(RoutePolicies, total=False):
    """The keywords of a service."""

    max_receive_size: int | None
    """The largest request in bytes, unpacked; 0 is no limit. 4 MiB, as everywhere in gRPC, unless it is said."""
    max_send_size: int | None
    """The largest response in bytes; no limit unless it is said."""
    gzip: bool
    """Whether responses are packed for clients that take it. Packed requests are always taken."""
    endless: bool
    """Whether streams of responses have no end of their own: they are ended when the server begins to stop."""


_SETTINGS = ("max_receive_size", "max_send_size", "gzip", "endless")


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and policies."""
    given = dict(options)
    settings = {key: given.pop(key) for key in _SETTINGS if key in given}
    for key in ("max_receive_size", "max_send_size"):
        size = settings.get(key)
        if size is not None and (not isinstance(size, int) or size < 0):
            raise ValueError(f"{key} is {size!r}, expected a number of bytes, or 0 for no limit")
    return settings, given
