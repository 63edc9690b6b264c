"""Starts an example as its first lines say, on a port of its own, in a folder of its own."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.program import Program

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
_CURL = re.compile(r"^ +(curl .*)$", re.MULTILINE)


@contextmanager
def started(example: str, folder: Path, env: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Program]:
    """The example, with warnings as errors; it must end with 0 when it is asked to, and have had no failure."""
    environment = {"SPIKARD_PORT": str(port), "PYTHONWARNINGS": "error"} | dict(env or {})
    with Program.python(EXAMPLES / example, env=environment, cwd=folder) as program:
        assert program.logged(lambda line: line.startswith("listening on")), program.log
        yield program
        assert program.stop() == 0, program.log
        assert "Traceback" not in program.log, program.log


def tried(text: str, program: Program, folder: Path, **words: str) -> list[str]:
    """Runs the curl commands of a text, which speak of port 8000; what each answers: status and body."""
    answers = []
    for command in _CURL.findall(text):
        said = re.sub(r"(127\.0\.0\.1|localhost):8000", "{}:{}".format(*program.address), command)
        for word, value in words.items():
            said = said.replace(word, value)
        ran = subprocess.run(
            [*shlex.split(said), "-s", "-w", " %{http_code}"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, f"{said}: {ran.stderr}"
        answers.append(ran.stdout)
    return answers


def free_port() -> int:
    """A port that nobody listens on, for programs that cannot choose one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
