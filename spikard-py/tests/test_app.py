"""The application around its routes: lifespan, exceptions, configuration."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import pytest

from spikard import HTTPException, Response, ServerConfig, Spikard
from spikard.exceptions import ProblemResponse


def run(app):
    async def once():
        await app._lifespan.startup()
        await app._lifespan.shutdown()

    asyncio.run(once())


@pytest.mark.parametrize("manager", ["sync", "async"])
def test_the_lifespan_lies_around_startup_and_shutdown(manager):
    seen = []

    def around(app):
        seen.append(("enter", app))
        yield
        seen.append("leave")

    async def around_async(app):
        for _ in around(app):
            yield

    lifespan = contextmanager(around) if manager == "sync" else asynccontextmanager(around_async)
    app = Spikard(
        lifespan=lifespan, on_startup=[lambda: seen.append("up 1")], on_shutdown=[lambda: seen.append("down 1")]
    )

    @app.on_startup
    async def up():
        seen.append("up 2")

    @app.on_shutdown
    async def down():
        seen.append("down 2")

    for _ in range(2):
        run(app)
        assert seen == [("enter", app), "up 1", "up 2", "down 1", "down 2", "leave"]
        seen.clear()


def test_what_started_ends_when_a_later_part_fails():
    seen = []

    @asynccontextmanager
    async def lifespan(app):
        yield
        seen.append("left")

    def fail():
        raise OSError("no database")

    app = Spikard(lifespan=lifespan, on_startup=[fail], on_shutdown=[lambda: seen.append("down")])
    with pytest.raises(OSError, match="no database"):
        run(app)
    assert seen == []  # the manager got the exception at its `yield`


def test_every_part_of_the_end_runs_though_one_fails():
    seen = []

    def fail():
        raise OSError("first")

    app = Spikard(on_shutdown=[fail, lambda: seen.append("second")])
    with pytest.raises(OSError, match="first"):
        run(app)
    assert seen == ["second"]


def test_a_bare_generator_is_no_lifespan():
    async def lifespan(app):
        yield

    with pytest.raises(TypeError, match="decorate it with @asynccontextmanager"):
        Spikard(lifespan=lifespan)


def answered(app, exception):
    answer = app._exception_response(exception, "the request")
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


def test_the_nearest_type_answers():
    app = Spikard()
    app.exception_handler(LookupError)(lambda error: Response("lookup"))
    app.exception_handler(KeyError)(lambda error: Response("key"))
    assert answered(app, KeyError()).content == "key"
    assert answered(app, IndexError()).content == "lookup"
    assert answered(app, OSError()) is None


def test_an_exception_of_http_is_a_problem_unless_a_handler_takes_it():
    app = Spikard()
    assert isinstance(answered(app, HTTPException(404, "gone")), ProblemResponse)

    @app.exception_handler(HTTPException)
    async def handle(error):
        return {"said": error.detail}

    response = answered(app, HTTPException(404, "gone"))
    assert (response.status_code, response.content) == (404, {"said": "gone"})


def test_a_handler_may_raise_a_problem():
    app = Spikard()

    @app.exception_handler(KeyError)
    def handle(error):
        raise HTTPException(404)

    @app.exception_handler(OSError)
    async def handle_later(error):
        raise HTTPException(503)

    assert [answered(app, error).status_code for error in (KeyError(), OSError())] == [404, 503]


def test_a_handler_gets_the_request_under_its_name():
    app = Spikard()
    app.exception_handler(KeyError)(lambda request, error: [request, repr(error)])
    app.exception_handler(OSError)(lambda error, request: [request, repr(error)])
    for error in (KeyError("a"), OSError("b")):
        response = answered(app, error)
        assert (response.status_code, response.content) == (500, ["the request", repr(error)])


def test_only_exceptions_have_handlers():
    for kind in (int, KeyboardInterrupt, KeyError()):
        with pytest.raises(TypeError, match="expected a subclass of Exception"):
            Spikard().exception_handler(kind)


def test_the_configuration_is_the_one_given_or_the_default():
    config = ServerConfig(port=9000)
    assert Spikard(config=config).config is config
    assert Spikard().config.port == ServerConfig().port
    with pytest.raises(TypeError, match="config is 8000, expected a ServerConfig"):
        Spikard(8000)


def test_state_belongs_to_one_application():
    app = Spikard()
    app.state.pool = 1
    assert not hasattr(Spikard().state, "pool")
