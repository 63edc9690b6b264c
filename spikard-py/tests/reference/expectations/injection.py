"""Dependencies."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

EXPECTED: list[Expectation] = [
    Serves(
        ("002#7",),
        'app.provide("db", Provide(lambda config:',
        checks=(
            Ask(
                "GET /stats?config=1&db=2",
                json={"db": "pool(postgresql://localhost/app)", "env": "postgresql://localhost/app"},
            ),
        ),
    ),
    Serves(
        ("003#4",),
        "app.provide(DatabasePool, Provide(create_pool, singleton=True))",
        given=("app", "create_pool"),
        checks=(Ask("GET /data", json={"status": "ok"}),),
    ),
]
