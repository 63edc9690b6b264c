"""Handlers behind TLS: in one process and in several, with certificates of clients, and redirects from HTTP."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import sys
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from support.program import Program

from spikard import Spikard
from spikard.config import CertificateConfig, ServerConfig, TlsConfig
from spikard.testing import TestClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no openssl program")

APP = """
from spikard import Request, Spikard
from spikard.config import CertificateConfig, ClientAuthConfig, ServerConfig, TlsConfig

tls = TlsConfig(
    certificates=[CertificateConfig("host.pem", key="host.key")],
    client_auth=ClientAuthConfig("ca.pem", mode="optional"),
    redirect_http=REDIRECT,
)
app = Spikard(config=ServerConfig(tls=tls))

@app.get("/me")
async def me(request: Request) -> dict:
    shown = request.client_certificate
    told = shown and {**shown._asdict(), "der": shown.der.hex()}
    return {"url": request.url, "certificate": told, "listed": request["client_certificate"] == shown}

app.run(host="127.0.0.1", port=0, workers=WORKERS)
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and certificates of the host and of a client."""
    folder = tmp_path_factory.mktemp("tls")
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, *new, "-x509", "-subj", "/CN=root", "-keyout", "ca.key", "-out", "ca.pem")
    for name, subject, names in [
        ("host", "/CN=host", "DNS:localhost"),
        ("till", "/O=Shop/CN=till 7", "URI:spiffe://shop/7,IP:192.0.2.7"),
    ]:
        openssl(folder, *new, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "0x0a0b", "-extfile", f"{name}.ext")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def ask(folder: Path, port: int, client: str | None) -> dict[str, Any]:
    """What a handler sees of a client with this certificate."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if client is not None:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    connection = HTTPSConnection("localhost", port, context=context, timeout=20)
    connection.request("GET", "/me")
    seen = json.loads(connection.getresponse().read())
    connection.close()
    assert isinstance(seen, dict)
    return seen


@pytest.mark.parametrize("workers", [1, 2])
def test_handlers_see_the_certificates_of_clients_and_http_is_redirected(folder: Path, workers: int) -> None:
    redirect = free_port()
    source = folder / f"app{workers}.py"
    source.write_text(APP.replace("REDIRECT", str(redirect)).replace("WORKERS", str(workers)))
    with Program.python(source, cwd=folder) as program:
        assert program.url.startswith("https://")
        port = program.address[1]
        url = f"https://localhost:{port}/me"
        assert ask(folder, port, None) == {"url": url, "certificate": None, "listed": True}

        seen = ask(folder, port, "till")["certificate"]
        der = ssl.PEM_cert_to_DER_cert((folder / "till.pem").read_text())
        assert seen == {
            "subject": "CN=till 7,O=Shop",
            "names": [["URI", "spiffe://shop/7"], ["IP", "192.0.2.7"]],
            "serial": "0a0b",
            "fingerprint": hashlib.sha256(der).hexdigest(),
            "der": der.hex(),
        }

        assert program.logged(lambda line: line == f"redirecting http://127.0.0.1:{redirect}")
        plain = HTTPConnection("127.0.0.1", redirect, timeout=20)
        plain.request("GET", "/me?a=1", headers={"Host": "localhost:80"})
        answer = plain.getresponse()
        assert (answer.status, answer.getheader("location")) == (308, f"{url}?a=1")
        plain.close()
        assert program.stop() == 0


SHOP = """
from spikard import Spikard

app = Spikard()

@app.get("/me")
async def me() -> dict:
    return {}
"""
FILE = """
tls.certificates = [{ certificate = "host.pem", key = "host.key" }]

[[routes]]
path = "/{*rest}"
python = "shop:app"
"""


def test_a_file_with_an_application_has_tls_as_well(folder: Path) -> None:
    (folder / "shop.py").write_text(SHOP)
    (folder / "spikard.toml").write_text(FILE)
    command = ("-m", "spikard", "serve", "spikard.toml", "--port", "0")
    with Program.python(*command, cwd=folder, env={"PYTHONPATH": str(folder)}) as program:
        assert ask(folder, program.address[1], None) == {}


def test_what_is_wrong_with_a_file_names_the_attribute(folder: Path) -> None:
    tls = TlsConfig(certificates=[CertificateConfig(str(folder / "host.pem"), key=str(folder / "till.key"))])
    wrong = r"ServerConfig\.tls\.certificates\[0\]\.key\b.*the key of another certificate"
    with pytest.raises(ValueError, match=wrong), TestClient(Spikard(config=ServerConfig(tls=tls))):
        pass
