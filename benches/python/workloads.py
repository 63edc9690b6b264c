"""What is asked, and which answer is right; the same for every server."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HELLO = {"message": "Hello, World!"}
BOUNDARY = "a-boundary-of-the-benchmark"


@dataclass(frozen=True)
class Workload:
    """One kind of request."""

    name: str
    path: str
    answer: Any
    """The body as JSON; `None`: whatever a refusal says."""
    method: str = "GET"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200

    def check(self, port: int) -> None:
        """Asks once and holds status and body against what is expected."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(self.method, self.path, self.body or None, self.headers)
        response = connection.getresponse()
        body = response.read()
        shown = f"{self.name} on port {port}: {response.status} {body[:300]!r}"
        assert response.status == self.status, shown
        assert json.loads(body) == self.answer if self.answer is not None else body, shown

    def script(self, folder: Path) -> Path:
        """The request as a script of wrk."""
        stem = self.name.replace(" ", "-").replace("/", "-")
        data = folder / f"{stem}.body"
        data.write_bytes(self.body)
        lines = [
            f'wrk.method = "{self.method}"',
            *(f'wrk.headers["{name}"] = "{value}"' for name, value in self.headers.items()),
        ]
        if self.body:
            lines.append(f'local file = io.open("{data}", "rb"); wrk.body = file:read("*a"); file:close()')
        script = folder / f"{stem}.lua"
        script.write_text("\n".join(lines) + "\n")
        return script


def order(items: int) -> dict[str, Any]:
    """An order with so many items, about 100 bytes each."""
    item = {"name": "a thing of some length, number 1234", "price": 12.5, "tags": ["new", "blue", "large"]}
    return {
        "id": 7,
        "customer": "Ada Lovelace of London",
        "paid": True,
        "items": [{"id": n, **item} for n in range(items)],
    }


def echo(name: str, value: dict[str, Any]) -> Workload:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Workload(f"{name} JSON echo", "/orders", value, "POST", body, {"Content-Type": "application/json"})


def multipart(size: int) -> bytes:
    disposition = 'Content-Disposition: form-data; name="file"; filename="a.bin"'
    head = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    return head.encode() + bytes(range(256)) * (size // 256) + f"\r\n--{BOUNDARY}--\r\n".encode()


WORKLOADS = [
    Workload("async hello", "/", HELLO),
    Workload("sync hello", "/sync", HELLO),
    Workload("path and query", "/users/7?page=2&size=20&q=text", {"id": 7, "page": 2, "size": 20, "q": "text"}),
    echo("86 B", order(0) | {"customer": "Ada Lovelace of London and of all others"}),
    echo("1.5 kB", order(15)),
    echo("15 kB", order(152)),
    echo("150 kB", order(1510)),
    Workload(
        "form",
        "/form",
        {"name": "Ada", "age": 36},
        "POST",
        b"name=Ada&age=36",
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    Workload(
        "10 kB multipart",
        "/upload",
        {"name": "a.bin", "size": 10240},
        "POST",
        multipart(10240),
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    ),
    Workload(
        "invalid JSON",
        "/orders",
        None,
        "POST",
        json.dumps(order(1) | {"customer": ""}).encode(),
        {"Content-Type": "application/json"},
        status=422,
    ),
    Workload("sleep(0)", "/sleep0", HELLO),
    Workload("sleep(1 ms)", "/sleep1", HELLO),
    Workload("150 kB answer", "/large", {"text": "x" * 150_000}),
]
