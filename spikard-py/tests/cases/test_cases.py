"""What a client sees, file by file: as the files say, and to the byte as the program in Rust shows it.

pytest spikard-py/tests/cases -k jwt
"""

from __future__ import annotations

import functools
import os
import re
import sys
from pathlib import Path

import pytest
from support.wire import Answer

from .content import decoded
from .run import Outcome, run

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "tests/cases").glob("*.yaml"))
SHOWN = 20

each_file = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem, marks=pytest.mark.xdist_group(path.stem)) for path in FILES]
)


@functools.cache
def through_python(path: Path) -> Outcome:
    """Once for both tests of a file, which run in one process."""
    return run(path, [sys.executable, "-m", "spikard", "serve"])


def rust_program() -> Path | None:
    """The program that `cargo test` or `cargo build` made."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    places = [target / kind / name for kind in ("debug", "release") for name in ("spikard-under-test", "spikard")]
    return next((place for place in places if place.exists()), None)


def test_there_are_case_files() -> None:
    assert len(FILES) > 20, f"{ROOT / 'tests/cases'} has {len(FILES)} case files"


@each_file
def test_answers_as_the_file_says(path: Path) -> None:
    failures = through_python(path).failures
    assert not failures, "\n".join([*failures[:SHOWN], f"{len(failures)} failures, at most {SHOWN} of them shown"])


@each_file
def test_answers_the_same_bytes_as_the_program_in_rust(path: Path) -> None:
    program = rust_program()
    if program is None:
        pytest.skip("the program in Rust is not built: cargo build -p spikard-core --bin spikard")
    ours, theirs = through_python(path).answers, run(path, [program, "serve"]).answers
    different = [(case, a, b) for (case, a), (_, b) in zip(ours, theirs, strict=False) if stable(a) != stable(b)]
    assert not different, "\n".join(
        f"- {case}\n    python {stable(a)!s:.1000}\n    rust   {stable(b)!s:.1000}" for case, a, b in different[:SHOWN]
    )
    assert len(ours) == len(theirs)


_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VOLATILE = {"date", "ratelimit", "retry-after"}


def stable(answer: Answer | None) -> object:
    """An answer without what differs from run to run: time, generated ids, what is left of a rate.

    A body that was compressed while it was sent depends on how it came in pieces; what it decodes to does not.
    """
    if answer is None:
        return None
    coding = answer.header("content-encoding") if answer.body else None
    left_out = _VOLATILE | ({"content-length"} if coding else set())
    fields = [
        (name, _UUID.sub(b"id", value.encode())) for name, value in answer.fields() if name.lower() not in left_out
    ]
    return answer.head.split("\r\n", 1)[0], fields, _UUID.sub(b"id", decoded(answer.body, coding))
