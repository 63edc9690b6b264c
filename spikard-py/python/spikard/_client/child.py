"""The process of a `LiveTestClient`: finds the application again, and serves it.

A function cannot be sent to another process, but the module that made it can be imported there
again: under its name, or, where that leads nowhere (a script, a test file that pytest loaded by its
path), from its file. A script that opens its client without asking for `__main__` would start
another process from this one; here that call says which application is meant, and serves it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from ..app import Spikard

VARIABLE = "SPIKARD_LIVE_TEST"


class _Meant(BaseException):
    """Leaves a script at the place where it opens a client."""


class Place(TypedDict):
    """Where an application can be found."""

    module: str
    file: str | None
    variable: str
    path: list[str]
    """What `sys.path` is here."""
    port: int


def place_of(app: Spikard, port: int) -> Place | None:
    """Where an application can be found; `None` if no module holds it."""
    for name, module in list(sys.modules.items()):
        for variable, value in list(getattr(module, "__dict__", {}).items()):
            if value is app:
                spec = getattr(module, "__spec__", None)
                return Place(
                    module=spec.name if spec is not None else name,
                    file=getattr(module, "__file__", None),
                    variable=variable,
                    path=[str(entry) for entry in sys.path],
                    port=port,
                )
    return None


def serve_here_instead(app: Spikard) -> None:
    """In the process of a client: ends the import of a script that would start a client of its own."""
    if VARIABLE in os.environ:
        place: Place = json.loads(os.environ[VARIABLE])
        if getattr(sys.modules.get(_name(place)), place["variable"], None) is app:
            raise _Meant


def main() -> None:
    """Serves the application that the environment names."""
    place: Place = json.loads(os.environ[VARIABLE])
    sys.path[:] = place["path"]
    app: Spikard = getattr(_module(place), place["variable"])
    threading.Thread(target=_end_with_the_client, daemon=True).start()
    app.run(host="127.0.0.1", port=place["port"])


def _end_with_the_client() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _module(place: Place) -> Any:
    if place["module"] != "__main__":
        try:
            return importlib.import_module(place["module"])
        except ModuleNotFoundError as error:
            if error.name is None or not f"{place['module']}.".startswith(f"{error.name}.") or place["file"] is None:
                raise
    name = _name(place)
    spec = importlib.util.spec_from_file_location(name, place["file"])
    if spec is None or spec.loader is None:
        raise ImportError(f"{place['file']!r} cannot be imported", name=name)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with suppress(_Meant):
        spec.loader.exec_module(module)
    return module


def _name(place: Place) -> str:
    """The name of the module here: a script is not `__main__` once more."""
    return "__live__" if place["module"] == "__main__" else place["module"]
