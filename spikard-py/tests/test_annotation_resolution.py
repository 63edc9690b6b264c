"""Annotations mean what they say, whatever is quoted, local or imported for checkers only."""

# ruff: noqa: F401, RUF013  # the imports are what is resolved

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from spikard._annotations import resolve
from spikard.params import Query

if TYPE_CHECKING:
    import decimal as numbers
    import email.message
    from collections import OrderedDict, nothing_of_the_kind  # type: ignore[attr-defined]
    from decimal import Decimal

    from no_such_package import Absent  # type: ignore[import-not-found]


class Global: ...


def outer():
    class Local: ...

    def closed_over(x: Local):
        return Local

    def not_closed_over(x: Local): ...

    return closed_over, not_closed_over, locals()


def test_text_names_globals_and_builtins():
    def function(a: Global, b: list[Global] | None, c: int) -> Global: ...

    assert resolve(function) == {"a": Global, "b": list[Global] | None, "c": int, "return": Global}


def test_a_name_that_the_function_uses_is_found_in_its_closure():
    closed_over, _, names = outer()
    assert resolve(closed_over) == {"x": names["Local"]}


def test_a_name_local_to_the_decorator_is_found_in_the_names_handed_over():
    _, not_closed_over, names = outer()
    assert resolve(not_closed_over, names) == {"x": names["Local"]}


def test_imports_for_type_checkers_are_made():
    import decimal
    from email import message

    def function(a: Decimal, b: numbers.Decimal, c: email.message.Message, d: list[Decimal]) -> Decimal: ...

    assert resolve(function) == {
        "a": decimal.Decimal,
        "b": decimal.Decimal,
        "c": message.Message,
        "d": list[decimal.Decimal],
        "return": decimal.Decimal,
    }


def test_quotes_within_annotations_are_read():
    def function(a: Annotated["Global", 1], b: "list['Global']", c: Query["Global"]): ...  # noqa: UP037

    hints = resolve(function)
    assert hints["a"] == Annotated[Global, 1]
    assert hints["b"] == list[Global]
    assert hints["c"].__origin__ is Global


def test_a_default_of_none_adds_nothing_to_the_annotation():
    def function(a: int = None): ...  # type: ignore[assignment]

    assert resolve(function) == {"a": int}


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        ("Missing", "name 'Missing' is not defined"),
        ("Absent", "'Absent' cannot be imported: No module named 'no_such_package'"),
        ("nothing_of_the_kind", "'nothing_of_the_kind' cannot be imported"),
        ("list[", "SyntaxError"),
        ("Global.inner", "AttributeError"),
    ],
)
def test_what_has_no_meaning_is_an_error_with_file_and_line(annotation, reason):
    def function(): ...

    function.__annotations__ = {"user": annotation}
    line = function.__code__.co_firstlineno
    place = rf"{re.escape(__file__)}:{line}: .*function: the annotation of 'user' cannot be resolved: .*{reason}"
    with pytest.raises(TypeError, match=place):
        resolve(function)


def test_the_function_behind_a_wrapper_is_read():
    def function(a: Global, b: int): ...

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any): ...

    class Callable:
        def __call__(self, a: Global): ...

    assert resolve(wrapper) == resolve(functools.partial(function, b=1)) == {"a": Global, "b": int}
    assert resolve(Callable()) == resolve(Callable().__call__) == {"a": Global}
