"""A server for an application that no module holds: one made in a test function or a fixture.

Such an application exists only in the memory of this process, so the process is copied (`fork`):
one worker, POSIX only. An application that a module holds is served by a fresh interpreter instead,
which is what a deployment does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..app import Spikard


class Forked:
    """A copy of this process that serves an application; it has what is used here of a `Popen`."""

    def __init__(self, app: Spikard, port: int) -> None:
        """Starts the copy."""
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(app, port), daemon=True)
        with warnings.catch_warnings():
            # Python 3.12 warns of locks that other threads hold. The copy uses nothing that was started here.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        self._process = process

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """How it ended; `None` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """How it ended; `None` while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("server", timeout or 0)
        return self._process.exitcode

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.close()


def _serve(app: Spikard, port: int) -> None:
    signal.set_wakeup_fd(-1)  # it is that of a loop of the process that was copied
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    app.run(host="127.0.0.1", port=port, workers=1)
    # The usual end would wait for threads that this copy does not have.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
