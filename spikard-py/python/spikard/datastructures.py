"""Values that handlers get: an uploaded file, headers, a bag for state."""

from __future__ import annotations

from io import SEEK_SET, BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

from ._headers import Headers, HeadersInit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ClientCertificate", "Headers", "State", "UploadFile"]

T = TypeVar("T")

MEBIBYTE = 1024 * 1024
OCTETS = "application/octet-stream"


async def _on_thread(function: Callable[..., T], *arguments: Any) -> T:
    # Whoever awaits has asyncio; imported above it would be most of what an import of `Spikard` costs.
    import asyncio

    return await asyncio.to_thread(function, *arguments)


class ClientCertificate(NamedTuple):
    """The certificate that a client has shown on its connection; the server has verified it."""

    subject: str
    """The subject as text (RFC 4514), such as `CN=shop,O=Example`; it may be empty."""
    names: tuple[tuple[str, str], ...]
    """The alternative names: pairs of `DNS`, `URI`, `email`, `IP` or `DirName` and the name."""
    serial: str
    """The serial number that the issuer gave it, in hexadecimal."""
    fingerprint: str
    """The SHA-256 digest of the certificate, in hexadecimal."""
    der: bytes
    """The certificate itself."""


class UploadFile:
    """A file that a client sent, in memory while it is small and on disk beyond `spool_size`.

    On disk it has no name, and is gone when nothing holds the object any more. Every method has a form
    to await (`aread`, `awrite` ...), which does not block the event loop while the disk works.
    """

    __slots__ = ("_file", "_headers", "content_type", "filename", "rolled_to_disk", "size", "spool_size")

    filename: str
    """The name that the client gave; it is the client's word and may hold anything."""
    content_type: str
    """The media type that the client gave."""
    size: int
    """The number of bytes."""
    rolled_to_disk: bool
    """Whether the bytes lie on disk."""
    spool_size: int
    """How many bytes stay in memory."""
    _file: BinaryIO
    _headers: Headers | list[tuple[str, str]]

    def __init__(
        self,
        filename: str,
        content: bytes = b"",
        *,
        content_type: str = OCTETS,
        headers: HeadersInit | Headers | None = None,
        spool_size: int = MEBIBYTE,
    ) -> None:
        """A file with these bytes, to be read from the start."""
        self.filename = filename
        self.content_type = content_type
        self._headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.spool_size = spool_size
        self.size = 0
        self.rolled_to_disk = False
        self._file = BytesIO()
        if content:
            self.write(content)
            self._file.seek(0)

    @classmethod
    def _received(
        cls, filename: str, content_type: str | None, headers: list[tuple[str, str]], content: bytes | int, size: int
    ) -> UploadFile:
        """A file as the server received it: its bytes, or the descriptor of a file on disk, which is now its own."""
        self = cls.__new__(cls)
        self.filename = filename
        self.content_type = content_type or OCTETS
        self._headers = headers
        self.spool_size = MEBIBYTE
        self.size = size
        self.rolled_to_disk = isinstance(content, int)
        self._file = open(content, "r+b") if isinstance(content, int) else BytesIO(content)  # noqa: SIM115
        return self

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()

    @property
    def headers(self) -> Headers:
        """The headers of this part of the form."""
        if isinstance(self._headers, list):
            self._headers = Headers.received(self._headers)
        return self._headers

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes; all that are left with -1."""
        return self._file.read(size)

    def write(self, data: bytes) -> int:
        """Writes at the present position; returns the number of bytes written."""
        if not self.rolled_to_disk and self._file.tell() + len(data) > self.spool_size:
            self._roll()
        written = self._file.write(data)
        self.size = max(self.size, self._file.tell())
        return written

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Moves to `offset` from the start (0), from here (1) or from the end (2); returns the new position."""
        return self._file.seek(offset, whence)

    def close(self) -> None:
        """Closes the file; one on disk is gone then."""
        self._file.close()

    async def aread(self, size: int = -1) -> bytes:
        """`read`, to be awaited."""
        return await _on_thread(self.read, size) if self.rolled_to_disk else self.read(size)

    async def awrite(self, data: bytes) -> int:
        """`write`, to be awaited."""
        to_disk = self.rolled_to_disk or self._file.tell() + len(data) > self.spool_size
        return await _on_thread(self.write, data) if to_disk else self.write(data)

    async def aseek(self, offset: int, whence: int = SEEK_SET) -> int:
        """`seek`, to be awaited."""
        return await _on_thread(self.seek, offset, whence) if self.rolled_to_disk else self.seek(offset, whence)

    async def aclose(self) -> None:
        """`close`, to be awaited."""
        if self.rolled_to_disk:
            await _on_thread(self.close)
        else:
            self.close()

    def as_bytes_io(self) -> BytesIO:
        """All bytes as a `BytesIO` of their own; the position here stays."""
        position = self._file.tell()
        self._file.seek(0)
        copy = BytesIO(self._file.read())
        self._file.seek(position)
        return copy

    def _roll(self) -> None:
        import tempfile

        on_disk = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the upload
        position = self._file.tell()
        self._file.seek(0)
        on_disk.write(self._file.read())
        on_disk.seek(position)
        self._file.close()
        self._file = on_disk
        self.rolled_to_disk = True

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """For models of pydantic: an `UploadFile` is taken as it is."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    def __repr__(self) -> str:
        return f"<UploadFile {self.filename!r} {self.content_type} {self.size} bytes>"


class State(SimpleNamespace):
    """A bag for what an application or a request carries with it: `app.state.pool = pool`."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"state has no {name!r}: nothing has set it")
