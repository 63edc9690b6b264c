"""What each block of the reference must do; one module for each subject, one entry for each block."""

from __future__ import annotations

from ..kinds import Expectation
from . import (
    background,
    basics,
    bodies,
    calls,
    configuration,
    documents,
    events,
    hooks,
    injection,
    later,
    responses,
    running,
    uploads,
    websockets,
)

ALL: list[Expectation] = [
    *background.EXPECTED,
    *basics.EXPECTED,
    *bodies.EXPECTED,
    *calls.EXPECTED,
    *configuration.EXPECTED,
    *documents.EXPECTED,
    *events.EXPECTED,
    *hooks.EXPECTED,
    *injection.EXPECTED,
    *later.EXPECTED,
    *responses.EXPECTED,
    *running.EXPECTED,
    *uploads.EXPECTED,
    *websockets.EXPECTED,
]
