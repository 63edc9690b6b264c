"""What is measured of a server: CPU time per request, latencies under half its load, memory."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import cpu, memory


@dataclass
class Server:
    """A server under test, as it is configured for one row."""

    name: str
    command: list[str]
    port: int
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    tls: bool = False
    #: What it leaves out of the row, because it has no such thing.
    lacks: str = ""
    rounds: list[tuple[float, float]] = field(default_factory=list)

    @property
    def url(self) -> str:
        # A name, so that the load says which certificate it wants.
        return f"https://localhost:{self.port}{self.path}" if self.tls else f"http://127.0.0.1:{self.port}{self.path}"

    def start(self, cpu: str = "0") -> subprocess.Popen[bytes]:
        environment = os.environ | {"RUST_LOG": "error", "GOMAXPROCS": "1"}
        command = ["taskset", "-c", cpu, *self.command]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        for _ in range(600):
            if self.answers():
                return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        stop(process)
        sys.exit(f"{self.name} does not answer {self.url}: {' '.join(self.command)}")

    def answers(self) -> bool:
        try:
            self.ask()
        except OSError:
            return False
        return True

    def ask(self) -> bytes:
        """One answer, which has to be a good one."""
        context = ssl._create_unverified_context() if self.tls else None
        if context is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        connection.request("GET", self.path, headers=self.headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status in (404, 502, 503):
            raise ConnectionError(response.status)
        assert response.status == 200, (self.name, response.status, body[:200])
        return body


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def throughput(server: Server, seconds: int, connections: int) -> None:
    """One round: CPU microseconds per request and requests a second, at full load from the other CPU."""
    process = server.start()
    try:
        headers = [word for name, value in server.headers.items() for word in ("-H", f"{name}: {value}")]
        load = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", *headers]
        subprocess.run([*load, "-d1s", server.url], check=True, capture_output=True)
        before = sum(cpu(process.pid))
        output = subprocess.run([*load, f"-d{seconds}s", server.url], check=True, capture_output=True, text=True).stdout
        used = sum(cpu(process.pid)) - before
        assert "Non-2xx" not in output, (server.name, output)
        requests = int(re.search(r"(\d+) requests in", output)[1])
        if not requests:
            sys.exit(f"{server.name} answers nothing at {server.url}: {output}")
        server.rounds.append((used * 1e6 / requests, requests / seconds))
    finally:
        stop(process)


def latency(server: Server | None, url: str, rate: float, seconds: int, folder: Path) -> float:
    """The 99th percentile in milliseconds at `rate` requests a second; of `url` itself without a server."""
    process = server.start() if server else None
    clients, log = 16, folder / "latency.log"
    log.unlink(missing_ok=True)
    try:
        load = ["taskset", "-c", "1", "h2load", "--h1", "-t1", f"-c{clients}", f"--rps={max(rate / clients, 1):.0f}"]
        subprocess.run([*load, f"--duration={seconds}", f"--log-file={log}", url], check=True, capture_output=True)
    finally:
        if process:
            stop(process)
    times = [int(line.split("\t")[2]) for line in log.read_text().splitlines()]
    return statistics.quantiles(times, n=100)[98] / 1000


def footprint(server: Server, connections: int) -> tuple[float, float]:
    """Resident memory in MiB: idle after one answer, and with so many connections that have had one."""
    process = server.start()
    held = []
    try:
        idle = memory(process.pid)
        request = f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for _ in range(connections):
            held.append(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            held[-1].sendall(request)
            held[-1].recv(4096)
        time.sleep(1)
        return idle, memory(process.pid)
    finally:
        for connection in held:
            connection.close()
        stop(process)
