"""Finds the Python blocks of a page.

Two pages have fences. The others lost them when they were extracted, and page 002 lost its
indentation, too: there, a line is code if Python can read it as a statement that prose is not, and
the indentation is the one that the statements need.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_STATEMENTS = (
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Assert,
    ast.Return,
    ast.Pass,
    ast.Break,
)
_HEADERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith)
_TOP = re.compile(r"@|class |(async )?def |from |import |if __name__")
_ENDS = ("return", "raise", "pass", "break", "continue")


@dataclass(frozen=True)
class Block:
    """A Python block of a page."""

    page: str
    """The first three digits of the file's name."""
    number: int
    """Which block of the page it is, from 1."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}#{self.number}"


def blocks(path: Path) -> list[Block]:
    """All Python blocks of a page, in order."""
    text = path.read_text()
    found = [match[1] for match in _FENCE.finditer(text)] or [
        block for block in _unfenced(text) if ast.parse(block).body
    ]
    return [Block(path.name[:3], number, block) for number, block in enumerate(found, 1)]


def _unfenced(text: str) -> Iterator[str]:
    lines = text.splitlines()
    indented = any(line.startswith("    ") for line in lines)
    block: list[str] = []
    for logical in _logical(lines):
        if block and (logical is None or _begins_anew(block, logical)):
            yield _finished(block, indented)
            block = []
        if logical is not None:
            block.append(logical)
    if block:
        yield _finished(block, indented)


def _logical(lines: list[str]) -> Iterator[str | None]:
    """Statements, with the lines of their brackets; blank lines within code; `None` for prose."""
    at, in_code = 0, False
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            if in_code:
                yield ""
            at += 1
            continue
        size = _statement(lines[at:], in_code)
        in_code = size > 0
        yield "\n".join(lines[at : at + size]) if in_code else None
        at += max(size, 1)


def _statement(lines: list[str], in_code: bool) -> int:
    """How many of these lines are one statement; none if they begin with prose."""
    if lines[0][0] == " " and not in_code:
        return 0
    for size in range(1, 40):
        text = "\n".join(lines[:size]).strip()
        if _is_code(text):
            return size
        if text.count("(") + text.count("[") + text.count("{") <= text.count(")") + text.count("]") + text.count("}"):
            return 0
    return 0


def _is_code(text: str) -> bool:
    if text.startswith("#"):
        return True
    header = re.search(r":\s*(#.*)?$", text) is not None
    try:
        tree = ast.parse(f"{text}\ndef f(): pass" if text[0] == "@" else f"{text} pass" if header else text)
    except SyntaxError:
        return False
    statement = tree.body[0] if tree.body else None
    if isinstance(statement, ast.Expr):
        value = statement.value
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        is_prose = re.match(r"\w+ \(", text) is not None
        return is_text or (isinstance(value, (ast.Call, ast.Await, ast.Yield)) and not is_prose)
    return isinstance(statement, _HEADERS if header else (*_STATEMENTS, *_HEADERS))


def _begins_anew(block: list[str], line: str) -> bool:
    """Whether the line stands where a fence was: an import directly behind what is none."""
    return line.startswith(("from ", "import ")) and block[-1] != "" and not block[-1].startswith(("from ", "import "))


def _finished(block: list[str], indented: bool) -> str:
    text = "\n".join(block if indented else _indent(block)).strip("\n") + "\n"
    ast.parse(text)
    return text


def _indent(block: list[str]) -> Iterator[str]:
    """The statements with the indentation that they need: as deep as possible, and no deeper than makes sense."""
    depth = 0
    before = ""
    openers: list[str] = []
    for line in block:
        if before.endswith(":"):
            depth += 1
        elif before.startswith(_ENDS):
            depth -= 2 if before == "break" else 1
        if _TOP.match(line) or (openers[depth - 1 : depth] == ["class"] and ":" not in line.partition("=")[0]):
            depth = 0
        del openers[depth:]
        before = re.sub(r"\s*#[^\"']*$", "", line)  # a comment leaves it empty: the depth stays
        if before:
            openers.append(before.split(" ")[0])
        yield "\n".join("    " * depth + part for part in line.split("\n"))
