#!/usr/bin/env python3
"""A gateway under mixed load while everything around it fails now and then.

`run.py PROGRAM [SECONDS]`: HTTPS, on connections that live for some requests; small answers, large ones, uploads, a
cache, a limit in a Redis. Meanwhile upstreams are killed and revived, the Redis is stopped and continued, certificates
are replaced, and the configuration is reloaded. A request may be answered 429 by its limit, else only 200; the
memory of the gateway must not grow. Exit code 1 otherwise. Needs openssl and redis-server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from processes import memory

HTTPS, UPSTREAMS, REDIS, ADMIN = 9443, (9501, 9502, 9503), 9579, 9591
CLIENTS = 16
#: What each path may be answered, and how it is asked for.
ASKED = {
    "/small": ("GET", {200}),
    "/large": ("GET", {200}),
    "/cached": ("GET", {200}),
    "/limited": ("GET", {200, 429}),
    "/upload": ("POST", {200}),
}
#: What only a killed upstream explains, of as many requests at most as it can have had in flight: a POST is not sent
#: twice, and an answer that has begun cannot be begun anew.
EXCUSED = {("/upload", 502), ("/large", "IncompleteReadError")}
#: How much more the gateway may hold at the end than after its first tenth.
GROWTH = 1.3

Seen = Counter[tuple[str, int | str]]


def upstream(port: int) -> str:
    return f"""
port = {port}
[[routes]]
path = "/{{*rest}}"
response = {{ body = "hello from {port}" }}
[[routes]]
path = "/large"
response = {{ body = "{"x" * 100_000}" }}
[[routes]]
path = "/cached"
response = {{ body = "kept", headers = {{ cache-control = "max-age=1, stale-while-revalidate=5, stale-if-error=60" }} }}
"""


def gateway(edition: int) -> str:
    targets = ", ".join(f'"http://127.0.0.1:{port}"' for port in UPSTREAMS)
    limit = f'per_second = 50, burst = 50, store = "redis://127.0.0.1:{REDIS}", on_error = "local"'
    return f"""
port = {HTTPS}
tls = {{ certificates = [{{ certificate = "cert.pem", key = "key.pem" }}] }}
admin = {{ port = {ADMIN} }}

[upstreams.u]
targets = [{targets}]
balance = "two_choices"
health = {{ path = "/", interval = "1s" }}
retries = {{ attempts = 2, budget_percent = 100 }}

[[routes]]
path = "/{{*rest}}"
upstream = "u"

[[routes]]
path = "/cached"
upstream = "u"
cache = {{}}

[[routes]]
path = "/limited"
upstream = "u"
rate_limit = {{ {limit} }}

[[routes]]
path = "/edition"
response = {{ body = "{edition}" }}
"""


def certificate(folder: Path) -> None:
    """Another certificate in the place of the one in use, both files at once."""
    fresh = folder / "fresh"
    fresh.mkdir(exist_ok=True)
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        [*make, *names, "-keyout", fresh / "key.pem", "-out", fresh / "cert.pem"], check=True, capture_output=True
    )
    for name in ("key.pem", "cert.pem"):
        (fresh / name).rename(folder / name)


class Bench:
    """The processes of a run."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.upstreams: dict[int, subprocess.Popen[bytes]] = {}
        self.seen: Seen = Counter()
        self.faults: Counter[str] = Counter()
        self.sizes: list[float] = []

    def spawn(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def revive(self, port: int) -> None:
        file = self.folder / f"{port}.toml"
        file.write_text(upstream(port))
        self.upstreams[port] = self.spawn(self.program, "serve", file)

    def start(self) -> None:
        certificate(self.folder)
        (self.folder / "gateway.toml").write_text(gateway(0))
        self.redis = self.spawn("redis-server", "--port", str(REDIS), "--save", "")
        for port in UPSTREAMS:
            self.revive(port)
        time.sleep(1)
        self.gateway = self.spawn(self.program, "serve", "--watch", "gateway.toml")
        time.sleep(2)

    def stop(self) -> None:
        for process in (self.gateway, self.redis, *self.upstreams.values()):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
            process.wait(40)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, close: bool) -> int:
    """One request and its whole answer; the status."""
    method, _ = ASKED[path]
    body = b"y" * random.choice((10, 50_000)) if method == "POST" else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    writer.write(head.encode() + (b"Connection: close\r\n" if close else b"") + b"\r\n" + body)
    await writer.drain()
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    if "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        while (size := int(await reader.readline(), 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return int(lines[0].split()[1])


