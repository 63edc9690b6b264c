"""Every Python block of the reference does what is expected of it. Skipped where the reference is absent."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.program import Program

from .expectations import ALL
from .kinds import Expectation, Later, Passes, Serves
from .pages import Block, blocks
from .preamble import GIVEN

ROOT = Path(__file__).resolve().parents[3]
ABSENT = "the reference is absent: no folder shared/reference beside the project, and SPIKARD_REFERENCE is not set"


def reference() -> Path | None:
    """The folder of the pages: the one that is named, or the one beside the project or, for a worktree, above it."""
    named = os.environ.get("SPIKARD_REFERENCE")
    places = [Path(named)] if named else [folder / "shared/reference" for folder in list(ROOT.parents)[:2]]
    return next((place for place in places if place.is_dir()), None)


def all_blocks() -> dict[str, Block]:
    folder = reference()
    pages = sorted(folder.glob("*.md")) if folder is not None else []
    return {str(block): block for page in pages for block in blocks(page)}


BLOCKS = all_blocks()
needs_the_reference = pytest.mark.skipif(not BLOCKS, reason=ABSENT)


def each(kind: type[Expectation]) -> pytest.MarkDecorator:
    """A test for every block of a kind; one that is skipped where there are none."""
    found = [pytest.param(entry, at, id=at) for entry in ALL if isinstance(entry, kind) for at in entry.at]
    return pytest.mark.parametrize(("entry", "at"), found)


@needs_the_reference
def test_every_block_has_an_expectation() -> None:
    expected = Counter(at for entry in ALL for at in entry.at)
    in_parts = {at for entry in ALL if isinstance(entry, Serves) and entry.part is not None for at in entry.at}
    assert sorted(BLOCKS.keys() - expected.keys()) == [], "blocks without an expectation"
    assert sorted(expected.keys() - BLOCKS.keys()) == [], "expectations without a block"
    assert [at for at, times in expected.items() if times > 1 and at not in in_parts] == []
    for entry in ALL:
        for at in entry.at:
            assert entry.has in BLOCKS[at].text, f"{at} lacks {entry.has!r}:\n{BLOCKS[at].text}"


@needs_the_reference
def test_a_page_that_lost_its_indentation_means_what_the_other_page_says() -> None:
    """What 002 and 001 have in common is read alike: a check of the recovered indentation."""
    import ast

    recovered = {at: ast.dump(ast.parse(block.text)) for at, block in BLOCKS.items() if block.page == "002"}
    original = {ast.dump(ast.parse(block.text)) for block in BLOCKS.values() if block.page == "001"}
    same = {at for at, tree in recovered.items() if tree in original}
    # The others say something else: another import, an async read, injection, WebSocket, events, background work.
    assert recovered.keys() - same == {f"002#{number}" for number in (7, 11, 19, 21, 22, 23, 25)}


@needs_the_reference
@each(Serves)
def test_serves(entry: Serves, at: str, tmp_path: Path) -> None:
    text = "".join(BLOCKS[at].text.splitlines(keepends=True)[slice(*(entry.part or (0, None)))])
    last = 'if __name__ == "__main__":\n    app.run(port=0)\n' if entry.port is None else ""
    public = tmp_path / "public"
    public.mkdir()
    (public / "hello.txt").write_text("hello from a file\n")
    (public / "index.html").write_text("<h1>index</h1>\n")
    if entry.beside is not None:
        entry.beside(tmp_path)
    (tmp_path / "program.py").write_text("\n".join([*(GIVEN[name] for name in entry.given), text, entry.then, last]))
    with alone_on(entry.port), Program.python("program.py", cwd=tmp_path) as program:
        host, port = program.address
        assert port == (entry.port or port), f"the block says {entry.port}, and it listens on {port}"
        with httpx.Client(base_url=f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}") as client:
            for check in entry.checks:
                check(client)
        assert program.stop() == 0, program.log
        assert set(entry.logs) <= set(program.log.splitlines()), program.log


@needs_the_reference
@each(Passes)
def test_passes(entry: Passes, at: str, tmp_path: Path) -> None:
    (tmp_path / "test_block.py").write_text("\n".join([*(GIVEN[name] for name in entry.given), BLOCKS[at].text]))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    # A block without a test function is a script: it is run, and its own assertions count.
    command = (
        ["test_block.py"] if entry.tests == 0 else ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_block.py"]
    )
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert entry.tests == 0 or f"{entry.tests} passed" in done.stdout, done.stdout


@each(Later)
def test_gives_a_reason(entry: Later, at: str) -> None:
    assert entry.reason, at


@contextmanager
def alone_on(port: int | None) -> Iterator[None]:
    """Holds a port that a block names against the other tests of this machine."""
    if port is None:
        yield
        return
    with (Path(tempfile.gettempdir()) / f"spikard-test-port-{port}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
