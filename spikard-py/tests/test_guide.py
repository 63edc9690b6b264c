"""The project's own pages: every Python block in them is a whole program that type-checks, runs and keeps its word."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from support.program import Program

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "spikard-py/README.md", *sorted(ROOT.glob("docs/guide/*.md"))]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = {
    f"{page.relative_to(ROOT)}#{number}": block
    for page in PAGES
    for number, block in enumerate(FENCE.findall(page.read_text()), 1)
}


def test_there_are_blocks():
    assert len(BLOCKS) > 10


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_runs(name, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(BLOCKS[name])
    if "app.run(" not in BLOCKS[name]:
        assert "assert " in BLOCKS[name], "a block that is not served says itself what is so"
        ran = subprocess.run(
            [sys.executable, "-W", "error", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return
    with Program.python("-m", "spikard", "run", script, "--port", "0") as program:
        assert httpx.get(f"{program.url}/nothing").status_code == 404
        program.signal(signal.SIGINT)
        assert program.wait() == 0, program.log


def test_the_blocks_are_clean_under_mypy(tmp_path):
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    for number, block in enumerate(BLOCKS.values()):
        (tmp_path / f"block_{number}.py").write_text(block)
    command = ["mypy", "--strict", "--python-version", "3.10", "--cache-dir", "/dev/null", str(tmp_path)]
    checked = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
