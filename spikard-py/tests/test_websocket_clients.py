"""WebSockets of the test clients: in this process and to another, with and without an event loop."""

import asyncio
from contextlib import suppress

import pytest

from spikard import HTTPException, LiveTestClient, Request, Router, Spikard, TestClient, WebSocket, WebSocketDisconnect
from spikard.testing import WebSocketRefused

app = Spikard()


@app.websocket("/echo", subprotocols=["a"])
async def echo(socket: WebSocket) -> None:
    await socket.accept(headers={"set-cookie": "seen=1"})
    async for message in socket:
        if message == "end":
            await socket.close(3000, "as asked")
        else:
            await socket.send(message)


@app.websocket("/head")
async def head(message: str, request: Request) -> dict:
    return {"headers": dict(request.headers), "query": request.query_params, "cookies": request.cookies}


CLIENTS = [TestClient, LiveTestClient]


async def status(client, path, **options):
    """What asking for a WebSocket is answered with."""
    try:
        async with client.websocket(path, **options):
            return 101
    except WebSocketRefused as refused:
        return refused.response.status_code


@pytest.mark.parametrize("make", CLIENTS)
async def test_messages_of_every_kind_go_there_and_back(make):
    async with make(app) as client, client.websocket("/echo") as socket:
        await socket.send("text")
        assert await socket.recv() == "text"
        await socket.send_text("é")
        assert await socket.receive_text() == "é"
        await socket.send_bytes(b"\xff" * 300_000)
        assert await socket.receive_bytes() == b"\xff" * 300_000
        await socket.send_json({"a": [1]})
        assert await socket.receive_json() == {"a": [1]}
        await socket.send(b"bytes")
        with pytest.raises(AssertionError, match="expected text"):
            await socket.receive_text()


@pytest.mark.parametrize("make", CLIENTS)
def test_no_event_loop_is_needed(make):
    with make(app) as client:
        with client.websocket("/echo", subprotocols=["b", "a"]) as socket:
            assert (socket.subprotocol, socket.close_code) == ("a", None)
            socket.send_json([1])
            assert socket.receive_json() == [1]
            socket.send("1")
            socket.send(b"2")
            socket.send("end")
            assert list(socket) == ["1", b"2"]
            assert socket.close_code == 3000
            with pytest.raises(WebSocketDisconnect) as gone:
                socket.receive_text()
            assert (gone.value.code, gone.value.reason) == (3000, "as asked")
        assert client.cookies["seen"] == "1"


async def test_the_request_is_what_the_call_says():
    client = TestClient(app, headers={"x-all": "1"})
    client.cookies["kept"] = "2"
    async with client.websocket("/head?a=1", params={"b": 2}, headers={"x-one": "3"}, cookies={"own": "4"}) as socket:
        await socket.send("?")
        seen = await socket.receive_json()
    assert seen["query"] == {"a": "1", "b": "2"}
    assert seen["cookies"] == {"kept": "2", "own": "4"}
    assert (seen["headers"]["x-all"], seen["headers"]["x-one"], seen["headers"]["host"]) == ("1", "3", "testserver")


@pytest.mark.parametrize("make", CLIENTS)
async def test_a_refusal_is_an_answer_of_http(make):
    async with make(app) as client:
        with pytest.raises(WebSocketRefused) as refused:
            async with client.websocket("/nowhere"):
                pass
        assert refused.value.response.status_code == 404
        assert refused.value.response.json()["title"] == "Resource Not Found"


async def test_what_is_raised_or_returned_before_accept_is_an_answer_of_http():
    app = Spikard()

    @app.websocket("/raises")
    async def raises(socket: WebSocket) -> None:
        raise HTTPException(401, "who?", headers={"www-authenticate": "Bearer"})

    @app.websocket("/fails")
    async def fails(socket: WebSocket) -> None:
        raise ValueError("a secret")

    @app.websocket("/closes")
    async def closes(socket: WebSocket) -> None:
        await socket.close()

    async with TestClient(app) as client:
        for path, expected in (("/raises", 401), ("/fails", 500), ("/closes", 403)):
            with pytest.raises(WebSocketRefused) as refused:
                async with client.websocket(path):
                    pass
            assert refused.value.response.status_code == expected
            assert "secret" not in refused.value.response.text


