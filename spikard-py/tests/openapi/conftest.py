"""Every document is written once for all tests of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .documents import ALL, EXAMPLES


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files with the documents, by name."""
    folder = tmp_path_factory.mktemp("documents")
    make_messages()
    return {described.name: described.write(folder / f"{described.name}.json") for described in ALL}


def make_messages() -> None:
    """What `run.sh` of the example does before it starts."""
    options = ["-I.", "--python_out=.", "--pyi_out=.", "--grpc_python_out=.", "sensors.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options], cwd=EXAMPLES / "grpc", check=True)
