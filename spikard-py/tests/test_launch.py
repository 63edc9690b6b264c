"""What a program is started with: settings with units and references, processes that are replaced."""

import os

import httpx
import pytest
from support.program import Program

PROGRAM = """
import os
from spikard import ServerConfig, Spikard

config = ServerConfig(port="${LAUNCH_PORT}", workers="${LAUNCH_WORKERS}", shutdown_timeout="5s")
app = Spikard(config)


@app.get("/")
async def process() -> int:
    return os.getpid()


if __name__ == "__main__":
    app.run(%s)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_units_and_references_count_before_there_is_a_server(tmp_path, workers):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM % "")
    environment = {"LAUNCH_PORT": "0", "LAUNCH_WORKERS": str(workers)}
    with Program.python(script, env=environment) as program:
        process = httpx.get(program.url).json()
        assert (process == program.process.pid) == (workers == 1)
        assert program.stop() == 0, program.log


def test_a_process_is_replaced_after_so_many_requests(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM % "max_requests=5")
    with Program.python(script, env={"LAUNCH_PORT": "0", "LAUNCH_WORKERS": "1"}) as program:
        processes = [httpx.get(program.url).json() for _ in range(20)]
        assert os.getpid() not in processes
        assert len(set(processes)) > 1
        assert program.stop() == 0, program.log


def test_a_wrong_setting_is_said_before_a_worker_starts(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM % "")
    with Program.python(script, env={"LAUNCH_PORT": "http", "LAUNCH_WORKERS": "2"}) as program:
        assert program.wait() == 1
        assert "ServerConfig.port" in program.log
        assert program.log.count("Traceback") == 1
