"""The gateway in front of an application of FastAPI."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.program import Program, until
from support.tokens import bearer

from .starting import EXAMPLES, free_port, started, tried

SECRET = "a-secret-of-thirty-two-bytes-or-more"
CLAIMS = {"iss": "https://auth.example.com", "aud": "api.example.com", "exp": 4102444800}
PARTNER = {"X-API-Key": "partner-key"}
ORDER = {"article": "tea", "quantity": 2}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    env = {"ORDERS_PORT": str(free_port()), "JWT_SECRET": SECRET, "PARTNER_KEY": "partner-key"}
    with started("gateway/run.py", tmp_path_factory.mktemp("gateway"), env, free_port()) as running:
        url = f"http://127.0.0.1:{env['ORDERS_PORT']}/docs"
        assert until(lambda: reached(url)), running.log
        yield running
    assert not reached(url)


@pytest.fixture(scope="module")
def client(program: Program) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=program.url) as client:
        yield client


def reached(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


def test_what_it_says_can_be_tried(program: Program, tmp_path: Path) -> None:
    answers = tried(program.log, program, tmp_path)
    assert [answer.split()[-1] for answer in answers] == ["401", "201", "201", "200", "200"]
    assert '"title":"Orders"' in answers[3]


def test_nobody_unknown_comes_in(client: httpx.Client) -> None:
    refused = client.get("/orders")
    assert refused.status_code == 401
    assert refused.headers.get_list("www-authenticate") == ["Bearer", 'ApiKey header="X-API-Key"']
    assert client.get("/orders", headers={"X-User": "root"}).status_code == 401
    assert client.get("/orders", headers=bearer("another-secret-of-thirty-two-bytes", **CLAIMS)).status_code == 401


def test_the_application_learns_who_asks_and_cannot_be_told_otherwise(client: httpx.Client) -> None:
    ada = bearer(SECRET, sub="user:ada", scope="orders:write", **CLAIMS)
    placed = client.post("/orders", json=ORDER, headers=ada | {"X-User": "root", "X-Consumer": "root"})
    assert placed.status_code == 201
    assert placed.json()["ordered_by"] == "user:ada"
    by_key = client.post("/orders", json=ORDER, headers=PARTNER | {"X-User": "root"}).json()
    assert by_key["ordered_by"] == "partner"
    assert client.get(f"/orders/{by_key['number']}", headers=PARTNER).json() == by_key


def test_ordering_takes_a_scope(client: httpx.Client) -> None:
    reader = bearer(SECRET, sub="user:bob", scope="orders:read", **CLAIMS)
    assert client.get("/orders", headers=reader).status_code == 200
    refused = client.post("/orders", json=ORDER, headers=reader)
    assert refused.status_code == 403
    assert "orders:write" in refused.headers["www-authenticate"]


def test_the_applications_own_answers_come_through(client: httpx.Client) -> None:
    wrong = client.post("/orders", json={"article": "tea", "quantity": 0}, headers=PARTNER)
    assert (wrong.status_code, wrong.json()["detail"][0]["loc"]) == (422, ["body", "quantity"])
    assert client.get("/orders/99999", headers=PARTNER).json() == {"detail": "no such order"}


def test_policies_stand_in_front(client: httpx.Client) -> None:
    large = client.post("/orders", content=b"x" * 70_000, headers=PARTNER)
    assert (large.status_code, large.json()["title"]) == (413, "Payload Too Large")
    document = client.get("/openapi.json", headers=PARTNER | {"Accept-Encoding": "gzip"})
    assert document.headers["content-encoding"] == "gzip"
    assert document.headers["x-content-type-options"] == "nosniff"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="an older FastAPI writes it in other words")
def test_the_document_in_the_folder_is_what_fastapi_says() -> None:
    command = [sys.executable, "-c", "import json, orders; print(json.dumps(orders.app.openapi()))"]
    said = subprocess.run(command, cwd=EXAMPLES / "gateway", capture_output=True, text=True, check=True)
    assert json.loads((EXAMPLES / "gateway/orders.json").read_text()) == json.loads(said.stdout)


def test_one_identity_cannot_ask_without_end(client: httpx.Client) -> None:
    eve = bearer(SECRET, sub="user:eve", **CLAIMS)
    refused = next(answer for _ in range(200) if (answer := client.get("/orders", headers=eve)).status_code != 200)
    assert refused.status_code == 429
    assert refused.json()["detail"] == "Over the limit of 10 requests per second, burst 20"
    assert client.get("/orders", headers=PARTNER).status_code == 200


def test_requests_are_logged_with_who_sent_them(program: Program, client: httpx.Client) -> None:
    client.get("/orders", headers=PARTNER).raise_for_status()
    assert program.logged(lambda line: re.search('"consumer": ?"partner"', line) is not None), program.log
