"""The structure of a case file; a key that is not here is an error. `tests/cases/README.md` says what each means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

Content = str | dict[str, Any]
"""Bytes: text, or a table that says how they are made (`content.py`)."""
Pattern = str | dict[str, str]
"""Text, or `{matches: expression}`."""
Values = str | list[str]


class _Constructor(SafeConstructor):
    """The core schema of YAML 1.2, in which a date is text."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """A request that is well formed."""

    method: str = "GET"
    path: str = "/"
    headers: dict[str, Values] = {}
    body: Content | None = None
    chunked: bool = False


class OneOf(msgspec.Struct, forbid_unknown_fields=True):
    """Several statuses that are all right."""

    one_of: list[int]


class Expect(msgspec.Struct, forbid_unknown_fields=True):
    """What is expected of an answer. What is not named may be anything."""

    status: int | OneOf | None = None
    interim: list[int] | None = None
    headers: dict[str, Pattern | list[Pattern]] = {}
    absent: list[str] = []
    body: Content | None = None
    body_has: list[Pattern] = []
    body_lacks: list[Pattern] = []
    json: Any = None
    at_most: int | None = None
    at_least: int | None = None
    nothing: bool = False
    cut: bool = False
    closed: bool = False


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One exchange. Without a request, one more answer is read."""

    expect: Expect
    request: Request | None = None
    raw: Content | None = None
    keep: dict[str, str] = {}


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """A request as the upstream is expected to see it."""

    method: str | None = None
    path: Pattern | None = None
    headers: dict[str, Pattern | list[Pattern]] = {}
    absent: list[str] = []
    body: Content | None = None
    incomplete: bool = False


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One connection with one exchange or several."""

    name: str
    each: list[str] = []
    each_line_of: str | None = None
    repeat: int = 1
    request: Request | None = None
    raw: Content | None = None
    expect: Expect | None = None
    steps: list[Step] = []
    upstream: list[Seen] | None = None
    log: list[Pattern] = []

    def exchanges(self) -> list[Step]:
        """The exchanges, however they are written."""
        if self.expect is not None and not self.steps:
            steps = [Step(self.expect, self.request, self.raw)]
        elif self.expect is None and self.steps and self.request is None and self.raw is None:
            steps = self.steps
        else:
            raise ValueError(f"case {self.name!r} has `request` or `raw` with `expect`, or `steps`")
        if any(step.expect == Expect() for step in steps):
            raise ValueError(f"case {self.name!r} expects nothing of an answer")
        return steps

    def values(self, folder: Path) -> list[str]:
        """What `{each}` stands for, run by run; one empty text where the case does not say."""
        values = list(self.each)
        if self.each_line_of is not None:
            lines = (folder / self.each_line_of).read_text().splitlines()
            values += [line for line in lines if line and not line.startswith("#")]
        return values or [""]


class Reply(msgspec.Struct, forbid_unknown_fields=True):
    """What the upstream answers."""

    status: int = 200
    headers: dict[str, Values] = {}
    body: Content = "upstream"
    raw: Content | None = None
    close: bool = False
    echo: bool = False
    silent: bool = False


class CaseFile(msgspec.Struct, forbid_unknown_fields=True):
    """One configuration, and the cases that run against it in their order."""

    about: str
    cases: list[Case]
    config: str | None = None
    config_yaml: str | None = None
    files: dict[str, Content] = {}
    names: dict[str, str] = {}
    env: dict[str, str] = {}
    upstream: dict[str, Reply] | None = None

    @classmethod
    def read(cls, path: Path) -> CaseFile:
        """Reads a file strictly."""
        reader = YAML(typ="safe", pure=True)
        reader.Constructor = _Constructor
        tree = reader.load(path.read_text())
        try:
            return msgspec.convert(tree, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"{path.name}: {error}") from error
