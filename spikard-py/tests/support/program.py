"""A program as a user has it: started with arguments, followed by its output, ended with a signal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PATIENCE = 20.0
"""How long a test waits for what must come, in seconds. No test measures time by it."""

_LISTENING = re.compile(r"(?<!admin listener on )(https?)://(\[[0-9a-f:.]+\]|[0-9.]+):(\d+)")
_SETTINGS = ("SPIKARD_HOST", "SPIKARD_PORT", "RUST_LOG")


class NotStarted(AssertionError):
    """The program ended, or went on, without saying where it listens; the text is its output."""


class Program:
    """A running program; it is killed when its `with` block ends."""

    def __init__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in _SETTINGS}
        environment |= {"PYTHONUNBUFFERED": "1"} | dict(env or {})
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._open = True
        self._changed = threading.Condition()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    @classmethod
    def python(cls, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Program:
        """Starts this interpreter with these arguments."""
        return cls([sys.executable, *arguments], env=env, cwd=cwd)

    @property
    def address(self) -> tuple[str, int]:
        """Where the program listens, once it says so.

        Raises:
            NotStarted: It does not say so.
        """
        found = self._listening()
        return found[2].strip("[]"), int(found[3])

    @property
    def url(self) -> str:
        """The address as the beginning of a URL."""
        return self._listening()[0]

    def _listening(self) -> re.Match[str]:
        line = self.logged(lambda line: _LISTENING.search(line) is not None)
        found = _LISTENING.search(line) if line is not None else None
        if found is None:
            raise NotStarted(f"the program does not listen; exit code {self.process.poll()}; it says:\n{self.log}")
        return found

    @property
    def admin(self) -> str:
        """The URL of the admin listener."""
        line = self.logged(lambda line: "admin listener on" in line)
        assert line is not None, self.log
        return line.rpartition("admin listener on ")[2].strip()

    @property
    def log(self) -> str:
        """All that it wrote so far."""
        with self._changed:
            return "\n".join(self._lines)

    def logged(self, fits: Callable[[str], bool], patience: float = PATIENCE) -> str | None:
        """The first line that fits, once it is there; `None` if it does not come or the program ends without it."""

        def found() -> str | None:
            return next((line for line in self._lines if fits(line)), None)

        with self._changed:
            self._changed.wait_for(lambda: not self._open or found() is not None, patience)
            return found()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def wait(self, patience: float = PATIENCE) -> int:
        """The exit code, once the program has ended and all that it wrote is in `log`."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program does not end; it says:\n{self.log}") from None
        self._follower.join(patience)
        return code

    def stop(self) -> int:
        """Sends SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def resident(self) -> int:
        """The resident memory of the process, in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):  # The children, too: they hold the other end of the pipe.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._follower.join(1)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.decode(errors="replace").rstrip())
                self._changed.notify_all()
        with self._changed:
            self._open = False
            self._changed.notify_all()


def until(holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Whether something comes to hold before the patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.005)
    return holds()
