"""The test client, with and without a running event loop."""

import asyncio
import gc
import io
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from spikard import Request, Response, Spikard, TestClient


@pytest.fixture
def app():
    @asynccontextmanager
    async def lifespan(app):
        app.state.runs = [*getattr(app.state, "runs", []), "up"]
        app.state.loop = asyncio.get_running_loop()
        try:
            yield
        finally:  # a loop that ends with `asyncio.run` closes the generator itself
            app.state.runs.append("down")

    app = Spikard(lifespan=lifespan)

    @app.route("/echo", methods=["GET", "POST"])
    async def echo(request: Request):
        body = await request.body()
        return {
            "method": request.method,
            "target": f"{request.path}?{request.query_string}",
            "headers": dict(request.headers),
            "cookies": request.cookies,
            "body": body.decode(),
            "own_loop": app.state.loop is asyncio.get_running_loop(),
        }

    @app.get("/set")
    async def set_cookies():
        response = Response({"a": 1})
        response.set_cookie("site", "1")
        response.set_cookie("deep", "2", path="/deep")
        response.set_cookie("old", "3", max_age=0)
        return response

    @app.get("/forget")
    async def forget():
        response = Response()
        response.delete_cookie("site")
        return response

    return app


def test_without_a_loop_a_call_has_finished_when_it_returns(app):
    client = TestClient(app)
    response = client.get("/echo").assert_status_ok().assert_status(200)
    assert response.json()["own_loop"]
    assert response.text == response.text() == response.bytes().decode() == response.content.decode()
    assert response.headers["Content-Type"] == "application/json"
    assert asyncio.run(awaited(response)) is response


async def awaited(response):
    return await response


def test_with_a_loop_the_response_is_there_when_it_was_awaited(app):
    async def use():
        client = TestClient(app)
        pending = client.get("/echo")
        for touch in (lambda: pending.status_code, pending.json, lambda: pending.text):
            with pytest.raises(RuntimeError, match="must be awaited"):
                touch()
        assert await pending is pending
        assert pending.json()["own_loop"]
        assert await pending is pending
        responses = await asyncio.gather(*(client.get("/echo") for _ in range(20)))
        responses.append(await asyncio.create_task(client.get("/echo")))
        responses.append(await asyncio.wait_for(client.get("/echo"), 5))
        assert {response.status_code for response in responses} == {200}
        await client.close()

    asyncio.run(use())
    assert app.state.runs == ["up", "down"]


def test_the_lifespan_runs_from_the_first_call_or_the_block_to_its_end(app):
    with TestClient(app) as client:
        assert app.state.runs == ["up"]
        client.get("/echo")
    assert app.state.runs == ["up", "down"]

    async def use():
        async with TestClient(app) as client:
            assert app.state.runs[-1] == "up"
            await client.get("/echo")

    asyncio.run(use())
    assert app.state.runs == ["up", "down"] * 2
    client = TestClient(app)
    assert len(app.state.runs) == 4
    client.get("/echo")
    client.close()
    assert app.state.runs == ["up", "down"] * 3


def test_a_client_that_is_gone_has_ended_its_run(app):
    client = TestClient(app)
    client.get("/echo")
    del client
    gc.collect()
    assert app.state.runs == ["up", "down"]


def test_a_client_that_goes_while_a_loop_runs_has_ended_its_run_later(app):
    async def use():
        await TestClient(app).get("/echo")
        gc.collect()

    asyncio.run(use())
    TestClient(app).get("/set")
    gc.collect()
    assert app.state.runs == ["up", "down"] * 2


@pytest.mark.parametrize("use", ["client.get('/')", "asyncio.run(use())"])
def test_the_run_ends_with_the_interpreter(use):
    program = f"""if True:
        import asyncio
        from spikard import Spikard, TestClient
        app = Spikard(on_startup=[lambda: print("up")], on_shutdown=[lambda: print("down")])
        client = TestClient(app)
        async def use():
            await client.get("/")
        {use}
    """
    output = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (output.stdout.split(), output.stderr) == (["up", "down"], "")


def test_one_client_may_be_used_on_one_loop_after_another(app):
    client = TestClient(app)

    async def use():
        return (await client.get("/echo")).json()["own_loop"]

    assert client.get("/echo").json()["own_loop"]
    assert asyncio.run(use())
    assert asyncio.run(use())
    assert client.get("/echo").json()["own_loop"]
    client.close()
    assert app.state.runs == ["up", "down"] * 4


