"""What a route says of itself: what was said of it, else its docstring, its name and its types."""

import functools
from http import HTTPStatus

import pytest
from msgspec import Struct

from spikard import Router, Spikard


class User(Struct):
    """Somebody."""

    name: str


async def read_user(user_id: int) -> User:
    """Finds a user.

    By the number, which never
    changes.
    """
    return User(str(user_id))


def described(function=read_user, path="/users/{user_id}", app=None, **options):
    app = app or Spikard()
    app.get(path, **options)(function)
    return app._routes()[-1].describe()


def test_a_docstring_is_summary_and_description():
    said = described()
    assert said.summary == "Finds a user."
    assert said.description == "By the number, which never\nchanges."
    assert (said.tags, said.deprecated, said.operation_id) == ((), False, None)


def test_what_is_said_stands_above_the_docstring():
    said = described(summary="A user", description="More", operation_id="user", deprecated=True, tags=["users"])
    assert (said.summary, said.description, said.operation_id) == ("A user", "More", "user")
    assert (said.deprecated, said.tags) == (True, ("users",))
    assert described(summary="A user").description == "Finds a user.\n\nBy the number, which never\nchanges."


def getHTTPUsersV2(): ...  # noqa: N802  # a name of the kind that is taken apart


class PriceFeed:
    def __call__(self): ...


@pytest.mark.parametrize(
    ("function", "summary"),
    [
        (getHTTPUsersV2, "Get HTTP users v 2"),
        (PriceFeed(), "Price feed"),
        (functools.partial(read_user, user_id=1), "Finds a user."),
        (lambda: None, None),
    ],
)
def test_a_function_without_docstring_is_called_by_its_name(function, summary):
    assert described(function, "/").summary == summary


def test_routers_say_things_of_all_their_routes():
    app = Spikard(tags=["shop"], responses={500: None})
    outer = Router(prefix="/outer", tags=["outer", "shop"], deprecated=True)
    inner = Router(tags=["inner"], responses={404: {"description": "No such thing"}})
    outer.include_router(inner, tags=["included"], responses={404: None, 409: None})
    app.include_router(outer)
    inner.get("/old")(read_user)
    inner.get("/new", deprecated=False, responses={404: {"description": "No such user"}}, tags=["new"])(read_user)
    old, new = (route.describe() for route in app._routes())
    assert old.tags == ("shop", "outer", "included", "inner")
    assert new.tags == (*old.tags, "new")
    assert (old.deprecated, new.deprecated) == (True, False)
    assert {answer.status: answer.description for answer in new.answers} == {
        "200": "Successful response",
        "500": "Internal Server Error",
        "404": "No such user",
        "409": "Conflict",
    }
    assert [answer.description for answer in old.answers if answer.status == "404"] == ["No such thing"]


def test_a_route_may_be_left_out():
    app = Spikard()
    hidden = Router(include_in_schema=False)
    hidden.get("/a", include_in_schema=True)(read_user)
    app.include_router(hidden)
    app.get("/b", include_in_schema=False)(read_user)
    app.get("/c", include_in_schema=True)(read_user)
    assert [route.describe is None for route in app._routes()] == [True, True, False]


def test_streams_of_events_and_websockets_are_described():
    app = Spikard()

    @app.sse("/prices", tags=["prices"])
    async def prices():
        """Prices as they change."""
        yield 1

    @app.websocket("/chat", summary="A chat", responses={403: None})
    class Chat:
        """Talks."""

        def handle_message(self, message: str) -> str:
            return message

    stream, chat = app._routes()
    assert (stream.kind, chat.kind) == ("events", "websocket")
    (answer,) = stream.describe().answers
    assert (stream.describe().summary, answer.content[0].media_type) == ("Prices as they change.", "text/event-stream")
    assert (chat.describe().summary, chat.describe().description) == ("A chat", "Talks.")
    assert [answer.status for answer in chat.describe().answers] == ["403"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": "users"}, "tags is 'users', expected a list of str"),
        ({"tags": [1]}, r"tags is \[1\], expected a list of str"),
        ({"summary": 5}, "summary is 5, expected a str"),
        ({"deprecated": "no"}, "deprecated is 'no', expected a bool"),
        ({"responses": [404]}, r"responses is \[404\], expected a dict by status"),
        (
            {"responses": {404: {"modell": User}}},
            r"responses\[404\] has 'modell', expected model, description, content",
        ),
        ({"responses": {200: {"content": [1]}}}, r"responses\[200\]: content is \[1\], expected a dict by name"),
        (
            {"responses": {200: {"headers": {"a": {"type": "string"}}}}},
            r"responses\[200\]: headers\['a'\] has 'type', expected schema, description or required",
        ),
        ({"response_schema": {"default": object()}}, "response_schema is no JSON"),
        ({"tag": ["users"]}, "'tag' is no option of a route, did you mean 'tags'"),
    ],
)
def test_what_cannot_be_is_an_error_at_once(options, message):
    with pytest.raises(TypeError, match=message):
        Spikard().get("/", **options)(read_user)


@pytest.mark.parametrize("status", [99, 600, "4xx", "404 ", True, None])
def test_a_status_is_one_of_http(status):
    with pytest.raises(ValueError, match="expected 100 to 599, '4XX' or 'default'"):
        Spikard(responses={status: User})


@pytest.mark.parametrize("said", [object(), {"content": {"text/plain": {"schema": {"default": object()}}}}])
def test_a_type_without_a_schema_and_a_schema_that_is_no_json_are_errors_at_start(said):
    app = Spikard()
    app.get("/users/{user_id}", responses={404: said})(read_user)
    with pytest.raises(TypeError, match=r"test_descriptions.py:\d+: read_user: responses: "):
        app._routes()


def test_a_status_may_be_of_the_enumeration():
    assert [answer.status for answer in described(responses={HTTPStatus.CONFLICT: User}).answers] == ["200", "409"]
