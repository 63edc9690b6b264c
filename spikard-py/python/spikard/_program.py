"""Finds applications by name: `module:app`, `package.module`, `path/app.py`, `path/app.py:app`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _log
from .app import Spikard

if TYPE_CHECKING:
    from types import ModuleType

    from . import _plan
    from ._server import Hooks

_NAME = "app"
"""What an application is called where the name says nothing."""


def load(target: str) -> Spikard:
    """The application that `target` names. `ValueError` where there is none."""
    place, _, name = target.partition(":")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_path(place)
    found = _find(module, name)
    if not isinstance(found, Spikard):
        what = f"`{name or _NAME}` of {place}"
        raise ValueError(f"{what} is {type(found).__name__}, expected an application (spikard.Spikard)")
    return found


def run(target: str, **arguments: Any) -> None:
    """`spikard run`: serves the application that `target` names."""
    try:
        app = load(target)
    except ValueError as error:
        sys.exit(f"spikard: {error}")
    _log.show()
    app.run(**arguments)


def mounted(target: str) -> tuple[Spikard, list[_plan.Route], Hooks, bool]:
    """What a file needs of an application that it names: its routes, its hooks, whether it has a configuration."""
    from ._server import Hooks

    app = load(target)
    return app, app._routes(), Hooks(app), app._config is not None


def _find(module: ModuleType, name: str) -> object:
    if name:
        found: object = module
        for step in name.split("."):
            if not hasattr(found, step):
                raise ValueError(f"module {module.__name__} has no `{name}`")
            found = getattr(found, step)
        return found
    if hasattr(module, _NAME):
        return getattr(module, _NAME)
    applications = [value for value in vars(module).values() if isinstance(value, Spikard)]
    if len(applications) == 1:
        return applications[0]
    count = len(applications) or "no"
    raise ValueError(f"module {module.__name__} has {count} applications, expected one or a name: `module:name`")


def _from_path(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # An import inside of the module fails in the same way, and is a mistake of another kind.
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ValueError(f"module `{name}` is not found") from None
        raise


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ValueError(f"file `{path}` is not found")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"file `{path}` is no Python file")
    module = importlib.util.module_from_spec(spec)
    # Pickles, type hints and tests look a module up by its name.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
