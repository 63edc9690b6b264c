"""What a server and its children have used, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its children: nginx and HAProxy serve from a child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def cpu(pid: int) -> tuple[float, float]:
    """User and system time of a process family, in seconds."""
    user = system = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICK, system / TICK


def memory(pid: int) -> float:
    """Resident memory of a process family in MiB; pages that it shares count once per process, as ps has it."""
    sizes = (re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{each}/status").read_text()) for each in family(pid))
    return sum(int(size[1]) for size in sizes if size) / 1024
