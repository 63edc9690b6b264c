"""`spikard openapi` writes what an application, or a file that mounts one, would serve; nothing listens."""

import json
import subprocess
import sys

import pytest

APP = """
from msgspec import Struct

from spikard import JwtConfig, OpenApiConfig, ServerConfig, Spikard


class Order(Struct):
    item: str


config = ServerConfig(
    jwt_auth=JwtConfig(secret="a secret of at least thirty-two bytes"),
    openapi=OpenApiConfig(title="Shop", version="2"),
)
app = Spikard(config=config)


@app.post("/orders/{number:int}")
async def order(number: int, body: Order) -> Order:
    return body


@app.get("/open", jwt_auth=False)
async def open_() -> str:
    return "open"


@app.on_startup
def never():
    raise RuntimeError("started")


if __name__ == "__main__":
    import json

    print(json.dumps(app.openapi(), indent=2))
"""

FILE = """
[openapi]
title = "All"

[[routes]]
path = "/shop/{*rest}"
python = "shop:app"
rate_limit = { per_second = 1, burst = 1 }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "spikard.toml").write_text(FILE)
    return tmp_path


def run(folder, *arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def written(folder, source):
    said = run(folder, "spikard", "openapi", source)
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_document_of_an_application_is_the_one_that_it_serves(folder):
    text = written(folder, "shop:app")
    assert text == run(folder, "shop").stdout == written(folder, "shop.py")
    document = json.loads(text)
    assert document["info"] == {"title": "Shop", "version": "2"}
    order = document["paths"]["/orders/{number}"]["post"]
    assert order["security"] == [{"jwt_auth": []}]
    assert set(order["responses"]) >= {"200", "400", "401", "413", "415", "422"}
    assert order["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert "security" not in document["paths"]["/open"]["get"]


def test_a_file_that_mounts_an_application_has_its_operations_below_the_path(folder):
    document = json.loads(written(folder, "spikard.toml"))
    assert list(document["paths"]) == ["/shop/orders/{number}", "/shop/open"]
    order = document["paths"]["/shop/orders/{number}"]["post"]
    assert "429" in order["responses"]
    assert "security" not in order  # the configuration of the application does not count there


def test_a_file_of_another_state_is_told_from_the_document(folder):
    assert run(folder, "spikard", "openapi", "shop:app", "-o", "openapi.yaml").returncode == 0
    assert run(folder, "spikard", "openapi", "shop:app", "--check", "openapi.yaml").returncode == 0
    (folder / "shop.py").write_text(APP.replace("item: str", "item: int"))
    said = run(folder, "spikard", "openapi", "shop:app", "--check", "openapi.yaml")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("spikard: openapi.yaml: line ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nowhere:app", "spikard: module `nowhere` is not found\n"),
        ("shop:Order", "spikard: `Order` of shop is "),
        ("nothing.toml", "file cannot be read"),
    ],
)
def test_what_is_not_there_is_said(folder, source, message):
    said = run(folder, "spikard", "openapi", source)
    assert said.returncode == 1
    assert message in said.stderr
