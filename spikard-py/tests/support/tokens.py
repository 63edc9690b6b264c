"""JSON Web Tokens, signed by hand: tests need keys and claims that a library would refuse or complete."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json


def token(key: str, **claims: object) -> str:
    """A token with these claims, signed with HS256."""
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_text(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def bearer(key: str, **claims: object) -> dict[str, str]:
    """The header field with such a token."""
    return {"Authorization": f"Bearer {token(key, **claims)}"}


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
