"""An upstream in a `ServerConfig` that is held to its OpenAPI document: what does not fit never reaches it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from spikard import ServerConfig, Spikard, TestClient
from spikard.config import RouteConfig, UpstreamConfig

USER = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 3}}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Users", "version": "1"},
    "paths": {
        "/users/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "put": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": USER}}},
                "responses": {"200": {"description": "The user.", "content": {"application/json": {"schema": USER}}}},
            },
        }
    },
}


class Echo(BaseHTTPRequestHandler):
    """Gives back what was sent, and records it."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((self.path, body))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream():
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.seen = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def client(upstream, tmp_path):
    (tmp_path / "users.json").write_text(json.dumps(DOCUMENT))
    users = UpstreamConfig(
        targets=[f"http://127.0.0.1:{upstream.server_port}"], strip_prefix="/api", openapi=tmp_path / "users.json"
    )
    route = RouteConfig(path="/api/{*rest}", upstream="users", validate="both")
    with TestClient(Spikard(config=ServerConfig(upstreams={"users": users}, routes=[route]))) as client:
        yield client


def test_a_request_that_fits_arrives_as_it_was_sent(client, upstream):
    response = client.put("/api/users/1", content=b'{ "name": "Ada" }', headers={"content-type": "application/json"})
    assert (response.status_code, response.content) == (200, b'{ "name": "Ada" }')
    assert upstream.seen == [("/users/1", b'{ "name": "Ada" }')]


def test_a_request_that_does_not_fit_never_arrives(client, upstream):
    response = client.put("/api/users/one", json={"name": "Charles"})
    assert response.status_code == 422
    places = [(error["type"], error["loc"]) for error in response.json()["errors"]]
    assert places == [("int_parsing", ["path", "id"]), ("string_too_long", ["body", "name"])]
    assert client.get("/api/users/1").status_code == 405
    assert client.get("/api/orders").status_code == 404
    assert upstream.seen == []


def test_a_key_without_effect_is_an_error_that_names_the_attribute():
    route = RouteConfig(path="/a", upstream="users", validate="request")
    users = UpstreamConfig(targets=["http://127.0.0.1:1"])
    app = Spikard(config=ServerConfig(upstreams={"users": users}, routes=[route]))
    with pytest.raises(ValueError, match=r"routes\[0\]\.validate.*expected `openapi`"), TestClient(app) as client:
        client.get("/a")
