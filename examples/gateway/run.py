"""Starts the gateway and the application behind it, and says what to try. Ctrl-C ends both.

    python examples/gateway/run.py

`SPIKARD_PORT` and `ORDERS_PORT` choose other ports than 8000 and 9000, `JWT_SECRET` and `PARTNER_KEY` the secrets.
With the `JWT_SECRET` that `../auth` has, the tokens that it issues are good here.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import jwt

HERE = Path(__file__).parent


def main() -> int:
    """Runs both until one of them ends."""
    for name, value in {
        "SPIKARD_PORT": "8000",
        "ORDERS_PORT": "9000",
        "JWT_SECRET": secrets.token_urlsafe(32),
        "PARTNER_KEY": secrets.token_urlsafe(32),
    }.items():
        os.environ.setdefault(name, value)
    signal.signal(signal.SIGTERM, stop)
    upstream = start("uvicorn", "orders:app", "--port", os.environ["ORDERS_PORT"], "--log-level", "warning")
    gateway = start("spikard", "serve", "spikard.toml")
    try:
        print(what_to_try(), flush=True)
        return gateway.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for program in (gateway, upstream):  # the gateway first: it still needs the other for what it is at
            program.terminate()
            program.wait()


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts a program of this interpreter, beside its files."""
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=HERE)


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ends on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt


def what_to_try() -> str:
    """Commands that can be copied, with a token that is good for an hour."""
    claims = {
        "iss": "https://auth.example.com",
        "aud": "api.example.com",
        "sub": "user:ada",
        "scope": "orders:write",
        "exp": int(time.time()) + 3600,
    }
    token = jwt.encode(claims, os.environ["JWT_SECRET"], algorithm="HS256")
    url = f"http://127.0.0.1:{os.environ['SPIKARD_PORT']}"
    order = """--json '{"article": "tea", "quantity": 2}'"""
    return f"""Try:
  curl -i {url}/orders
  curl {order} -H 'Authorization: Bearer {token}' {url}/orders
  curl {order} -H 'X-API-Key: {os.environ["PARTNER_KEY"]}' {url}/orders
  curl -H 'X-API-Key: {os.environ["PARTNER_KEY"]}' {url}/openapi.json
  curl {url}/health
"""


if __name__ == "__main__":
    sys.exit(main())
