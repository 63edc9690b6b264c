"""Tables of what was measured, and the targets held against it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median

SMALL = ("async hello", "sync hello", "path and query", "86 B JSON echo", "1.5 kB JSON echo", "form")


@dataclass(frozen=True)
class Sample:
    """One measurement of one workload on one server."""

    cpu: float
    """Microseconds of user and system time for a request."""
    user: float
    rate: float
    """Requests a second."""
    latency: float
    """Microseconds, median."""


Figures = dict[tuple[str, str], list[Sample]]
"""Samples by workload and server."""


def written(
    versions: str,
    arguments: argparse.Namespace,
    workloads: list[str],
    servers: list[str],
    figures: Figures,
    starts: dict[str, tuple[float, float]],
    scale: float | None,
) -> str:
    """The whole report, as Markdown."""

    def middle(workload: str, server: str, what: str) -> float | None:
        samples = figures.get((workload, server))
        return median(getattr(sample, what) for sample in samples) if samples else None

    def cells(workload: str, what: str, form: str) -> list[str]:
        values = (middle(workload, server, what) for server in servers)
        return ["-" if value is None else format(value, form) for value in values]

    how = f"{arguments.rounds} interleaved rounds of {arguments.seconds} s, medians; server on CPU 0, wrk on CPU 1."
    head = [f"{versions}; {how}", ""]
    cpu = [[workload, *cells(workload, "cpu", ".1f")] for workload in workloads]
    user = [[workload, *cells(workload, "user", ".1f")] for workload in workloads]
    rate = [[workload, *cells(workload, "rate", ",.0f")] for workload in workloads]
    other = [
        ["one connection, p50 us", *cells("one connection", "latency", ".0f")],
        ["start to first answer, ms", *(format(starts[server][0], ".0f") for server in servers)],
        ["resident memory idle, MiB", *(format(starts[server][1], ".1f") for server in servers)],
    ]
    tables = [
        *_table("CPU microseconds per request", servers, cpu),
        *_table("of which user", servers, user),
        *_table("Requests per second", servers, rate),
        *_table("Others", servers, other),
    ]
    found = {
        (workload, server): value
        for workload in workloads
        for server in servers
        if (value := middle(workload, server, "cpu"))
    }
    latency = {server: middle("one connection", server, "latency") for server in servers}
    return "\n".join([*head, *tables, *_targets(found, latency, starts, scale)]) + "\n"


def _table(title: str, servers: list[str], rows: list[list[str]]) -> list[str]:
    columns = ["", *servers]
    return [
        f"### {title}",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _targets(
    cpu: dict[tuple[str, str], float],
    latency: dict[str, float | None],
    starts: dict[str, tuple[float, float]],
    scale: float | None,
) -> list[str]:
    """Each target of the issue, what was measured, and whether it was met; wins and losses alike."""
    lines = []
    ours, bare = "Spikard, default ServerConfig", "Spikard, no policies"

    def held(what: str, value: float | None, against: float | None, most: float, unit: str = "x the CPU of") -> None:
        if value is not None and against:
            ratio = value / against
            lines.append(
                f"| {what} | at most {most:g}{unit and ' ' + unit} | {ratio:.2f} | {'yes' if ratio <= most else 'no'} |"
            )

    hello = "async hello"
    held("async hello, no policies, against bare hyper", cpu.get((hello, bare)), cpu.get((hello, "bare hyper")), 1.35)
    held(
        "async hello, default, against axum with the same layers",
        cpu.get((hello, ours)),
        cpu.get((hello, "axum with the same layers")),
        1,
    )
    for (workload, server), theirs in cpu.items():
        if server == "django-bolt":
            held(f"{workload}, against django-bolt", cpu.get((workload, ours)), theirs, 1)
        if server == "FastAPI on uvicorn" and workload in SMALL:
            held(f"{workload}, against FastAPI", cpu.get((workload, ours)), theirs, 0.1)
        if server == "FastAPI on uvicorn" and "150 kB" in workload:
            held(f"{workload}, against FastAPI", cpu.get((workload, ours)), theirs, round(1 / 6, 3))
    held("one connection, p50, against bare hyper", latency.get(bare), latency.get("bare hyper"), 1.3, "x")
    if ours in starts:
        first, resident = starts[ours]
        lines.append(f"| start to first answer | under 150 ms | {first:.0f} | {'yes' if first < 150 else 'no'} |")
        lines.append(f"| resident memory idle | under 35 MiB | {resident:.1f} | {'yes' if resident < 35 else 'no'} |")
    if scale is not None:
        met = "yes" if scale >= 1.8 else "no"
        lines.append(f"| 2 workers against 1, 150 kB JSON echo | at least 1.8x | {scale:.2f} | {met} |")
    return ["### Targets", "", "| what | target | measured | met |", "|---|---|---|---|", *lines, ""] if lines else []
