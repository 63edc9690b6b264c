"""What the annotations of a function mean: text resolved to types, once, while the names around it are at hand.

A name is looked for among the local names where the decorator stands, the names that the function
closes over, the globals of its module, and the imports of the module under `if TYPE_CHECKING:`,
which are made then. What no place knows is an error that says where the function stands.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import CellType, GenericAlias, ModuleType
from typing import Any, NoReturn

from . import _types

Function = Callable[..., Any]


class HandlerError(TypeError):
    """A function that cannot be a handler; the message says in which file and line it stands."""


def resolve(function: Function, localns: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The annotations of `function` by parameter name, `return` too. Raises `HandlerError` for what has no meaning."""
    target = target_of(function)
    annotations = getattr(target, "__annotations__", None) or {}
    names = {**_closed_over(target), **(localns or {})}
    return {name: _evaluate(target, name, annotation, names) for name, annotation in annotations.items()}


def target_of(function: Function) -> Any:
    """The function behind partial applications, decorators, methods and instances with `__call__`."""
    while True:
        if isinstance(function, partial):
            function = function.func
        elif (wrapped := getattr(function, "__wrapped__", None)) is not None:
            function = wrapped
        elif inspect.ismethod(function):
            function = function.__func__
        elif not inspect.isroutine(function) and not inspect.isclass(function) and callable(function):
            function = type(function).__call__
        else:
            return function


def place_of(function: Function) -> str:
    """Where a function is written, `file:line`; empty for one that is not written in Python."""
    code = getattr(target_of(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


def fault(function: Function, message: str) -> NoReturn:
    """Raises a `HandlerError`."""
    target, place = target_of(function), place_of(function)
    place = f"{place}: " if place else ""
    raise HandlerError(f"{place}{getattr(target, '__qualname__', repr(target))}: {message}")


def _evaluate(target: Any, name: str, annotation: Any, names: dict[str, Any]) -> Any:
    """One annotation, with everything quoted inside of it."""
    what = "the return annotation" if name == "return" else f"the annotation of '{name}'"
    while True:
        # A class carries the annotation: for a function, 3.10 would make it optional where the default is None.
        carrier = type("carrier", (), {"__annotations__": {name: annotation}})
        try:
            hints = typing.get_type_hints(carrier, getattr(target, "__globals__", {}), names, include_extras=True)
        except NameError as error:
            missing = error.name
            if missing is None or missing in names:
                fault(target, f"{what} cannot be resolved: {error}")
            try:
                names[missing] = _imported_for_type_checking(target, missing)
            except LookupError:
                fault(target, f"{what} cannot be resolved: name '{missing}' is not defined")
            except ImportError as cause:
                fault(target, f"{what} cannot be resolved: '{missing}' cannot be imported: {cause}")
        except Exception as error:
            fault(target, f"{what} cannot be resolved: {type(error).__name__}: {error}")
        else:
            hint = _with_references(hints[name])
            if hint is hints[name]:
                return hint
            annotation = hint


def _with_references(hint: Any) -> Any:
    """The hint with the names that 3.10 leaves quoted in `list["User"]`."""
    if isinstance(hint, GenericAlias):
        hint = _types.with_args(hint, lambda arg: typing.ForwardRef(arg) if isinstance(arg, str) else arg)
    return _types.with_args(hint, _with_references)


def _closed_over(target: Any) -> dict[str, Any]:
    """The names of the enclosing function that the function uses itself."""
    free = getattr(getattr(target, "__code__", None), "co_freevars", ())
    cells = getattr(target, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(free, cells, strict=True) if cell != CellType()}


def _imported_for_type_checking(target: Any, name: str) -> Any:
    """What the module of the function imports as `name` for type checkers only. `LookupError`: nothing."""
    module = sys.modules.get(getattr(target, "__module__", None) or "")
    if module is not None:
        for statement in _type_checking_imports(module):
            for alias in statement.names:
                bound = alias.asname or (
                    alias.name if isinstance(statement, ast.ImportFrom) else alias.name.partition(".")[0]
                )
                if bound == name:
                    return _imported(module, statement, alias)
    raise LookupError(name)


def _imported(module: ModuleType, statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Any:
    if isinstance(statement, ast.Import):
        imported = importlib.import_module(alias.name)
        return imported if alias.asname else sys.modules[alias.name.partition(".")[0]]
    source = importlib.import_module("." * statement.level + (statement.module or ""), module.__package__)
    try:
        return getattr(source, alias.name)
    except AttributeError:
        return importlib.import_module(f"{source.__name__}.{alias.name}")


def _type_checking_imports(module: ModuleType) -> Iterator[ast.Import | ast.ImportFrom]:
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):  # no source: a REPL, a frozen module
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            for statement in ast.walk(ast.Module(body=node.body, type_ignores=[])):
                if isinstance(statement, (ast.Import, ast.ImportFrom)):
                    yield statement
