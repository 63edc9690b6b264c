"""Access tokens: signed here, and checked by the server before a handler runs."""

from __future__ import annotations

import time
import uuid

import jwt

from spikard import JwtConfig

ISSUER = "https://auth.example.com"
AUDIENCE = "api.example.com"


class Tokens:
    """Issues JSON Web Tokens, and says how they are checked."""

    def __init__(self, secret: str, lifetime: int = 900) -> None:
        self._secret = secret
        self.lifetime = lifetime

    def issue(self, subject: str, scope: str) -> str:
        """A token that says who it stands for and what it is good for."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "scope": scope,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def check(self) -> JwtConfig:
        """The policy that lets these tokens through and no others."""
        return JwtConfig(secret=self._secret, issuer=ISSUER, audience=AUDIENCE)
