"""`python -m spikard`: the program, as the console script `spikard`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the program with the arguments of this process."""
    # As for `python script.py` and `python -m`: applications are found from where the program is started.
    if (here := os.getcwd()) not in sys.path:
        sys.path.insert(0, here)
    from ._spikard import main

    sys.exit(main(["spikard", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
