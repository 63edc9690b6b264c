"""The auth service: OAuth 2.0 as RFC 6749 has it, tokens, API keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import jwt
import pytest
from support.program import Program

from .starting import started, tried

SECRET = "a-secret-of-thirty-two-bytes-or-more"
REPORTING = ("reporting", "a secret: 100%")
PASSWORD = "correct horse battery"


addresses = (f"127.0.0.{number}" for number in range(2, 255))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    env = {"JWT_SECRET": SECRET, "REPORTING_SECRET": REPORTING[1], "BATCH_KEY": "batch-key"}
    with started("auth/app.py", tmp_path_factory.mktemp("auth"), env) as running:
        ada = {"username": "ada", "password": PASSWORD}
        httpx.post(f"{running.url}/users", json=ada, timeout=20).raise_for_status()
        yield running


@pytest.fixture
def client(program: Program) -> Iterator[httpx.Client]:
    """A client with an address of its own, whose requests nobody has counted yet."""
    transport = httpx.HTTPTransport(local_address=next(addresses))
    with httpx.Client(base_url=program.url, transport=transport, timeout=20) as client:
        yield client


def ask(client: httpx.Client, *credentials: str, **form: str) -> httpx.Response:
    # RFC 6749 section 2.3.1: name and secret are form-encoded before they are put into the header.
    basic = httpx.BasicAuth(*map(quote_plus, credentials)) if credentials else httpx.USE_CLIENT_DEFAULT
    return client.post("/token", data=form, auth=basic)


def error_of(response: httpx.Response) -> tuple[int, Any]:
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"error", "error_description"}
    return response.status_code, response.json()["error"]


def authorization(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


def test_a_user_gets_a_token_for_the_password(client: httpx.Client) -> None:
    granted = ask(client, grant_type="password", username="ada", password=PASSWORD)
    assert (granted.headers["cache-control"], granted.headers["pragma"]) == ("no-store", "no-cache")
    body = granted.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "profile")
    claims = jwt.decode(body["access_token"], SECRET, ["HS256"], audience="api.example.com")
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("user:ada", 900)
    me = client.get("/me", headers=authorization(granted))
    assert (me.json()["user"], me.json()["scope"]) == ("user:ada", "profile")


def test_a_client_gets_a_token_for_its_own_credentials(client: httpx.Client) -> None:
    by_header = ask(client, *REPORTING, grant_type="client_credentials")
    by_form = ask(client, grant_type="client_credentials", client_id=REPORTING[0], client_secret=REPORTING[1])
    for granted in (by_header, by_form):
        reports = client.get("/reports", headers=authorization(granted))
        assert reports.json()["for"] == "client:reporting"
    assert client.get("/me", headers=authorization(by_header)).status_code == 403


def test_an_api_key_is_enough_for_programs(client: httpx.Client) -> None:
    assert client.get("/reports", headers={"X-API-Key": "batch-key"}).json()["for"] == "batch"
    assert client.get("/reports", headers={"X-API-Key": "another"}).status_code == 401
    assert client.get("/me", headers={"X-API-Key": "batch-key"}).status_code == 401
    nobody = client.get("/reports")
    assert nobody.headers.get_list("www-authenticate") == ["Bearer", 'ApiKey header="X-API-Key"']


GRANT = {"grant_type": "password", "username": "ada", "password": PASSWORD}
REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({}, 400, "invalid_request"),
    ({"grant_type": ""}, 400, "invalid_request"),
    ({"grant_type": "password", "username": "ada"}, 400, "invalid_request"),
    ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
    (GRANT | {"password": "wrong"}, 400, "invalid_grant"),
    (GRANT | {"username": "nobody"}, 400, "invalid_grant"),
    (GRANT | {"scope": "profile reports:read"}, 400, "invalid_scope"),
    (GRANT | {"client_id": "reporting", "client_secret": "wrong"}, 401, "invalid_client"),
    ({"grant_type": "client_credentials"}, 401, "invalid_client"),
]


@pytest.mark.parametrize(("form", "status", "error"), REFUSED)
def test_refusals_are_those_of_section_5_2(client: httpx.Client, form: dict[str, str], status: int, error: str) -> None:
    assert error_of(ask(client, **form)) == (status, error)


def test_a_client_that_used_the_header_is_challenged(client: httpx.Client) -> None:
    for auth in (("reporting", "wrong"), ("unknown", "secret")):
        refused = ask(client, *auth, grant_type="client_credentials")
        assert error_of(refused) == (401, "invalid_client")
        assert refused.headers["www-authenticate"].startswith("Basic")
    assert error_of(ask(client, *REPORTING, **GRANT)) == (400, "unauthorized_client")
    both = ask(client, *REPORTING, grant_type="client_credentials", client_secret=REPORTING[1])
    assert error_of(both) == (400, "invalid_request")
    for header in ("Basic !", "Bearer abc", "Basic"):
        refused = client.post("/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
        assert error_of(refused) == (401, "invalid_client")


def test_what_is_no_form_of_single_fields_is_refused_in_the_same_words(client: httpx.Client) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    twice = client.post("/token", content="grant_type=password&grant_type=password", headers=form)
    assert error_of(twice) == (400, "invalid_request")
    assert error_of(client.post("/token", json=GRANT)) == (400, "invalid_request")
    assert error_of(client.post("/token", content=b"grant_type", headers={"content-type": "text/plain"})) == (
        400,
        "invalid_request",
    )


def test_accounts_are_checked_and_their_names_are_taken_once(client: httpx.Client) -> None:
    assert client.post("/users", json={"username": "ada", "password": PASSWORD}).status_code == 409
    refused = client.post("/users", json={"username": "Ada!", "password": "short"})
    assert [error["loc"] for error in refused.json()["errors"]] == [["body", "username"], ["body", "password"]]


def test_guessing_is_slow(client: httpx.Client) -> None:
    statuses = {ask(client, grant_type="password", username="ada").status_code for _ in range(40)}
    assert statuses == {400, 429}


def test_a_token_of_another_issuer_audience_or_time_is_none(client: httpx.Client) -> None:
    claims = {"iss": "https://auth.example.com", "aud": "api.example.com", "sub": "user:ada", "scope": "profile"}
    good: dict[str, object] = {**claims, "exp": 4102444800}
    changes: list[tuple[dict[str, object], int]] = [
        ({}, 200),
        ({"iss": "https://other.example.com"}, 401),
        ({"aud": "other.example.com"}, 401),
        ({"exp": 1700000000}, 401),
        ({"scope": "other"}, 403),
    ]
    for wrong, status in changes:
        token = jwt.encode(good | wrong, SECRET, "HS256")
        assert client.get("/me", headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_what_it_says_can_be_tried(tmp_path: Path) -> None:
    with started("auth/app.py", tmp_path) as program:
        first, second, *rest = (f"  {line}" for line in re.findall("curl .*", program.log))
        assert tried(first, program, tmp_path) == ['{"username":"ada"} 201']
        (granted,) = tried(second, program, tmp_path)
        token = re.findall('"access_token":"([^"]+)"', granted)[0]
        answers = tried("\n".join(rest), program, tmp_path, TOKEN=token)
        assert [answer.split()[-1] for answer in answers] == ["200", "200", "200"]
