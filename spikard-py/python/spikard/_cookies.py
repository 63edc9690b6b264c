"""One `Set-Cookie` line, as RFC 6265bis section 4.1 writes it.

A cookie that a browser would drop without a word (`__Host-` with a domain, `SameSite=None` without
`Secure`) is an error here, and so is a character with which a value could add attributes or headers.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias

SameSite: TypeAlias = Literal["strict", "lax", "none"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(r'[!#-+\--:<-\[\]-~]*|"[!#-+\--:<-\[\]-~]*"').fullmatch
_PATH = re.compile(r"/[\x20-:<-~]*").fullmatch
_DOMAIN = re.compile(r"\.?[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*").fullmatch


def set_cookie_line(
    name: str,
    value: str,
    *,
    max_age: int | timedelta | None,
    expires: datetime | None,
    path: str | None,
    domain: str | None,
    secure: bool,
    httponly: bool,
    samesite: SameSite | None,
    partitioned: bool,
) -> str:
    """The value of a `Set-Cookie` header. Raises `ValueError` for what no browser would keep."""
    if not _NAME(name):
        raise ValueError(f"cookie name is {name!r}, expected letters, digits and !#$%&'*+-.^_`|~")
    if not _VALUE(value):
        raise ValueError(
            f"cookie {name!r} is {value!r}, expected ASCII without spaces, quotes, commas, semicolons and "
            "backslashes: encode it, for instance with urllib.parse.quote"
        )
    line = [f"{name}={value}"]
    if expires is not None:
        line.append(f"Expires={_http_date(name, expires)}")
    if max_age is not None:
        seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
        line.append(f"Max-Age={int(seconds)}")
    if domain is not None:
        if not _DOMAIN(domain):
            raise ValueError(f"domain of cookie {name!r} is {domain!r}, expected a host name")
        line.append(f"Domain={domain}")
    if path is not None:
        if not _PATH(path):
            raise ValueError(f"path of cookie {name!r} is {path!r}, expected a path that starts with '/', without ';'")
        line.append(f"Path={path}")
    if secure:
        line.append("Secure")
    if httponly:
        line.append("HttpOnly")
    if samesite is not None:
        line.append(f"SameSite={_same_site(name, samesite)}")
    if partitioned:
        line.append("Partitioned")
    _refuse_what_browsers_drop(
        name, path=path, domain=domain, secure=secure, samesite=samesite, partitioned=partitioned
    )
    return "; ".join(line)


def _http_date(name: str, expires: datetime) -> str:
    if expires.tzinfo is None:
        raise ValueError(f"expires of cookie {name!r} is {expires!r}, expected a datetime with a time zone")
    from email.utils import format_datetime

    return format_datetime(expires.astimezone(timezone.utc), usegmt=True)


def _same_site(name: str, samesite: str) -> str:
    if samesite.lower() not in ("strict", "lax", "none"):
        raise ValueError(f"samesite of cookie {name!r} is {samesite!r}, expected 'strict', 'lax' or 'none'")
    return samesite.capitalize()


def _refuse_what_browsers_drop(
    name: str, *, path: str | None, domain: str | None, secure: bool, samesite: str | None, partitioned: bool
) -> None:
    """RFC 6265bis sections 4.1.3 and 5.7; `Partitioned` is draft-cutler-httpbis-partitioned-cookies."""
    prefix = name.lower()
    if prefix.startswith(("__secure-", "__host-")) and not secure:
        raise ValueError(f"cookie {name!r} is not secure, expected secure=True for its prefix")
    if prefix.startswith("__host-") and (path != "/" or domain is not None):
        raise ValueError(f"cookie {name!r} has path {path!r}, domain {domain!r}, expected '/' and none for its prefix")
    if samesite is not None and samesite.lower() == "none" and not secure:
        raise ValueError(f"cookie {name!r} has samesite='none', expected secure=True with it")
    if partitioned and not secure:
        raise ValueError(f"cookie {name!r} is partitioned, expected secure=True with it")
