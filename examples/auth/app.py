"""An auth service: accounts, tokens after OAuth 2.0, and routes that ask for a token or an API key.

    python examples/auth/app.py

It says what to try. `JWT_SECRET`, `REPORTING_SECRET` and `BATCH_KEY` set the secrets, which are made up otherwise.
"""

from __future__ import annotations

import os
import secrets
from typing import Annotated

from accounts import Clients, Users
from msgspec import Meta, Struct, field
from oauth import OAuthError, oauth_error
from oauth import router as oauth
from tokens import Tokens

from spikard import (
    ApiKeyConfig,
    HTTPException,
    LicenseInfo,
    OpenApiConfig,
    Request,
    RequireConfig,
    Response,
    ServerConfig,
    Spikard,
)


def secret(name: str) -> str:
    """A secret from the environment; one that is good until the program ends, if it is not there."""
    return os.environ.get(name) or secrets.token_urlsafe(32)


REPORTING_SECRET = secret("REPORTING_SECRET")
BATCH_KEY = secret("BATCH_KEY")

users = Users()
clients = Clients()
clients.add("reporting", REPORTING_SECRET, {"reports:read"})
tokens = Tokens(secret("JWT_SECRET"))

app = Spikard(
    ServerConfig(
        openapi=OpenApiConfig(
            enabled=True, title="Accounts", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        )
    )
)
# Handlers have parameters of these types; nothing of a request can take their place.
app.provide(Users, users)
app.provide(Clients, clients)
app.provide(Tokens, tokens)
app.exception_handler(OAuthError)(oauth_error)
app.include_router(oauth)


class Registration(Struct):
    """What a new user sends."""

    username: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]{1,31}$")]
    password: Annotated[str, Meta(min_length=12, max_length=256)]


class Registered(Struct):
    """A user who has an account now."""

    username: str


class Me(Struct):
    """What a token says of its user."""

    user: str
    scope: str
    until: int


class Reports(Struct):
    """The reports, and who gets them."""

    reader: str = field(name="for")
    reports: list[str]


@app.post(
    "/users",
    rate_limit={"per_second": 1, "burst": 10},
    responses={201: Registered, 409: {"description": "The username is taken"}},
)
def register(registration: Registration, users: Users) -> Response:
    """Adds a user; what does not fit `Registration` has been refused with 422 before."""
    if not users.add(registration.username, registration.password, {"profile"}):
        raise HTTPException(409, "the username is taken")
    return Response(Registered(registration.username), status_code=201)


# The token has been checked when this runs: signature, times, issuer, audience, scope. Otherwise the answer
# is 401 or 403, and says in `www-authenticate` what is missing.
@app.get("/me", jwt_auth=tokens.check(), require=RequireConfig(scopes=["profile"]))
async def me(request: Request) -> Me:
    """What the token says of its user."""
    claims = request.claims or {}
    return Me(user=claims["sub"], scope=claims["scope"], until=claims["exp"])


# Programs come with a token or with an API key, whichever they have.
@app.get(
    "/reports",
    jwt_auth=tokens.check(),
    api_key_auth=ApiKeyConfig(keys={"batch": BATCH_KEY}),
    require=RequireConfig(scopes=["reports:read"], consumers=["batch"]),
)
async def reports(request: Request) -> Reports:
    """Says who asks: the name of the key, or the subject of the token."""
    return Reports(reader=request.consumer or (request.claims or {})["sub"], reports=["2026-10", "2026-11"])


if __name__ == "__main__":
    print(f"""Try:
  curl --json '{{"username": "ada", "password": "correct horse battery"}}' localhost:8000/users
  curl -d grant_type=password -d username=ada -d 'password=correct horse battery' localhost:8000/token
  curl -H 'Authorization: Bearer TOKEN' localhost:8000/me
  curl -u reporting:{REPORTING_SECRET} -d grant_type=client_credentials localhost:8000/token
  curl -H 'X-API-Key: {BATCH_KEY}' localhost:8000/reports
""")
    app.run()
