"""`examples/grpc`: one command starts it, its client calls every method, and what is recorded is there over HTTP."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from support.program import Program

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/grpc"


@pytest.fixture
def folder(tmp_path):
    return Path(shutil.copytree(EXAMPLE, tmp_path / "grpc", ignore=shutil.ignore_patterns("*_pb2*")))


def test_the_example_answers_its_client(folder):
    environment = {"PYTHON": sys.executable}
    with Program(["./run.sh", "0"], cwd=folder, env=environment) as program:
        host, port = program.address
        said = subprocess.run(
            [sys.executable, "client.py", f"{host}:{port}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | environment,
        )
        assert said.returncode == 0, said.stderr
        assert said.stdout.splitlines() == [
            "moon: NOT_FOUND, no reading of moon",
            "watched: 10.0",
            "recorded: 3, highest 12.5",
            "latest: 12.0",
            "too high: 31.5",
            "too high: 40.0",
        ]
        assert httpx.get(f"{program.url}/sensors/cellar").json() == {"celsius": 40.0}
        with grpc.insecure_channel(f"{host}:{port}") as channel:
            assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
        assert program.stop() == 0, program.log


def test_the_example_is_clean_under_mypy(folder):
    generate = [
        "-m",
        "grpc_tools.protoc",
        "-I.",
        "--python_out=.",
        "--pyi_out=.",
        "--grpc_python_out=.",
        "sensors.proto",
    ]
    subprocess.run([sys.executable, *generate], cwd=folder, check=True, timeout=60)
    command = ["mypy", "--strict", "--cache-dir", "/dev/null", "app.py"]
    checked = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
