"""What a route says of itself: what its decorator and its routers said, and else its docstring, name and types.

It is asked when the description of the API is made, not when the server starts.
"""

from __future__ import annotations

import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _answers
from ._plan import Answer, Description, Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def description(
    function: Callable[..., Any],
    kind: str,
    signature: Signature,
    layers: tuple[Mapping[str, Any], ...] = (),
    given: Mapping[str, Answer] | None = None,
    *,
    depends: bool = False,
) -> Description:
    """What a route does. `layers` is what was said of it, outermost first, `given` its `responses`.

    `depends` says that something is made for it that may fail.
    """
    said: dict[str, Any] = {key: value for layer in layers for key, value in layer.items()}
    head, rest = _docstring(function)
    if "summary" in said:
        rest = "\n\n".join(filter(None, (head, rest)))
    return Description(
        summary=said.get("summary") or head or _title(function),
        description=said.get("description") or rest or None,
        tags=tuple(dict.fromkeys(tag for layer in layers for tag in layer.get("tags", ()))),
        deprecated=said.get("deprecated", False),
        operation_id=said.get("operation_id"),
        answers=_answers.merged({**_own(kind, signature), **(_answers.UNMET if depends else {})}, dict(given or {})),
    )


def _own(kind: str, signature: Signature) -> _answers.Answers:
    if kind == "events":
        return _answers.of_events()
    if kind == "websocket":
        return {}  # what a handshake comes to is the server's
    return _answers.of_type(signature.returns, signature.response_schema)


def _docstring(function: Callable[..., Any]) -> tuple[str, str]:
    """The first line of the docstring, and the rest."""
    head, _, rest = inspect.cleandoc(_plain(function).__doc__ or "").partition("\n")
    return head.strip(), rest.strip()


def _title(function: Callable[..., Any]) -> str | None:
    """The name of the function in words: `read_user` is "Read user"; a lambda has none."""
    plain = _plain(function)
    words = _WORD.findall(getattr(plain, "__name__", None) or type(plain).__name__)
    if not words or words == ["lambda"]:
        return None
    first, *others = (word if word.isupper() and len(word) > 1 else word.lower() for word in words)
    return " ".join((first[0].upper() + first[1:], *others))


def _plain(function: Callable[..., Any]) -> Any:
    while isinstance(function, partial):
        function = function.func
    return function
