"""Annotations are resolved where the decorator stands, text and all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from spikard import Router, Spikard
from spikard.routing import post


def test_an_annotation_may_name_a_class_of_the_same_function():
    @dataclass
    class Local:
        name: str

    app, router = Spikard(), Router()
    app.include_router(router, prefix="/router")

    async def handler(item: Local): ...

    app.post("/app")(handler)
    router.post("/")(handler)
    app.register_route("POST", "/call", handler)
    post("/alone")(handler)
    bodies = [route.signature.body for route in app._routes()]
    assert len(bodies) == 4
    assert all(body.decode(b'{"name":"a"}') == Local("a") for body in bodies)


def test_a_name_that_nothing_knows_is_an_error_at_the_decorator():
    app = Spikard()
    with pytest.raises(TypeError, match=r"test_annotations_at_registration\.py:\d+: .*Missing"):

        @app.get("/")
        async def handler(item: Missing): ...  # noqa: F821
