"""Work behind the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.program import until

from ..kinds import Ask, Expectation, Serves

if TYPE_CHECKING:
    import httpx


def _is_done(client: httpx.Client) -> None:
    assert until(lambda: client.get("/done").json() == [{"a": 1}]), "the work did not run"


_CHECKS = (Ask("POST /process", json={"status": "processing"}, send={"json": {"a": 1}}), _is_done)
_RECORDED = """
    done.append(data)

done = []

@app.get("/done")
async def what_was_done():
    return done
"""

EXPECTED: list[Expectation] = [
    Serves(
        ("001#22",),
        "background.run(lambda",
        given=("app",),
        then=f"def heavy_processing(data):{_RECORDED}",
        checks=_CHECKS,
    ),
    Serves(
        ("002#23",),
        "background.run(heavy_processing(data))",
        given=("app",),
        then=f"async def heavy_processing(data):{_RECORDED}",
        checks=_CHECKS,
    ),
]
