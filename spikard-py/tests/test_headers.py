"""Header fields: names without case, several lines, nothing that could end one."""

import pytest

from spikard.datastructures import Headers


def test_names_have_no_case():
    headers = Headers({"X-Tag": "a"})
    assert headers["x-tag"] == headers["X-TAG"] == "a"
    assert "x-Tag" in headers
    del headers["X-tag"]
    assert len(headers) == 0


def test_lines_of_one_name_are_kept_apart_and_read_together():
    headers = Headers([("vary", "origin"), ("Vary", "accept"), ("etag", '"1"')])
    assert headers["vary"] == "origin, accept"
    assert headers.getall("VARY") == ["origin", "accept"]
    assert headers.lines() == [("vary", "origin"), ("vary", "accept"), ("etag", '"1"')]
    headers["vary"] = "*"
    assert headers.getall("vary") == ["*"]


def test_a_copy_keeps_lines_and_changes_alone():
    first = Headers([("a", "1"), ("a", "2")])
    second = Headers(first)
    second.add("a", "3")
    assert first.getall("a") == ["1", "2"]
    assert second.getall("a") == ["1", "2", "3"]


def test_equals_a_mapping_with_other_case():
    assert Headers({"A": "1"}) == {"a": "1"}
    assert Headers({"A": "1"}) == Headers([("a", "1")])
    assert Headers({"A": "1"}) != {"a": "2"}


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b=c", "a\nb", "a\0", "a\x7f", "€"])
def test_refuses_a_value_that_no_line_can_hold(value):
    headers = Headers()
    for change in (
        lambda: headers.add("x", value),
        lambda: headers.update({"x": value}),
        lambda: Headers({"x": value}),
    ):
        with pytest.raises(ValueError, match=r"header 'x' is .*, expected latin-1 without control characters"):
            change()
    assert len(headers) == 0


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "ä"])
def test_refuses_a_name_that_is_no_token(name):
    with pytest.raises(ValueError, match=r"header name is"):
        Headers({name: "v"})


def test_refuses_what_is_no_text():
    with pytest.raises(TypeError, match=r"header 'x' is 5, expected a str"):
        Headers({"x": 5})
