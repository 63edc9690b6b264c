"""What a program is started with: settings with units and references, processes that are replaced."""

import os
import signal

import httpx
import pytest
from support.program import Program, until

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


SHOP = """
import os
from spikard import Spikard

app = Spikard()


@app.get("/")
async def process() -> int:
    return os.getpid()
"""

SERVED = """
headers = {{ response = {{ set = {{ x-version = "{version}" }} }} }}

[[routes]]
path = "/{{*rest}}"
python = "shop:app"
"""


def _shop(folder, *arguments):
    (folder / "shop.py").write_text(SHOP)
    (folder / "spikard.toml").write_text(SERVED.format(version=1))
    return Program.python("-m", "spikard", "serve", "spikard.toml", "--port", "0", *arguments, cwd=folder)


def _seen(program):
    answer = httpx.get(program.url)
    return answer.headers["x-version"], answer.json()


def test_with_watch_another_configuration_gets_another_process_and_a_wrong_one_does_not(tmp_path):
    with _shop(tmp_path, "--watch") as program:
        version, first = _seen(program)
        assert version == "1"
        (tmp_path / "spikard.toml").write_text("prt = 1")
        assert program.logged(lambda line: "key `prt` is unknown" in line), program.log
        assert _seen(program) == ("1", first)
        (tmp_path / "next").write_text(SERVED.format(version=2))
        (tmp_path / "next").rename(tmp_path / "spikard.toml")
        assert until(lambda: _seen(program)[0] == "2"), program.log
        assert _seen(program)[1] != first
        assert program.stop() == 0, program.log


def test_a_process_that_is_alone_says_that_it_cannot_reload(tmp_path):
    with _shop(tmp_path) as program:
        before = _seen(program)
        program.signal(signal.SIGHUP)
        assert program.logged(lambda line: "SIGHUP changes nothing" in line), program.log
        assert _seen(program) == before
        assert program.stop() == 0, program.log
