"""The servers: how each is started, and what it cannot do."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = os.environ.get("SPIKARD_PYTHON", "python3")
PEERS = os.environ.get("PEERS_PYTHON", "python3")
REFERENCE = os.environ.get("REFERENCE", str(HERE.parents[1] / "target/release/reference"))
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server, and the command that starts one worker of it; `{port}` and `{workers}` are filled in."""

    name: str
    command: tuple[str, ...]
    port: int
    folder: Path = HERE / "apps"
    lacks: frozenset[str] = frozenset()
    """Workloads that it does not offer."""
    only: frozenset[str] | None = None
    """The workloads that it offers, if they are few."""

    def offers(self, workload: str) -> bool:
        return workload not in self.lacks and (self.only is None or workload in self.only)

    def start(self, *, cpus: str = "0", workers: int = 1) -> Running:
        """Starts it on these CPUs and waits for its first answer."""
        command = [word.format(port=self.port, workers=workers) for word in self.command]
        began = time.monotonic()
        process = subprocess.Popen(
            ["taskset", "-c", cpus, *command],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"RUST_LOG": "error"},
            start_new_session=True,
        )
        while not answers(self.port):
            if process.poll() is not None or time.monotonic() - began > 20:
                raise SystemExit(f"{self.name} does not start: {' '.join(command)}")
            time.sleep(0.001)
        return Running(process, self, (time.monotonic() - began) * 1000)


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    server: Server
    first_answer: float
    """Milliseconds from the start to it."""

    def cpu(self) -> tuple[float, float]:
        """User and system time of all its processes so far, in seconds."""
        user = system = 0
        for pid in family(self.process.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user, system = user + int(fields[11]), system + int(fields[12])
        return user / TICK, system / TICK

    def resident(self) -> float:
        """Resident memory of all its processes, in MiB."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family(self.process.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def family(pid: int) -> list[int]:
    """A process and its children: some servers work in a child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


HELLO_ONLY = frozenset({"async hello"})
SPIKARD = Server("Spikard, default ServerConfig", (OURS, "spikard_app.py", "{port}", "default", "{workers}"), 8300)
SERVERS = [
    SPIKARD,
    Server("Spikard, no policies", (OURS, "spikard_app.py", "{port}", "bare", "{workers}"), 8301),
    Server(
        "django-bolt",
        (
            PEERS,
            "manage.py",
            "runbolt",
            "--no-admin",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
            "--processes",
            "{workers}",
        ),
        8302,
        HERE / "apps/bolt",
    ),
    Server(
        "FastAPI on uvicorn",
        (
            PEERS,
            "-m",
            "uvicorn",
            "fastapi_app:app",
            "--port",
            "{port}",
            "--workers",
            "{workers}",
            "--loop",
            "uvloop",
            "--http",
            "httptools",
            "--no-access-log",
        ),
        8303,
    ),
    Server(
        "granian RSGI, no framework",
        (
            PEERS,
            "-m",
            "granian",
            "--interface",
            "rsgi",
            "granian_app:app",
            "--port",
            "{port}",
            "--workers",
            "{workers}",
            "--loop",
            "uvloop",
            "--no-ws",
        ),
        8304,
        lacks=frozenset({"sync hello", "10 kB multipart"}),
    ),
    Server("bare hyper", (REFERENCE, "hyper", "{port}"), 8305, only=HELLO_ONLY),
    Server("axum with the same layers", (REFERENCE, "layers", "{port}"), 8306, only=HELLO_ONLY),
]
