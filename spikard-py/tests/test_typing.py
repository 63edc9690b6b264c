"""What a user's type checker sees: the files in `checked/` are clean, and what they call wrong is wrong."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "checked"


@pytest.mark.parametrize(
    "command",
    [
        ["mypy", "--strict", "--python-version", "3.10", "--cache-dir", "/dev/null", str(FILES)],
        ["pyright", "--pythonpath", sys.executable, "--pythonversion", "3.10", "--project", str(FILES)],
    ],
    ids=["mypy", "pyright"],
)
def test_the_checker_agrees(command):
    if find_spec(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    checked = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
