"""Bytes, as a case file writes them, and patterns that they are held against."""

from __future__ import annotations

import base64
import gzip
import re
import zlib

import brotli  # type: ignore[import-untyped]
import zstandard

from .files import Content, Pattern


class Names:
    """What `{name}` stands for. Other braces are text."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name] = value

    def copy(self) -> Names:
        """Names that may get further ones."""
        return Names(self._values)

    def fill(self, text: str) -> str:
        """The text with the values in place of the names."""
        for name, value in sorted(self._values.items()):
            text = text.replace(f"{{{name}}}", value)
        return text


def made(content: Content, names: Names) -> bytes:
    """The bytes that a file means."""
    match content:
        case str():
            return names.fill(content).encode()
        case {"latin1": str(text)} if len(content) == 1:
            return names.fill(text).encode("latin-1")
        case {"repeat": part, "times": int(times)} if len(content) == 2:
            return made(part, names) * times
        case {"join": list(parts)} if len(content) == 1:
            return b"".join(made(part, names) for part in parts)
        case {"gzip": part} if len(content) == 1:
            return gzip.compress(made(part, names), 9, mtime=0)
        case {"base64": str(text)} if len(content) == 1:
            return base64.b64decode(text, validate=True)
        case _:
            raise ValueError(f"no content: {content}")


def decoded(body: bytes, coding: str | None) -> bytes:
    """A body without its content coding."""
    try:
        match coding:
            case None | "identity":
                return body
            case "gzip":
                return gzip.decompress(body)
            case "br":
                return bytes(brotli.decompress(body))
            case "zstd":
                return zstandard.ZstdDecompressor().decompressobj().decompress(body)
            case _:
                raise ValueError(f"content-encoding {coding} is not known here")
    except (OSError, EOFError, zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise ValueError(f"the body is not {coding}: {error}") from error


def fits(pattern: Pattern, text: str, names: Names) -> bool:
    """Whether the whole text is meant."""
    if isinstance(pattern, str):
        return names.fill(pattern) == text
    return _expression(pattern).search(text) is not None


def is_in(pattern: Pattern, text: str, names: Names) -> bool:
    """Whether it is somewhere in the text."""
    if isinstance(pattern, str):
        return names.fill(pattern) in text
    return _expression(pattern).search(text) is not None


def _expression(pattern: dict[str, str]) -> re.Pattern[str]:
    if pattern.keys() != {"matches"}:
        raise ValueError(f"no pattern: {pattern}")
    return re.compile(pattern["matches"])
