"""`set_cookie` and `delete_cookie`: every attribute, and what no browser would keep."""

from datetime import datetime, timedelta, timezone

import pytest

from spikard.responses import Response


def lines(*, delete=False, **cookie):
    response = Response()
    (response.delete_cookie if delete else response.set_cookie)(**cookie)
    return response.headers.getall("set-cookie")


def test_a_plain_cookie_is_for_the_whole_site_and_lax():
    assert lines(key="a", value="b") == ["a=b; Path=/; SameSite=Lax"]


def test_every_attribute_is_written():
    expires = datetime(2026, 11, 21, 13, 0, tzinfo=timezone(timedelta(hours=1)))
    assert lines(
        key="sid",
        value="x",
        max_age=60,
        expires=expires,
        path="/app",
        domain="example.com",
        secure=True,
        httponly=True,
        samesite="none",
        partitioned=True,
    ) == [
        "sid=x; Expires=Sat, 21 Nov 2026 12:00:00 GMT; Max-Age=60; Domain=example.com; Path=/app; "
        "Secure; HttpOnly; SameSite=None; Partitioned"
    ]
    assert lines(key="a", value="b", path=None, samesite=None, max_age=timedelta(hours=1)) == ["a=b; Max-Age=3600"]


def test_several_cookies_are_all_kept_in_order():
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    response.delete_cookie("c")
    status, headers, body = response.__spikard__(lambda value: b"")
    assert [value.split(";")[0] for name, value in headers if name == "set-cookie"] == ["a=1", "b=2", "c="]
    assert (status, body) == (200, b"")


def test_deleting_sets_a_time_that_is_over():
    assert lines(delete=True, key="a") == ["a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax"]


@pytest.mark.parametrize(
    "cookie",
    [
        {"key": "a; Domain=evil"},
        {"key": ""},
        {"key": "a", "value": "b; Domain=evil.example"},
        {"key": "a", "value": "b\r\nx: y"},
        {"key": "a", "value": "John Doe"},
        {"key": "a", "value": "é"},
        {"key": "a", "path": "/; Secure"},
        {"key": "a", "path": "app"},
        {"key": "a", "domain": "example.com; Secure"},
        {"key": "a", "samesite": "sometimes"},
        {"key": "a", "samesite": "none"},
        {"key": "a", "partitioned": True},
        {"key": "a", "expires": datetime(2026, 1, 1)},
        {"key": "__Secure-a"},
        {"key": "__Host-a", "secure": True, "path": "/app"},
        {"key": "__host-a", "secure": True, "domain": "example.com"},
    ],
)
def test_refuses_what_adds_attributes_and_what_no_browser_keeps(cookie):
    with pytest.raises(ValueError, match=r"cookie .*expected"):
        lines(**cookie)


def test_takes_prefixes_with_what_they_ask_for():
    assert lines(key="__Host-a", value="1", secure=True) == ["__Host-a=1; Path=/; Secure; SameSite=Lax"]
