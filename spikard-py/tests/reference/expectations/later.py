"""Blocks that are none of the Python core, each with its reason."""

from __future__ import annotations

from ..kinds import Expectation, Later

EXPECTED: list[Expectation] = [
    Later(("001#10", "002#11", "003#22"), "UploadFile", "uploads: issue 4"),
    Later(
        ("001#18", "002#19", "003#21"),
        "OpenApiConfig(",
        "API descriptions: issue 5; until then the server refuses the setting",
    ),
    Later(("004#1", "004#2", "004#3"), "[", "TOML, which reads as Python: the feature layout of the crate"),
    Later(("004#5",), "body_stream", "streamed bodies, there a plan for the future: issue 4"),
]
