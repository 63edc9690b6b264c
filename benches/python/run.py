#!/usr/bin/env python3
"""CPU time per request of Spikard's Python package beside its peers, in one interleaved run.

Every server runs on CPU 0, wrk on CPU 1, with 64 keep-alive connections; the figure is user and
system time of the server's processes divided by the requests that wrk counted. Before anything is
measured, each answer's status and body is checked. `benches/python/run.sh` builds and installs what
this needs.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median

import report
from report import Figures, Sample
from servers import PEERS, SERVERS, SPIKARD, Running, Server
from workloads import WORKLOADS, Workload


def wrk(
    port: int, workload: Workload, script: Path, seconds: int, connections: int, cpus: str
) -> tuple[int, float, float]:
    """Loads a server; requests, requests a second, and the median latency in microseconds."""
    command = ["taskset", "-c", cpus, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    output = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{workload.path}"], check=True, capture_output=True, text=True
    ).stdout
    counted, rate = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec:\s+([\d.]+)", output)
    latency = re.search(r"50%\s+([\d.]+)(us|ms|s)", output)
    if counted is None or rate is None or latency is None:
        raise SystemExit(output)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    wrong = int(refused[1]) if refused else 0
    assert wrong == (int(counted[1]) if workload.status >= 300 else 0), f"{workload.name} on port {port}: {output}"
    return int(counted[1]), float(rate[1]), float(latency[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[latency[2]]


def sample(running: Running, workload: Workload, script: Path, seconds: int, connections: int) -> Sample:
    """One measurement: a short warm-up, then the time of the processes over the load."""
    port = running.server.port
    wrk(port, workload, script, 1, connections, "1")
    before = running.cpu()
    requests, rate, latency = wrk(port, workload, script, seconds, connections, "1")
    after = running.cpu()
    user, system = ((after[i] - before[i]) * 1e6 / requests for i in (0, 1))
    return Sample(cpu=user + system, user=user, rate=rate, latency=latency)


@contextmanager
def running(servers: list[Server]) -> Iterator[list[Running]]:
    """All of these servers at once; one that is not asked costs nothing."""
    started: list[Running] = []
    try:
        started.extend(server.start() for server in servers)
        yield started
    finally:
        for each in started:
            each.stop()


def under_load(servers: list[Server], workloads: list[Workload], rounds: int, seconds: int, folder: Path) -> Figures:
    """Every workload on every server, in rounds; and one connection at a time."""
    figures: Figures = defaultdict(list)
    with running(servers) as started:
        for workload in workloads:
            for each in started:
                if each.server.offers(workload.name):
                    workload.check(each.server.port)
        for _ in range(rounds):
            for workload in workloads:
                script = workload.script(folder)
                for each in started:
                    if each.server.offers(workload.name):
                        figures[workload.name, each.server.name].append(sample(each, workload, script, seconds, 64))
            for each in started:
                alone = sample(each, WORKLOADS[0], WORKLOADS[0].script(folder), 1, 1)
                figures["one connection", each.server.name].append(alone)
    return figures


def starts(servers: list[Server], rounds: int) -> dict[str, tuple[float, float]]:
    """Milliseconds to the first answer, and MiB of resident memory behind it."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for server in servers:
            started = server.start()
            found[server.name].append((started.first_answer, started.resident()))
            started.stop()
    return {
        name: (median(each[0] for each in pairs), median(each[1] for each in pairs)) for name, pairs in found.items()
    }


def workers(server: Server, workload: Workload, rounds: int, seconds: int, folder: Path) -> float:
    """How much more two workers on two CPUs do than one on one, where the load costs far less than the answers."""
    rates: dict[int, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for count, cpus in ((1, "0"), (2, "0,1")):
            started = server.start(cpus=cpus, workers=count)
            rates[count].append(wrk(server.port, workload, workload.script(folder), seconds, 64, "0,1")[1])
            started.stop()
    return median(rates[2]) / median(rates[1])


def versions() -> str:
    """What was measured, in one line."""
    names = ["django-bolt", "fastapi", "uvicorn", "uvloop", "httptools", "granian", "msgspec", "pydantic"]
    code = f"import importlib.metadata as m; print(', '.join(f'{{n}} {{m.version(n)}}' for n in {names}))"
    peers = subprocess.run([PEERS, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    return f"{date.today()}, CPython {platform.python_version()}, {peers}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--workloads", default="", help="only those whose names have this text")
    parser.add_argument(
        "--servers", default="", help="only those whose names have one of these texts, divided by commas"
    )
    parser.add_argument("--write", type=Path, help="also writes the tables to this file")
    arguments = parser.parse_args()
    wanted = arguments.servers.split(",")
    servers = [server for server in SERVERS if any(text in server.name for text in wanted)]
    workloads = [workload for workload in WORKLOADS if arguments.workloads in workload.name]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = under_load(servers, workloads, arguments.rounds, arguments.seconds, folder)
        started = starts(servers, 2 * arguments.rounds + 1)
        heavy = next(workload for workload in WORKLOADS if workload.name == "150 kB JSON echo")
        scale = workers(SPIKARD, heavy, arguments.rounds, arguments.seconds, folder) if SPIKARD in servers else None
    text = report.written(
        versions(),
        arguments,
        [workload.name for workload in workloads],
        [server.name for server in servers],
        figures,
        started,
        scale,
    )
    print(text)
    if arguments.write is not None:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