async def client(bench: Bench, end: float) -> None:
    """Asks for one thing after the other, on connections that live for some requests."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    while time.monotonic() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", HTTPS, ssl=trust)
        requests = random.randint(1, 200)
        for number in range(1, requests + 1):
            path = random.choice(list(ASKED))
            try:
                async with asyncio.timeout(35):
                    status = await ask(reader, writer, path, close=number == requests)
                bench.seen[path, status] += 1
            except (OSError, EOFError, TimeoutError) as error:
                bench.seen[path, type(error).__name__] += 1
                break
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def faults(bench: Bench, end: float) -> None:
    """Breaks one thing after the other, each for a while. At least one upstream lives at any time."""
    for turn in itertools.count():
        await asyncio.sleep(3)
        if time.monotonic() > end:
            return
        kind = ("upstream", "redis", "certificate", "reload", "broken file")[turn % 5]
        bench.faults[kind] += 1
        if kind == "upstream":
            port = random.choice(UPSTREAMS)
            bench.upstreams[port].kill()
            bench.upstreams[port].wait()
            await asyncio.sleep(2)
            bench.revive(port)
        elif kind == "redis":
            bench.redis.send_signal(signal.SIGSTOP)
            await asyncio.sleep(2)
            bench.redis.send_signal(signal.SIGCONT)
        elif kind == "certificate":
            await asyncio.to_thread(certificate, bench.folder)
        else:
            text = gateway(turn) if kind == "reload" else "port = nonsense"
            (bench.folder / "new.toml").write_text(text)
            (bench.folder / "new.toml").rename(bench.folder / "gateway.toml")


async def sizes(bench: Bench, end: float) -> None:
    while time.monotonic() < end:
        await asyncio.sleep(max((end - time.monotonic()) / 1000, 1))
        bench.sizes.append(memory(bench.gateway.pid))


async def load(bench: Bench, seconds: float) -> None:
    end = time.monotonic() + seconds
    await asyncio.gather(*(client(bench, end) for _ in range(CLIENTS)), faults(bench, end), sizes(bench, end))


def verdict(bench: Bench) -> list[str]:
    """What should not have been."""
    bad = {(path, got): count for (path, got), count in bench.seen.items() if got not in ASKED[path][1]}
    wrong = [f"{path}: {count} times {got}" for (path, got), count in bad.items() if (path, got) not in EXCUSED]
    excused = sum(count for what, count in bad.items() if what in EXCUSED)
    if excused > CLIENTS * bench.faults["upstream"]:
        wrong.append(f"{excused} requests failed with upstreams, expected {CLIENTS} for each that was killed at most")
    early, late = bench.sizes[len(bench.sizes) // 10], bench.sizes[-1]
    if late > early * GROWTH:
        wrong.append(f"memory grew from {early:.1f} to {late:.1f} MiB")
    if bench.gateway.poll() is not None:
        wrong.append(f"the gateway has ended with {bench.gateway.returncode}")
    return wrong


def main() -> None:
    program, seconds = os.path.realpath(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 3600
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(program, Path(name))
        try:
            bench.start()
            asyncio.run(load(bench, seconds))
            wrong = verdict(bench)
        finally:
            bench.stop()
        for (path, got), count in sorted(bench.seen.items(), key=str):
            print(f"{path:10} {got!s:20} {count:10,}")
        print("faults:", dict(bench.faults))
        print(
            f"memory: {bench.sizes[0]:.1f} MiB at first, {max(bench.sizes):.1f} at most, {bench.sizes[-1]:.1f} at last"
        )
        if wrong:
            print((Path(name) / "log").read_text(errors="replace")[-4000:], file=sys.stderr)
            sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
