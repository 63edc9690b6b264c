"""Blocks that are none of the Python core, each with its reason."""

from __future__ import annotations

from ..kinds import Expectation, Later

EXPECTED: list[Expectation] = [
    Later(
        ("001#18", "002#19", "003#21"),
        "OpenApiConfig(",
        "API descriptions: issue 5; until then the server refuses the setting",
    ),
    Later(("004#1", "004#2", "004#3"), "[", "TOML, which reads as Python: the feature layout of the crate"),
]
