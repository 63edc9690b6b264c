#!/usr/bin/env python3
"""Spikard beside nginx, HAProxy, Caddy, Envoy and Traefik, each with one thread, in one interleaved run.

The gateway is on CPU 0; the load and the upstream are on CPU 1. The figure is the gateway's CPU time per
request, from /proc: the rate at full load is shown too, but the two CPUs belong to a machine that others
use. `run.sh` builds and installs what this needs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import configs
from configs import Job
from measure import Server, footprint, latency, stop, throughput

ROOT = Path(__file__).resolve().parents[2]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TOOLS = Path(sys.executable).parent
#: How each gateway is started with its configuration.
GATEWAYS: dict[str, tuple[Callable[[Job], Path], Callable[[str], list[str]]]] = {
    "Spikard": (configs.spikard, lambda file: [str(RELEASE / "spikard"), "serve", file]),
    "nginx": (configs.nginx, lambda file: ["nginx", "-c", file]),
    "HAProxy": (configs.haproxy, lambda file: ["haproxy", "-db", "-q", "-f", file]),
    "Caddy": (configs.caddy, lambda file: [str(TOOLS / "caddy"), "run", "--config", file]),
    "Envoy": (
        configs.envoy,
        lambda file: [
            str(TOOLS / "envoy"),
            "-c",
            file,
            "--concurrency",
            "1",
            "--log-level",
            "off",
            "--disable-hot-restart",
        ],
    ),
    "Traefik": (configs.traefik, lambda file: [str(TOOLS / "traefik"), f"--configfile={file}"]),
}
GUARD = {"Authorization": f"Bearer {configs.token()}", "Accept-Encoding": "gzip"}
NO_FILES = ("HAProxy", "Envoy", "Traefik")
LACKS = {"nginx": "JWT", "Traefik": "JWT", "Caddy": "JWT, rate limit"}


def rows(folder: Path) -> dict[str, list[Server]]:
    """The servers of each row."""
    files = folder / "files"
    files.mkdir()
    (files / "1k.txt").write_bytes(b"x" * 1000)
    (files / "1m.bin").write_bytes(os.urandom(1_000_000))
    ports = iter(range(8200, 8400))

    def row(
        path: str, *, without: tuple[str, ...] = (), tls: bool = False, guarded: bool = False, **job: object
    ) -> list[Server]:
        servers = []
        for name, (configure, command) in GATEWAYS.items():
            if name in without:
                continue
            port = next(ports)
            file = configure(Job(port, folder, tls=tls, guarded=guarded, **job))  # type: ignore[arg-type]
            headers = GUARD if guarded else {}
            lacks = LACKS.get(name, "") if guarded else ""
            servers.append(Server(name, command(str(file)), port, path, headers, tls, lacks))
        return servers

    return {
        "proxy, 27 bytes": row("/"),
        "proxy, 20 kB of JSON": row("/20k"),
        "proxy over TLS, 27 bytes": row("/", tls=True),
        "proxy, 20 kB of JSON with JWT, rate limit and gzip": row("/20k", guarded=True),
        "file of 1 kB": row("/1k.txt", without=NO_FILES, files=files),
        "file of 1 MB": row("/1m.bin", without=NO_FILES, files=files),
        "proxy, the last of 10,000 routes": row(f"/r{configs.ROUTES - 1}/x", routes=True),
    }


def certificate(folder: Path) -> None:
    """A certificate that nobody has to trust: P-256, as most are."""
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]
    subprocess.run([*make, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())


def table(title: str, servers: list[Server]) -> str:
    head = ["gateway", "CPU us per request", "requests per CPU second", "requests/s", "beside the best"]
    lines = [f"### {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    medians = [tuple(statistics.median(each) for each in zip(*server.rounds, strict=True)) for server in servers]
    best = min(cost for (cost, _), server in zip(medians, servers, strict=True) if not server.lacks)
    for server, (cost, rate) in sorted(zip(servers, medians, strict=True), key=lambda each: each[1][0]):
        name = server.name + (f" (without {server.lacks})" if server.lacks else "")
        lines.append(f"| {name} | {cost:.1f} | {1e6 / cost:,.0f} | {rate:,.0f} | {cost / best:.2f}x |")
    return "\n".join(lines) + "\n"


def memory_and_latency(servers: list[Server], seconds: int, connections: int, folder: Path) -> str:
    """Memory and the 99th percentile of the first row's servers."""
    head = ["gateway", "MiB idle", f"MiB with {connections:,} connections", "ms more at p99, at half its full load"]
    lines = ["### memory and latency, proxy of 27 bytes", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for server in servers:
        idle, full = footprint(server, connections)
        rate = statistics.median(rate for _, rate in server.rounds) / 2
        direct = latency(None, f"http://127.0.0.1:{configs.UPSTREAM}/", rate, seconds, folder)
        added = latency(server, server.url, rate, seconds, folder) - direct
        lines.append(f"| {server.name} | {idle:.1f} | {full:.1f} | {added:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument(
        "--held",
        type=int,
        default=9_500,
        help="connections held open for the figure of memory (HAProxy wants two descriptors for each)",
    )
    parser.add_argument("--only", default="", help="only rows with this in their title")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx reads files as another user
        certificate(folder)
        chosen = {title: servers for title, servers in rows(folder).items() if arguments.only in title}
        reference = Server("upstream", [str(RELEASE / "reference"), "hyper", str(configs.UPSTREAM)], configs.UPSTREAM)
        upstream = reference.start("1")
        try:
            for _ in range(arguments.rounds):
                for servers in chosen.values():
                    for server in servers:
                        throughput(server, arguments.seconds, arguments.connections)
            for title, servers in chosen.items():
                print(table(title, servers), flush=True)
            if first := chosen.get("proxy, 27 bytes"):
                print(memory_and_latency(first, arguments.seconds, arguments.held, folder))
        finally:
            stop(upstream)


if __name__ == "__main__":
    main()
