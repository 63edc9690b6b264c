"""Passwords at rest: scrypt (RFC 7914) from the standard library, one text per password."""

from __future__ import annotations

import hashlib
import os
from hmac import compare_digest

# 16 MiB and about a tenth of a second for each guess. The text names its cost, so that raising it
# here leaves the passwords that are stored already valid.
N, R, P = 2**14, 8, 5


def hash_password(password: str) -> str:
    """What is stored in place of a password."""
    salt = os.urandom(16)
    return f"scrypt${N}${R}${P}${salt.hex()}${_derive(password, salt, N, R, P).hex()}"


def is_password(password: str, stored: str) -> bool:
    """Whether `stored` was made of this password; it takes as long if not."""
    _, n, r, p, salt, key = stored.split("$")
    derived = _derive(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return compare_digest(derived, bytes.fromhex(key))


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p)
