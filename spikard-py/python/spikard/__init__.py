"""Spikard: handlers in Python, everything in front of them in Rust.

A name is imported when it is first used, so that `import spikard` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import config
    from ._spikard import Request
    from .app import Spikard
    from .config import *  # noqa: F403  # generated
    from .datastructures import ClientCertificate, Headers, State, UploadFile
    from .di import Provide
    from .events import SseEvent
    from .exceptions import DependencyError, HTTPException
    from .params import Body, Cookie, File, Form, Header, Path, Query
    from .responses import (
        FileResponse,
        HTMLResponse,
        JSONResponse,
        RedirectResponse,
        Response,
        StreamingResponse,
    )
    from .routing import Router, delete, get, head, options, patch, post, put, route, sse, trace, websocket
    from .testing import LiveTestClient, TestClient
    from .websockets import WebSocket, WebSocketDisconnect

__all__ = [
    "Body",
    "ClientCertificate",
    "Cookie",
    "DependencyError",
    "File",
    "FileResponse",
    "Form",
    "HTMLResponse",
    "HTTPException",
    "Header",
    "Headers",
    "JSONResponse",
    "LiveTestClient",
    "Path",
    "Provide",
    "Query",
    "RedirectResponse",
    "Request",
    "Response",
    "Router",
    "Spikard",
    "SseEvent",
    "State",
    "StreamingResponse",
    "TestClient",
    "UploadFile",
    "WebSocket",
    "WebSocketDisconnect",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "sse",
    "trace",
    "websocket",
]
if TYPE_CHECKING:
    __all__ += config.__all__

_HOMES = {
    "_spikard": "Request",
    "app": "Spikard",
    "datastructures": "ClientCertificate Headers State UploadFile",
    "di": "Provide",
    "events": "SseEvent",
    "exceptions": "DependencyError HTTPException",
    "params": "Body Cookie File Form Header Path Query",
    "responses": "FileResponse HTMLResponse JSONResponse RedirectResponse Response StreamingResponse",
    "routing": "Router delete get head options patch post put route sse trace websocket",
    "testing": "LiveTestClient TestClient",
    "websockets": "WebSocket WebSocketDisconnect",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    # The classes of the configuration are generated; what is not listed here can only be one of them.
    home = _HOME_OF.get(name) or ("config" if name[:1].isupper() else None)
    module = import_module(f".{home}", __name__) if home else None
    if module is None or not hasattr(module, name):
        raise AttributeError(f"module 'spikard' has no attribute {name!r}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *import_module(".config", __name__).__all__})
