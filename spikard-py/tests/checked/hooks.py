"""What mypy and pyright see of hooks. Checked, not run."""

from collections.abc import Callable, Coroutine
from typing import Any

from typing_extensions import assert_type

from spikard import Headers, Request, Response, Router, Spikard

app = Spikard()
router = Router("/users")


@app.on_request
async def change(request: Request) -> Request:
    assert_type(request.headers, Headers)
    assert_type(request.path_params, dict[str, str])
    assert_type(await request.json(), Any)
    request.headers["x-tenant"] = "a"
    request.headers = {"x-tenant": "a"}
    request.query_params = {"tag": ["a", "b"]}
    request.cookies = {}
    request.set_body({"name": "ada"})
    return request


@app.pre_validation
async def stop(request: Request) -> Request | Response:
    return Response(status_code=401) if request["claims"] is None else request


@app.pre_handler
async def as_dict(request: dict[str, object]) -> dict[str, object]:
    print(request["method"])
    return request


@router.on_request
def sync(request: Request) -> Request:
    return request


@app.on_response
async def add_header(response: Response) -> Response:
    response.headers["x-a"] = "b"
    return response


@app.on_error
def with_request(response: Response, request: Request) -> Response:
    return Response(request.path, response.status_code)


same: Callable[[Request], Coroutine[Any, Any, Request]] = change


# What is wrong must be seen to be wrong.
def forgets(request: Request) -> None: ...


app.on_request(forgets)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
app.on_response(forgets)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
Request().path = "/"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
