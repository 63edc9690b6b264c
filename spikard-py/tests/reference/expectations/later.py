"""Blocks that are no Python, each with its reason."""

from __future__ import annotations

from ..kinds import Expectation, Later

EXPECTED: list[Expectation] = [
    Later(("004#1", "004#2", "004#3"), "[", "TOML, which reads as Python: the feature layout of the crate"),
]