async def test_policies_stand_before_the_connection():
    app = Spikard()
    router = Router(prefix="/in", api_key_auth={"keys": ["a-key-of-some-length"]})
    app.include_router(router)

    @router.websocket("/{number}", rate_limit={"per_second": 0.001, "burst": 3})
    async def number(message: int, number: int) -> int:
        return message + number

    async with TestClient(app) as client:
        right, wrong = {"x-api-key": "a-key-of-some-length"}, {"x-api-key": "wrong"}
        assert await status(client, "/in/1", headers=wrong) == 401
        assert await status(client, "/in/x", headers=right) == 422
        async with client.websocket("/in/1", headers=right) as socket:
            await socket.send_json(1)
            assert await socket.receive_json() == 2
        assert await status(client, "/in/1", headers=right) == 429


async def test_a_page_of_another_site_is_refused_unless_cors_allows_it():
    app = Spikard()

    @app.websocket("/own")
    @app.websocket("/shared", cors={"origins": ["https://friend.example"]})
    async def shout(message: str) -> str:
        return message.upper()

    async with TestClient(app) as client:
        for path, origin, is_taken in (
            ("/own", "http://testserver", True),
            ("/own", "https://friend.example", False),
            ("/shared", "https://friend.example", True),
            ("/shared", "https://other.example", False),
        ):
            found = await status(client, path, headers={"origin": origin})
            assert found == (101 if is_taken else 403), (path, origin)


async def test_a_wait_that_is_cancelled_loses_no_message():
    app = Spikard()
    timeouts = []

    @app.websocket("/")
    async def patient(socket: WebSocket) -> None:
        await socket.accept()
        received = []
        while len(received) < 50:
            with suppress(asyncio.TimeoutError):
                received.append(await asyncio.wait_for(socket.receive_json(), 0.001))
                continue
            timeouts.append(1)
        await socket.send_json(received)

    async with TestClient(app) as client, client.websocket("/") as socket:
        for number in range(50):
            await asyncio.sleep(0.002)
            await socket.send_json(number)
        assert await socket.receive_json() == list(range(50))
    assert timeouts


async def test_the_handler_runs_where_the_test_runs():
    app = Spikard()
    loops = []

    @app.websocket("/")
    async def where(message: str) -> str:
        loops.append(asyncio.get_running_loop())
        return asyncio.current_task().get_name()

    async with TestClient(app) as client, client.websocket("/") as socket:
        await socket.send("?")
        assert (await socket.recv()).endswith("where")
    assert loops == [asyncio.get_running_loop()]


async def test_the_application_ends_its_connections():
    left = []
    app = Spikard(on_shutdown=[lambda: left.append("shutdown")])

    @app.websocket("/")
    async def stay(socket: WebSocket) -> None:
        await socket.accept()
        try:
            await socket.receive()
        except WebSocketDisconnect as end:
            left.append(end.code)

    client = TestClient(app)
    async with client:
        connecting = client.websocket("/")
        socket = await connecting.__aenter__()
        ending = asyncio.ensure_future(client.close())
        with pytest.raises(WebSocketDisconnect) as end:
            await socket.recv()
        assert end.value.code == 1001
        await ending
    assert left == [1001, "shutdown"]


def test_what_cannot_be_a_handler_says_so():
    app = Spikard()

    class NoMethod:
        pass

    class Twice:
        def __init__(self, a: int) -> None: ...

        def on_connect(self, b: int) -> None: ...

        def handle_message(self, message: str) -> None: ...

    class TwoMessages:
        def handle_message(self, one: str, two: str) -> None: ...

    def sync(socket: WebSocket) -> None: ...

    async def nothing() -> None: ...

    async def generator(message: str):
        yield message

    for handler, text in (
        (NoMethod, "handle_message"),
        (Twice, "only one of them"),
        (TwoMessages, "takes 2 arguments"),
        (sync, "async def"),
        (nothing, "neither a message nor a WebSocket"),
        (generator, "generator"),
        (None, "expected a function"),
    ):
        with pytest.raises(TypeError, match=text):
            app.websocket("/x")(handler)
    with pytest.raises(TypeError, match="did you mean 'ping_interval'"):
        app.websocket("/x", ping_intervall=3)(echo)


@pytest.mark.parametrize("options", [{"max_message_size": "much"}, {"ping_interval": -1}, {"subprotocols": "a"}])
async def test_a_wrong_option_is_an_error_at_start(options):
    app = Spikard()
    app.websocket("/x", **options)(echo)
    with pytest.raises(ValueError, match="echo"):
        async with TestClient(app):
            pass
