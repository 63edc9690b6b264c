"""What mypy and pyright see of the test client, with and without `await`. Checked, not run."""

from typing import Any

from typing_extensions import assert_type

from spikard import Headers, LiveTestClient, Spikard, TestClient
from spikard.testing import TestResponse

app = Spikard()


def without_a_loop() -> None:
    with TestClient(app, headers={"x-a": "b"}) as client:
        assert_type(client, TestClient)
        client.get("/")
        response = client.post("/", json={"a": 1}, params={"q": ["a", 1, None]}, cookies={"a": "b"})
        assert_type(response, TestResponse)
        assert_type(response.headers, Headers)
        assert_type(response.assert_status_ok().json(), Any)
        text: str = response.text
        called: str = response.text()
        content: bytes = response.bytes() or response.content
        print(text, called, content)
    client.close()


async def with_a_loop() -> None:
    async with LiveTestClient(app) as client:
        assert_type(client, LiveTestClient)
        assert_type(await client.get("/"), TestResponse)
        await client.put("/", files={"f": ("a.txt", b"1", "text/plain"), "g": [b"1", b"2"]}, data={"k": 1})
        await client.request("PURGE", "/", content="raw")
    await client.close()


TestClient(app).get("/", jsn={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
