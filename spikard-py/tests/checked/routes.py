"""What mypy and pyright see of routes: a decorator gives back the very function. Checked, not run."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import assert_type

from spikard import HTTPException, Request, Response, Router, ServerConfig, Spikard, delete, get


@asynccontextmanager
async def lifespan(app: Spikard) -> AsyncGenerator[None, None]:
    assert_type(app.config, ServerConfig)
    yield


app = Spikard(ServerConfig(port=8000), lifespan=lifespan, on_startup=[lambda: None])
router = Router("/users", compression={"quality": 1}, rate_limit=False, tags=["users"], deprecated=True)
app.include_router(router, prefix="/api", compression=False, tags=("api",), responses={404: dict[str, str]})
Spikard(tags=["shop"], responses={"5XX": {"description": "Try again later"}}, include_in_schema=True)


@app.get(
    "/users/{user_id}",
    sync_to_thread=False,
    compression=True,
    tags=["users"],
    summary="A user",
    description="By number",
    operation_id="read_user",
    deprecated=False,
    include_in_schema=True,
    responses={404: dict[str, str], 410: None, "4XX": {"description": "Not so"}},
    response_schema={"type": "object"},
)
async def read_user(user_id: int) -> dict[str, int]:
    return {"id": user_id}


@get("/plain")
def plain(name: str = "you") -> str:
    return name


@router.route("/many", methods=["GET", "POST"], sync_to_thread=False)
def many() -> None: ...


@app.register_route("POST", "/items", request_schema={"type": "object"})
async def create(item: dict[str, Any]) -> Response:
    return Response(item, 201)


@app.exception_handler(KeyError)
async def missing(request: Request, error: KeyError) -> Response:
    assert_type(request.method, str)
    assert_type(await read_user(1), dict[str, int])
    raise HTTPException(404, str(error))


@app.on_startup
async def started() -> None: ...


assert_type(plain(name="a"), str)
assert_type(app.openapi(), dict[str, Any])
assert_type(many(), None)
assert_type(app.register_route("GET", "/plain", plain)("a"), str)
same: Callable[[int], Coroutine[Any, Any, dict[str, int]]] = read_user

# What is wrong must be seen to be wrong: an ignored error that is none is an error of the checkers.
app.get("/", compresion=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
app.get(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Router(tag=["a"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Router(summary="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Spikard(tags=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.get("/", deprecated="no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Router(tags=["a"], operation_id="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
read = read_user("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
delete("/")(5)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
