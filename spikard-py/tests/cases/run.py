"""Runs a case file against a program, and keeps what came back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from support.program import Program
from support.wire import Answer, Broken, Cut, Wire

from . import expect
from .content import Names, is_in, made
from .files import Case, CaseFile, Step
from .requests import sent
from .upstream import Upstream

_BEGINNING = 1_700_000_000
"""The time of change of all files, so that two programs make the same validators of them."""


@dataclass
class Outcome:
    """What running a file showed."""

    failures: list[str] = field(default_factory=list)
    answers: list[tuple[str, Answer | None]] = field(default_factory=list)
    """Every answer, with the name of its case."""


def run(path: Path, command: Sequence[str | Path]) -> Outcome:
    """Runs all cases of a file against one server: the command, with the file and `--port 0` behind it."""
    file = CaseFile.read(path)
    outcome = Outcome()
    upstream = Upstream(file.upstream) if file.upstream is not None else None
    names = Names(file.names)
    env = dict(file.env)
    if upstream is not None:
        names["upstream"] = upstream.address
        env["UPSTREAM"] = f"http://{upstream.address}"
    with tempfile.TemporaryDirectory() as folder:
        config = _write(file, Path(folder))
        with Program([*command, config, "--port", "0"], env=env) as program:
            names["address"] = "{}:{}".format(*program.address)
            running = _Running(program, upstream, names, path.parent, outcome)
            for case in file.cases:
                running.case(case)
            running.end()
    if upstream is not None:
        upstream.close()
    return outcome


@dataclass
class _Running:
    program: Program
    upstream: Upstream | None
    names: Names
    folder: Path
    outcome: Outcome

    def case(self, case: Case) -> None:
        steps = case.exchanges()
        for each in case.values(self.folder):
            names = self.names.copy()
            names["each"] = names.fill(each)
            for turn in range(1, case.repeat + 1):
                wrong = [*self._exchanges(case.name, steps, names), *self._afterwards(case, names)]
                if wrong:
                    where = f" ({turn} of {case.repeat})" if case.repeat > 1 else ""
                    what = f" [{each!r}]" if each else ""
                    self.outcome.failures.append("\n    ".join([f"- {case.name}{where}{what}", *wrong]))
                    break

    def end(self) -> None:
        """Ends the server in order: a request that reached the upstream late shows now."""
        if (code := self.program.stop()) != 0:
            self.outcome.failures.append(
                f"- at the end\n    exit code {code}, expected 0; the log says:\n{self.program.log}"
            )
        for late in self.upstream.seen(0) if self.upstream is not None else []:
            self.outcome.failures.append(
                f"- at the end\n    upstream saw {late.method} {late.path} that no case explains"
            )

    def _exchanges(self, name: str, steps: list[Step], names: Names) -> list[str]:
        """The exchanges of one connection; the first one that goes wrong ends it."""
        with Wire(self.program.address) as wire:
            for step in steps:
                data, to_head = sent(step, names)
                wire.send(data)
                try:
                    interim, answer = _read(wire, to_head=to_head)
                    if not step.expect.cut:
                        self.outcome.answers.append((name, answer))
                    wrong = list(_compared(step, interim, answer, names))
                    if step.expect.closed and answer is not None and wire.read() is not None:
                        wrong.append("another answer came, expected the end of the connection")
                except Cut as error:
                    return [] if step.expect.cut else [str(error)]
                except Broken as error:
                    return [str(error)]
                if wrong and answer is not None:
                    return [*wrong, f"the answer was: {answer.head!r}", f"its body: {answer.body[:400]!r}"]
                if wrong or answer is None:
                    return wrong
                for kept, header in step.keep.items():
                    if (value := answer.header(header)) is None:
                        return [f"{header} is missing, expected one to keep"]
                    names[kept] = value
        return []

    def _afterwards(self, case: Case, names: Names) -> Iterator[str]:
        if self.upstream is not None:
            yield from expect.seen(case.upstream, self.upstream.seen(len(case.upstream or [])), names)
        elif case.upstream is not None:
            raise ValueError(f"case {case.name!r} expects something of `upstream`, and the file has none")
        for pattern in case.log:
            if self.program.logged(partial(is_in, pattern, names=names)) is None:
                yield f"no line of the log has {pattern}; it says:\n{self.program.log}"


def _read(wire: Wire, *, to_head: bool) -> tuple[list[int], Answer | None]:
    """The statuses of interim answers, and the answer."""
    interim = []
    while (answer := wire.read(to_head=to_head)) is not None and answer.status < 200 and answer.status != 101:
        interim.append(answer.status)
    return interim, answer


def _compared(step: Step, interim: list[int], answer: Answer | None, names: Names) -> Iterator[str]:
    wanted = step.expect
    if wanted.interim is not None and wanted.interim != interim:
        yield f"interim answers are {interim}, expected {wanted.interim}"
    if wanted.cut:
        if answer is not None:
            yield f"a whole answer came with status {answer.status}, expected it to be cut"
    elif answer is None:
        if not wanted.nothing:
            yield "the connection was closed, expected an answer"
    elif wanted.nothing:
        yield f"status is {answer.status}, expected no answer"
    else:
        yield from expect.answer(wanted, answer, names)


def _write(file: CaseFile, folder: Path) -> Path:
    """The configuration and the files beside it."""
    if (file.config is None) == (file.config_yaml is None):
        raise ValueError("a case file has `config` or `config_yaml`")
    config = folder / ("spikard.toml" if file.config is not None else "spikard.yaml")
    config.write_text(file.config or file.config_yaml or "")
    for name, content in file.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case {"symlink": str(target), **rest} if not rest:
                path.symlink_to(target)
            case _:
                path.write_bytes(made(content, Names()))
                os.utime(path, (_BEGINNING, _BEGINNING))
    return config
