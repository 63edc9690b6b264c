"""Where the records of the server go when the program `spikard` serves.

An application that is run by its own script has `logging` as its author set it up; here the author
may have left that to the program.
"""

from __future__ import annotations

import logging


def show() -> None:
    """Writes what the server says to standard error, unless the application has set up `logging` itself."""
    logger = logging.getLogger("spikard")
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
