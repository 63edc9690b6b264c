"""What is wrong with dependencies is found when the server starts, and said with the way to it."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from spikard import Body, Header, Path, Request, Router, Spikard
from spikard.di import Provide


class Pool: ...


class Session(Pool): ...


def create_pool(config) -> Pool: ...
async def create_session(pool: Pool) -> AsyncIterator[Session]:
    yield Session()


def settings() -> Iterator[dict]:
    yield {}


@pytest.fixture
def app():
    return Spikard()


def refused(app, handler, *said):
    """The routes cannot be built; the message has all that is `said`, in order."""
    app.get("/{id}")(handler)
    with pytest.raises(TypeError) as error:
        app._routes()
    text = str(error.value)
    assert re.search(".*".join(map(re.escape, said)), text), text
    assert text.startswith(f"{__file__}:{handler.__code__.co_firstlineno}: ")


def test_a_missing_dependency_is_named_with_the_way_to_it(app):
    app.provide("session", Provide(lambda pool: pool))
    app.provide("pool", Provide(create_pool))

    def handler(session): ...

    place = f"{__file__}:{create_pool.__code__.co_firstlineno}"
    refused(app, handler, "'config' is not provided", "'session' (", f" -> 'pool' ({place})")


def test_a_name_that_is_nearly_right_is_suggested(app):
    app.provide("pool", Provide(create_pool))
    app.provide("config_", 1)

    def handler(pool): ...

    refused(app, handler, "'config' is not provided, did you mean 'config_'?: 'pool' (")


def test_a_missing_name_of_depends_on_is_found(app):
    app.provide("pool", Provide(Pool, depends_on=["config", Session]))
    app.provide("config", 1)

    def handler(pool): ...

    refused(app, handler, "'Session' is not provided", "'pool'")


def test_a_circle_is_shown_whole(app):
    app.provide("a", Provide(lambda b: b))
    app.provide("b", Provide(lambda c: c))
    app.provide("c", Provide(lambda: 1, depends_on=["a"]))

    def handler(a): ...

    refused(app, handler, "circular dependency: 'a' (", " -> 'b' (", " -> 'c' (", " -> 'a' (")


@pytest.mark.parametrize(
    ("provided", "found"),
    [
        (5, "int"),
        (Provide(settings), "dict"),
        (Provide(settings, singleton=True), "dict"),
        (Provide(dict), "dict"),
    ],
)
def test_a_value_of_another_type_is_found(app, provided, found):
    app.provide("pool", provided)

    def handler(pool: Pool): ...

    refused(app, handler, f"'pool' is of type {found}, expected Pool for 'pool': 'pool'")


def test_a_subclass_fits_and_its_base_may_fit(app):
    app.provide("pool", Pool())
    app.provide("session", Provide(create_session))
    app.provide("config", 1)

    def handler(pool: Pool | None, session: Pool, config: float): ...

    app.get("/")(handler)
    assert len(app._routes()) == 1

    def narrower(pool: Session): ...

    refused(app, narrower, "'pool' is of type Pool, expected Session")


@pytest.mark.parametrize(
    "needs",
    [
        lambda user: 1,
        lambda token=Header(): 1,
        lambda request: 1,
        Provide(lambda: 1, singleton=True, depends_on=["user"]),
    ],
)
def test_a_singleton_is_not_made_of_what_belongs_to_a_request(app, needs):
    app.provide("user", Provide(lambda: 1))
    app.provide("pool", needs if isinstance(needs, Provide) else Provide(needs, singleton=True))

    def handler(pool): ...

    refused(app, handler, "a singleton needs ", ": 'pool' (")


def test_a_singleton_is_made_of_singletons_and_values(app):
    app.provide("config", 1)
    app.provide("pool", Provide(create_pool, singleton=True))
    app.provide("session", Provide(lambda pool, config: 1, singleton=True))
    app.get("/")(lambda session: 1)
    assert len(app._routes()) == 1


def test_a_dependency_takes_nothing_of_the_body_and_no_other_segment(app):
    def taking(body: Body[dict]): ...
    def of_path(other: Path[int]): ...

    for function, message in [
        (taking, "parameter 'body': is of the body, expected Query, Header, Cookie or Path"),
        (of_path, "parameter 'other': is marked Path, expected {other} in the path"),
    ]:
        router = Router(dependencies={"it": Provide(function)})
        router.get("/{id}")(lambda it: 1)
        other = Spikard()
        other.include_router(router)
        with pytest.raises(TypeError, match=re.escape(message)):
            other._routes()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("a-b", "'a-b' is provided, expected the name of a parameter or a type"),
        ("request", "'request' is provided, expected another name"),
        (5, "5 is provided, expected the name of a parameter or a type"),
        (int, "int is provided, expected a name or a class of your own"),
        (list[int], r"list[int] is provided, expected a name or a class of your own"),
        (Request, "Request is provided, expected a name or a class of your own"),
    ],
)
def test_a_key_is_a_name_or_a_class(app, key, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        app.provide(key, 1)


def test_what_is_provided_as_a_type_is_of_it(app):
    app.provide(Pool, Session())
    app.provide(Pool, Provide(create_session))
    with pytest.raises(TypeError, match="what is provided as Pool is 5, expected Pool"):
        app.provide(Pool, 5)
    with pytest.raises(TypeError, match=r"test_injection_at_start.py:\d+: settings: .* makes dict, expected Pool"):
        app.provide(Pool, Provide(settings))


def test_what_a_provide_cannot_be_is_said_at_once(app):
    with pytest.raises(TypeError, match="dependency is 5, expected a function: a value is provided as it is"):
        Provide(5)
    with pytest.raises(TypeError, match="depends_on is 'config', expected a list"):
        Provide(Pool, depends_on="config")
    with pytest.raises(ValueError, match="singleton and use_cache are both set, expected one of them"):
        Provide(Pool, singleton=True, use_cache=True)
    with pytest.raises(TypeError, match="is a generator with use_cache, expected singleton=True"):
        app.provide("settings", Provide(settings, use_cache=True))
    with pytest.raises(TypeError, match="dependencies is 5, expected a dict"):
        Router(dependencies=5)


def test_an_annotation_that_nothing_resolves_is_found_when_it_is_provided(app):
    def broken(x: "Nothing"): ...  # noqa: F821

    with pytest.raises(TypeError, match="broken: the annotation of 'x' cannot be resolved"):
        app.provide("x", Provide(broken))
