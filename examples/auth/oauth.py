"""The token endpoint of OAuth 2.0 (RFC 6749) for two grants: a user's password, a client's own credentials.

Errors have the form of section 5.2 and not of problem details, since that is what clients of OAuth 2.0 read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote_plus

from accounts import Account, Clients, Users
from msgspec import Struct
from tokens import Tokens

from spikard import Form, Header, Request, Response, Router

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
]
# Section 5.1: nobody on the way keeps a token.
NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}


class TokenRequest(Struct):
    """The form of a request for a token. What is sent without a value counts as not sent (section 3.2)."""

    grant_type: str = ""
    scope: str = ""
    username: str = ""
    password: str = ""
    client_id: str = ""
    client_secret: str = ""


class Token(Struct):
    """A token (section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class Refusal(Struct):
    """A refusal (section 5.2)."""

    error: ErrorCode
    error_description: str


class OAuthError(Exception):
    """A refusal as section 5.2 has it."""

    def __init__(self, error: ErrorCode, description: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error, description)
        self.error: ErrorCode = error
        self.description = description
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer: 400, except for a client that is not who it says."""
        return Response(
            Refusal(self.error, self.description),
            status_code=401 if self.error == "invalid_client" else 400,
            headers=NOT_STORED | self.headers,
        )


router = Router()


# A function that is not async runs on a thread: the others are served while scrypt works. The limit, by
# address, makes guessing slow; it is counted before anything is hashed.
@router.post(
    "/token",
    rate_limit={"per_second": 1, "burst": 20},
    responses={200: Token, 400: {"model": Refusal}, 401: {"model": Refusal}},
)
def issue_token(
    form: Form[TokenRequest], users: Users, clients: Clients, tokens: Tokens, authorization: str = Header("")
) -> Response:
    """Issues a token for whoever the form and the header prove to be there."""
    client = _client(form, authorization, clients)
    if not form.grant_type:
        raise OAuthError("invalid_request", "grant_type is missing")
    if form.grant_type == "password":  # section 4.3
        if client is not None:
            raise OAuthError("unauthorized_client", "this client gets tokens for itself only")
        if not form.username or not form.password:
            raise OAuthError("invalid_request", "username and password are required")
        account = users.verified(form.username, form.password)
        if account is None:
            raise OAuthError("invalid_grant", "the username or the password is wrong")
        subject = f"user:{account.name}"
    elif form.grant_type == "client_credentials":  # section 4.4
        if client is None:
            raise OAuthError("invalid_client", "the client has to authenticate", {"www-authenticate": "Basic"})
        account = client
        subject = f"client:{account.name}"  # never the name alone: a user could have the same
    else:
        raise OAuthError("unsupported_grant_type", "expected password or client_credentials")
    scope = " ".join(sorted(_scopes(form.scope, account)))
    return Response(
        Token(tokens.issue(subject, scope), "Bearer", tokens.lifetime, scope),
        headers=NOT_STORED,
    )


@router.on_error
def as_oauth_error(response: Response) -> Response:
    """Says what the server itself refuses (a field sent twice, JSON) as clients of OAuth 2.0 expect it."""
    if response.status_code in (400, 415, 422) and response.media_type == "application/problem+json":
        return OAuthError("invalid_request", "expected a form, each field at most once").response()
    return response


def oauth_error(_request: Request, error: OAuthError) -> Response:
    """The handler of the exception."""
    return error.response()


def _client(form: TokenRequest, authorization: str, clients: Clients) -> Account | None:
    """The client that authenticates, by header or form (section 2.3.1); `None`: it does not try to."""
    challenge = {}
    name, secret = form.client_id, form.client_secret
    if authorization:
        if secret:
            raise OAuthError("invalid_request", "credentials in header and form, expected one of them")
        challenge = {"www-authenticate": "Basic"}
        name, secret = _basic(authorization)
    elif not secret:
        return None
    client = clients.verified(name, secret)
    if client is None:
        raise OAuthError("invalid_client", "the client is unknown, or its secret is wrong", challenge)
    return client


def _basic(authorization: str) -> tuple[str, str]:
    """Name and secret of `Basic` (RFC 7617); empty ones, which no client has, for anything else."""
    scheme, _, credentials = authorization.partition(" ")
    try:
        name, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (unquote_plus(name), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")


def _scopes(asked: str, account: Account) -> frozenset[str]:
    """The scopes that are asked for; all that the account has, if none are (section 3.3)."""
    scopes = frozenset(asked.split()) or account.scopes
    if not scopes <= account.scopes:
        raise OAuthError("invalid_scope", "more than this account may have")
    return scopes
