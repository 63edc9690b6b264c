"""Servers do what their documents say, and nothing else: schemathesis asks them, with all of its checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from examples.starting import free_port, started
from support.program import Program, until
from support.tokens import bearer

from . import synthetic
from .documents import EXAMPLES, GATEWAY, TESTS

pytest.importorskip("schemathesis", reason="schemathesis asks for Python 3.11")

SOME = [
    # One place for each type is enough here; the others are in test_documents.py.
    *("--include-path-regex", "^/(bodies/[^/]+$|parameters/(query|list)/|paths|forms|answers|socket)"),
    *("--exclude-method", "PUT", "--max-examples", "3", "--phases", "coverage,fuzzing"),
    # schemathesis 4.32 writes `prefixItems` anew in place, and then takes its own result for a wrong schema.
    *("--exclude-path-regex", "^/bodies/(Containers|Named|Pair)$"),
]
LIAR = """
from spikard import JSONResponse, OpenApiConfig, ServerConfig, Spikard

app = Spikard(ServerConfig(openapi=OpenApiConfig(enabled=True)))


@app.get("/a", responses={200: int})
async def a() -> JSONResponse:
    return JSONResponse("no number")


@app.get("/b", responses={200: int})
async def b() -> JSONResponse:
    return JSONResponse(1, status_code=202)


app.run()
"""
SECRET = "a-secret-of-thirty-two-bytes-or-more"
PATIENCE = 200
TOKEN = {
    "iss": "https://auth.example.com",
    "aud": "api.example.com",
    "sub": "user:ada",
    "scope": "profile reports:read",
}


def judged(
    url: str,
    folder: Path,
    *options: str,
    document: Path | None = None,
    auth: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """What schemathesis says of a server; the test fails if it finds anything."""
    tables = [f"[auth.openapi.{scheme}]\n" + keys(table) for scheme, table in (auth or {}).items()]
    (folder / "schemathesis.toml").write_text("\n".join(tables))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(document or f"{url}/openapi.json")),
        *("--checks", "all", "--max-examples", "10", "--seed", "20261121", "--continue-on-failure"),
        *("--generation-database", "none", "--no-color", "--request-timeout", "20", *options),
    ]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi.judged", "PYTHONPATH": str(TESTS)}
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def keys(table: Mapping[str, str]) -> str:
    return "".join(f'{key} = "{value}"\n' for key, value in table.items())


def bearer_token(**claims: str) -> str:
    return bearer(SECRET, exp=4102444800, **{**TOKEN, **claims})["Authorization"].removeprefix("Bearer ")


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("name", ["chat", "dashboard", "files", "rest"])
def test_an_example_does_what_its_document_says(name: str, tmp_path: Path) -> None:
    with started(f"{name}/app.py", tmp_path) as program:
        judged(program.url, tmp_path)


@pytest.mark.timeout(PATIENCE)
def test_the_example_of_accounts_does_what_its_document_says(tmp_path: Path) -> None:
    with started("auth/app.py", tmp_path, {"JWT_SECRET": SECRET, "BATCH_KEY": "batch-key"}) as program:
        schemes = {"jwt_auth": {"bearer": bearer_token()}, "api_key_auth": {"api_key": "batch-key"}}
        judged(program.url, tmp_path, auth=schemes)


@pytest.mark.timeout(PATIENCE)
def test_the_example_of_grpc_does_what_its_document_says(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLES / "grpc", tmp_path / "grpc"))
    with Program(["./run.sh", "0"], cwd=folder, env={"PYTHON": sys.executable}) as program:
        judged(program.url, tmp_path)


@pytest.mark.timeout(PATIENCE)
def test_a_gateway_and_what_stands_behind_it_do_what_their_document_says(tmp_path: Path) -> None:
    env = {"ORDERS_PORT": str(free_port()), "JWT_SECRET": SECRET, "PARTNER_KEY": "partner-key"}
    with started("gateway/run.py", tmp_path, env, free_port()) as program:
        orders = f"http://127.0.0.1:{env['ORDERS_PORT']}"
        assert until(lambda: reached(orders)), program.log
        document = GATEWAY.write(tmp_path / "openapi.json")
        token = bearer_token(scope="orders:write")
        schemes = {"jwt_auth": {"bearer": token}, "api_key_auth": {"api_key": "partner-key"}}
        judged(program.url, tmp_path, "--url", program.url, document=document, auth=schemes)


def reached(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 404
    except httpx.HTTPError:
        return False


@pytest.mark.timeout(PATIENCE)
def test_every_type_is_taken_and_given_as_the_document_says(tmp_path: Path) -> None:
    with Program.python("-m", "openapi.synthetic", env={"PYTHONPATH": str(TESTS), "SPIKARD_PORT": "0"}) as program:
        judged(program.url, tmp_path, *SOME, auth={"api_key_auth": {"api_key": synthetic.KEY}})


@pytest.mark.timeout(PATIENCE)
def test_a_server_that_does_something_else_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(LIAR)
    program = Program.python(tmp_path / "liar.py", env={"SPIKARD_PORT": "0"})
    with program, pytest.raises(AssertionError) as found:
        judged(program.url, tmp_path)
    for finding in ("ST103", "ST108"):
        assert finding in str(found.value)
