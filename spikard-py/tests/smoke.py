"""What an installed package must do: import, serve, check, answer, end, and be the program. No test tools needed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM = """
import asyncio
from msgspec import Struct
from spikard import Spikard

app = Spikard()

class Item(Struct):
    name: str
    price: int

@app.post("/items")
async def add(item: Item) -> Item:
    await asyncio.sleep(0)
    return item

@app.get("/sync/{number:int}")
def number(number: int) -> dict:
    return {"number": number}

if __name__ == "__main__":
    app.run(port=0)
"""


def ask(url: str, body: bytes | None = None) -> tuple[int, object]:
    """Status and JSON of an answer."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main() -> None:
    """Tries the package that this interpreter has."""
    Path("program.py").write_text(PROGRAM)
    with subprocess.Popen([sys.executable, "program.py"], stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        found = re.search(r"http://\S+", program.stderr.readline())
        assert found is not None
        url = found[0]
        assert ask(f"{url}/items", b'{"name": "tea", "price": 3}') == (200, {"name": "tea", "price": 3})
        status, problem = ask(f"{url}/items", b'{"name": "tea"}')
        assert (status, problem["errors"][0]["loc"]) == (422, ["body", "price"])
        assert ask(f"{url}/sync/7") == (200, {"number": 7})
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
    said = subprocess.run(["spikard", "version"], check=True, capture_output=True, text=True).stdout
    import spikard._spikard

    print(f"Python {sys.version.split()[0]}: {said.strip()}, {Path(spikard._spikard.__file__).name}")


if __name__ == "__main__":
    main()