def test_a_block_without_await_inside_a_loop_is_an_error(app):
    async def use():
        with pytest.raises(RuntimeError, match="write `async with`"), TestClient(app):
            pass

    asyncio.run(use())


def test_a_startup_that_fails_is_raised_at_each_try():
    def fail():
        raise OSError("no database")

    client = TestClient(Spikard(on_startup=[fail]))
    for _ in range(2):
        with pytest.raises(OSError, match="no database"):
            client.get("/")


def test_the_query_takes_text_numbers_and_lists(app):
    echo = TestClient(app).get("/echo?x=ü", params={"a": [1, 2.5], "b": True, "c": None, "d": "&="}).json()
    assert echo["target"] == "/echo?x=%C3%BC&a=1&a=2.5&b=true&d=%26%3D"


def test_headers_of_a_call_stand_above_those_of_the_client(app):
    client = TestClient(app, headers={"X-A": "client", "X-B": "client"})
    headers = client.get("/echo", headers={"x-a": "call", "host": "example.com"}).json()["headers"]
    assert (headers["x-a"], headers["x-b"], headers["host"]) == ("call", "client", "example.com")


def test_cookies_are_kept_and_sent_to_their_path(app):
    client = TestClient(app)
    assert client.get("/set").cookies == {"site": "1", "deep": "2"}
    assert dict(client.cookies) == {"site": "1", "deep": "2"}
    assert client.get("/echo").json()["cookies"] == {"site": "1"}
    assert client.get("/echo", cookies={"site": "x", "own": "y"}).json()["cookies"] == {"site": "x", "own": "y"}
    client.cookies["hand"] = "made"
    client.get("/forget")
    assert client.get("/echo").json()["cookies"] == {"hand": "made"}


@pytest.mark.parametrize(
    ("options", "content_type", "body"),
    [
        ({"json": {"a": [1, "ü"]}}, "application/json", '{"a":[1,"ü"]}'),
        ({"data": {"a": "1 &", "b": [1, 2]}}, "application/x-www-form-urlencoded", "a=1%20%26&b=1&b=2"),
        ({"content": "raw"}, None, "raw"),
        ({"content": b"raw", "headers": {"content-type": "text/x"}}, "text/x", "raw"),
    ],
)
def test_a_body_is_sent_as_it_was_given(app, options, content_type, body):
    echo = TestClient(app).post("/echo", **options).json()
    assert (echo["headers"].get("content-type"), echo["body"]) == (content_type, body)
    assert echo["headers"]["content-length"] == str(len(body.encode()))


def test_files_are_a_form_with_names_that_cannot_leave_their_place(app):
    files = {"f": ('a"\r\n.txt', b"1"), "g": [io.BytesIO(b"2"), b"3"], "h": ("x.bin", "4", "image/x")}
    echo = TestClient(app).post("/echo", data={"k": "v"}, files=files).json()
    boundary = echo["headers"]["content-type"].removeprefix("multipart/form-data; boundary=")
    disposition = "content-disposition: form-data; "
    assert echo["body"].split(f"--{boundary}") == [
        "",
        f'\r\n{disposition}name="k"\r\n\r\nv\r\n',
        f'\r\n{disposition}name="f"; filename="a%22%0D%0A.txt"\r\ncontent-type: text/plain\r\n\r\n1\r\n',
        f'\r\n{disposition}name="g"; filename="upload"\r\ncontent-type: application/octet-stream\r\n\r\n2\r\n',
        f'\r\n{disposition}name="g"; filename="upload"\r\ncontent-type: application/octet-stream\r\n\r\n3\r\n',
        f'\r\n{disposition}name="h"; filename="x.bin"\r\ncontent-type: image/x\r\n\r\n4\r\n',
        "--\r\n",
    ]


def test_two_bodies_are_an_error(app):
    with pytest.raises(TypeError, match="json and content are given, expected one body"):
        TestClient(app).post("/echo", json={}, content=b"")


def test_a_wrong_status_fails_with_the_body(app):
    with pytest.raises(AssertionError, match=r"status is 404, expected 200: .*Resource Not Found"):
        TestClient(app).get("/missing").assert_status_ok()
