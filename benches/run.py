#!/usr/bin/env python3
"""CPU time per request of Spikard beside its references, in one interleaved run.

Server on CPU 0, wrk (and the upstream, for proxies) on CPU 1. The figure is user and system time of
the server's processes, from /proc, divided by the requests that wrk counted; wall-clock rates are
shown but depend on the machine. Where `perf` can count, instructions are shown too: they hardly
depend on what else the machine does. `benches/run.sh` builds and installs what this needs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import cpu, family, memory

ROOT = Path(__file__).resolve().parent.parent
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
ANSWER = b'{"message":"Hello, World!"}'
UPSTREAM = 9100
PERF = False


@dataclass
class Server:
    """A server under test: how it is started, and what was measured."""

    name: str
    port: int
    command: list[str]
    path: str = "/"
    headers: list[str] = field(default_factory=list)
    rounds: list[tuple[float, ...]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        command = ["taskset", "-c", "0", *self.command]
        environment = os.environ | {"RUST_LOG": "error"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait(self.port, self.path, self.headers)
        return process


def wait(port: int, path: str, headers: list[str]) -> None:
    """Waits for the server and checks its answer."""
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path, headers=dict(header.split(": ", 1) for header in headers))
            response = connection.getresponse()
            body = response.read()
            assert (response.status, body) == (200, ANSWER), (port, response.status, body)
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"nothing answers on port {port}")


class Counter:
    """Instructions of a process family in user and kernel mode; zeros where `perf` cannot count."""

    def __init__(self, pid: int) -> None:
        self.process = None
        if PERF:
            pids = ",".join(map(str, family(pid)))
            command = ["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "-p", pids]
            self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            time.sleep(0.1)

    def stop(self) -> tuple[int, int]:
        if self.process is None:
            return 0, 0
        self.process.send_signal(signal.SIGINT)
        lines = [line.split(",") for line in self.process.communicate()[1].splitlines() if "instructions" in line]
        user, kernel = (int(line[0]) for line in lines)
        return user, kernel


def perf_counts() -> bool:
    if shutil.which("perf") is None:
        return False
    probe = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "true"], capture_output=True, text=True)
    return probe.returncode == 0 and "not supported" not in probe.stderr


def measure(server: Server, seconds: int, connections: int) -> None:
    process = server.start()
    try:
        url = f"http://127.0.0.1:{server.port}{server.path}"
        headers = [word for header in server.headers for word in ("-H", header)]
        load = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", *headers]
        subprocess.run([*load, "-d1s", url], check=True, capture_output=True)
        counter = Counter(process.pid)
        before = cpu(process.pid)
        output = subprocess.run([*load, f"-d{seconds}s", url], check=True, capture_output=True, text=True).stdout
        after = cpu(process.pid)
        instructions = counter.stop()
        requests = int(re.search(r"(\d+) requests in", output)[1])
        assert "Non-2xx" not in output, output
        user, system = ((after[i] - before[i]) * 1e6 / requests for i in (0, 1))
        server.rounds.append((user + system, user, requests / seconds, *(each / requests for each in instructions)))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def configs(folder: Path) -> dict[str, Path]:
    """The configurations of Spikard, nginx and HAProxy."""
    off = "\n".join(f"{key} = false" for key in ("enable_request_id", "catch_panic", "compression", "request_timeout", "max_body_size"))
    answer = f"headers = {{ content-type = \"application/json\" }}, body = '{ANSWER.decode()}'"
    root = f'[[routes]]\npath = "/"\nresponse = {{ {answer} }}\n'
    everything = (ROOT / "benches/config/everything.toml").read_text()
    upstream = f'[upstreams.u]\ntargets = ["http://127.0.0.1:{UPSTREAM}"]\n[[routes]]\npath = "/"\nupstream = "u"\n'
    many = "".join(f'[[routes]]\npath = "/r{n}/x"\nresponse = {{ {answer} }}\n' for n in range(1000))
    texts = {
        "none.toml": f"{off}\n{root}",
        "default.toml": root,
        "many.toml": f"{off}\n{many}",
        "everything.toml": everything + root,
        "proxy-none.toml": f"{off}\n{upstream}",
        "proxy-default.toml": upstream,
        "nginx.conf": f"""
            daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
            events {{ worker_connections 1024; }}
            http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
                   uwsgi_temp_path {folder}; scgi_temp_path {folder}; keepalive_requests 1000000000;
                   upstream u {{ server 127.0.0.1:{UPSTREAM}; keepalive 256; keepalive_requests 1000000000; }}
                   server {{ listen 127.0.0.1:8120; location / {{ proxy_pass http://u; proxy_http_version 1.1;
                     proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}""",
        "haproxy.cfg": f"""
global
    maxconn 1024
    nbthread 1
defaults
    mode http
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend f
    bind 127.0.0.1:8121
    default_backend b
backend b
    server s 127.0.0.1:{UPSTREAM}
""",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in texts}


def servers(files: dict[str, Path]) -> dict[str, list[Server]]:
    reference, embedded = str(RELEASE / "reference"), str(RELEASE / "embedded")

    def spikard(name: str, port: int, path: str = "/", headers: list[str] | None = None, label: str = "") -> Server:
        command = [str(RELEASE / "spikard"), "serve", str(files[name]), "--port", str(port)]
        return Server(label, port, command, path, headers or [])

    key = ["X-API-Key: bench-key", "Origin: https://app.example.com", "Accept-Encoding: gzip"]
    return {
        "27-byte answer": [
            Server("bare axum", 8102, [reference, "axum", "8102"]),
            Server("bare hyper", 8101, [reference, "hyper", "8101"]),
            spikard("none.toml", 8103, label="spikard, fixed answer, no policies"),
            spikard("default.toml", 8104, label="spikard, fixed answer, default stack"),
            spikard("everything.toml", 8105, headers=key, label="spikard, fixed answer, everything on"),
            spikard("many.toml", 8106, path="/r999/x", label="spikard, the last of 1,000 routes, no policies"),
            Server("spikard, axum handler, no policies", 8107, [embedded, "none", "8107"]),
            Server("spikard, axum handler, default stack", 8108, [embedded, "default", "8108"]),
        ],
        "proxy": [
            Server("nginx", 8120, ["nginx", "-c", str(files["nginx.conf"])]),
            Server("HAProxy", 8121, ["haproxy", "-db", "-q", "-f", str(files["haproxy.cfg"])]),
            spikard("proxy-none.toml", 8122, label="spikard, no policies"),
            spikard("proxy-default.toml", 8123, label="spikard, default stack"),
        ],
    }


def table(title: str, rows: list[Server]) -> str:
    head = ["server", "CPU us", "of which user", "requests/s", "instructions", "of which user", "CPU beside the first", "instructions beside the first"]
    lines = [f"### {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    medians = [[statistics.median(each) for each in zip(*row.rounds)] for row in rows]
    first = medians[0]
    for row, (total, user, rate, user_count, kernel_count) in zip(rows, medians):
        count = user_count + kernel_count
        beside = f"{count / (first[3] + first[4]):.2f}x" if count else "-"
        figures = [f"{total:.2f}", f"{user:.2f}", f"{rate:,.0f}", f"{count:,.0f}", f"{user_count:,.0f}", f"{total / first[0]:.2f}x", beside]
        lines.append(f"| {row.name} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def start_and_idle(files: dict[str, Path]) -> str:
    """Time from exec to the first answer, and resident memory after it."""
    times, sizes = [], []
    for _ in range(10):
        began = time.monotonic()
        process = subprocess.Popen([str(RELEASE / "spikard"), "serve", str(files["default.toml"]), "--port", "8130"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", 8130, timeout=2)
                connection.request("GET", "/")
                connection.getresponse().read()
                break
            except OSError:
                time.sleep(0.001)
        times.append((time.monotonic() - began) * 1000)
        sizes.append(memory(process.pid))
        process.send_signal(signal.SIGTERM)
        process.wait()
    return f"start to first answer: {statistics.median(times):.1f} ms; resident memory idle: {statistics.median(sizes):.1f} MiB\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    global PERF
    PERF = perf_counts()
    with tempfile.TemporaryDirectory() as folder:
        files = configs(Path(folder))
        groups = servers(files)
        upstream = subprocess.Popen(["taskset", "-c", "1", str(RELEASE / "reference"), "hyper", str(UPSTREAM)])
        try:
            wait(UPSTREAM, "/", [])
            for _ in range(arguments.rounds):
                for group in groups.values():
                    for server in group:
                        measure(server, arguments.seconds, arguments.connections)
        finally:
            upstream.kill()
        for title, group in groups.items():
            print(table(title, group))
        print(start_and_idle(files))
    print(json.dumps({"rounds": arguments.rounds, "seconds": arguments.seconds, "connections": arguments.connections}))


if __name__ == "__main__":
    main()
