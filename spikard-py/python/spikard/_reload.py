"""`reload=True`: the program is started anew whenever a Python file below the working directory changes.

The first process only watches; a second one, the same command again, serves. A program that ends
by an error is started again with the next change.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVES = "SPIKARD_RELOAD_SERVES"
"""Set in the process that serves."""

command_line: list[str] | None = None
"""The command of this process, where it is no interpreter's."""

_INTERVAL = 0.3
"""Seconds between two looks at the files."""

_SKIPPED = {"node_modules", "__pycache__", "site-packages"}


def is_watched() -> bool:
    """Whether this process is the one that serves."""
    return _SERVES in os.environ


def watch() -> None:
    """Starts this program again and again, until SIGINT or SIGTERM."""
    stopped = _Stopped()
    seen = _snapshot(Path.cwd())
    while not stopped:
        child = subprocess.Popen(command(), env={**os.environ, _SERVES: "1"})  # noqa: S603  # this program
        now = seen
        while not stopped and now == seen:
            time.sleep(_INTERVAL)
            now = _snapshot(Path.cwd())
        if not stopped:
            changed = sorted(os.path.relpath(path) for path, _ in seen.symmetric_difference(now))
            print(f"reloading: {', '.join(dict.fromkeys(changed))} changed", file=sys.stderr, flush=True)
            seen = now
        _end(child)


def command() -> list[str]:
    """The command that this process was started with."""
    return command_line or [sys.executable, *sys.orig_argv[1:]]


class _Stopped:
    """Whether a signal came. Signals end the wait of the watching process, not the process."""

    def __init__(self) -> None:
        self._stopped = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._stopped = True

    def __bool__(self) -> bool:
        return self._stopped


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
    child.wait()


def _snapshot(root: Path) -> set[tuple[str, int]]:
    """All Python files and when each was written."""
    return set(_files(os.fspath(root)))


def _files(folder: str) -> Iterator[tuple[str, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # it went away while we looked
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            if not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                yield from _files(entry.path)
        elif entry.name.endswith(".py"):
            try:
                yield entry.path, entry.stat().st_mtime_ns
            except OSError:
                continue
