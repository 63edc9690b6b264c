"""What the server has to say goes to Python's `logging`, as the program has set that up."""

from __future__ import annotations

from pathlib import Path

import httpx
from support.program import Program

PROGRAM = """
import {first}
from spikard import Spikard, ServerConfig, JwtConfig

app = Spikard()

@app.get("/")
async def hello() -> str:
    return "hello"

if __name__ == "__main__":
    app.run(port=0{arguments})
"""
FORM = "logging; logging.basicConfig(level='INFO', format='%(levelname)s of %(name)s: %(message)s')"


def start(folder: Path, *, first: str = "logging", arguments: str = "", env: dict[str, str] | None = None) -> Program:
    (folder / "program.py").write_text(PROGRAM.format(first=first, arguments=arguments))
    return Program.python("program.py", cwd=folder, env=env)


def test_records_are_written_as_the_program_wants_them(tmp_path: Path) -> None:
    with start(tmp_path, first=FORM) as program:
        assert httpx.get(program.url).text == "hello"
        assert program.stop() == 0
    assert "INFO of spikard.server.serve: stopping: finishing what is in flight (in_flight=0)" in program.log


def test_the_supervisor_writes_them_too(tmp_path: Path) -> None:
    with start(tmp_path, first=FORM, arguments=", workers=2") as program:
        assert program.logged(lambda line: line.startswith("INFO of spikard.workers.crew: ready (worker=1"))
        assert program.stop() == 0
    assert "INFO of spikard.workers.supervisor: stopped: all workers have ended" in program.log


def test_without_a_wish_warnings_are_seen_and_the_rest_is_not(tmp_path: Path) -> None:
    with start(tmp_path) as program:
        assert httpx.get(program.url).text == "hello"
        assert program.stop() == 0
    assert "stopping" not in program.log


def test_the_environment_can_have_them_on_standard_error(tmp_path: Path) -> None:
    with start(tmp_path, env={"RUST_LOG": "debug"}) as program:
        assert program.address[1] > 0
        assert program.stop() == 0
    assert "spikard_core::server::serve: stopping: finishing what is in flight" in program.log


def test_the_program_shows_what_an_application_without_logging_would_not(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PROGRAM.format(first="logging", arguments=""))
    with Program.python("-m", "spikard", "run", "shop:app", "--port", "0", cwd=tmp_path) as program:
        assert httpx.get(program.url).text == "hello"
        assert program.stop() == 0
    assert "stopping: finishing what is in flight" in program.log
