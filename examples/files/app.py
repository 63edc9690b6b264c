"""A file service: upload, list, download in whole or in part, delete.

    python examples/files/app.py

    curl -F files=@photo.jpg -F files=@notes.txt http://127.0.0.1:8000/files
    curl -T film.mp4 http://127.0.0.1:8000/files/
    curl http://127.0.0.1:8000/files
    curl -r 0-99 -o start http://127.0.0.1:8000/files/film.mp4
    curl -X DELETE http://127.0.0.1:8000/files/notes.txt

The files lie in `uploads` in the current directory, or where `FILES_FOLDER` says.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Annotated

from msgspec import Struct

import spikard
from spikard import (
    FileResponse,
    HTTPException,
    LicenseInfo,
    OpenApiConfig,
    Request,
    Response,
    ServerConfig,
    Spikard,
    UploadFile,
)

FOLDER = Path(os.environ.get("FILES_FOLDER", "uploads"))
# A name, and no way to another folder; what begins with a dot is not there yet (`arriving`). File systems allow
# 255 bytes, and a character has up to four.
NAME = r"^[^./\\\u0000-\u001f][^/\\\u0000-\u001f]{0,59}$"
Name = Annotated[str, spikard.Path(pattern=NAME)]

app = Spikard(
    ServerConfig(
        max_body_size="1GiB",
        # Files are what strangers sent: no browser is to guess what they might be.
        security_headers={"content_security_policy": "sandbox"},
        openapi=OpenApiConfig(
            enabled=True, title="Files", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        ),
    )
)
GONE = {404: {"description": "There is no such file"}}


class Stored(Struct):
    """A file in the list."""

    name: str
    size: int
    modified: datetime


@app.on_startup
def create_folder() -> None:
    """Makes the folder before the first request."""
    FOLDER.mkdir(parents=True, exist_ok=True)


@app.get("/files")
def list_files() -> list[Stored]:
    """All files, by name."""
    files = sorted(entry for entry in FOLDER.iterdir() if not entry.name.startswith("."))
    return [stored(file) for file in files]


# The limits are checked while the form arrives, and what is large waits on disk: memory stays small.
@app.post(
    "/files",
    file_params={"files": {"type": "array", "max_count": 10, "max_size": "100MiB"}},
    responses={201: list[Stored]},
)
def upload(files: list[UploadFile]) -> Response:
    """Takes the files of a form, each under the name that it has there."""
    for file in files:
        if not re.fullmatch(NAME, file.filename):
            raise HTTPException(422, f"{file.filename!r} cannot be the name of a file here")
    for file in files:
        with arriving(file.filename) as target:
            shutil.copyfileobj(file, target)
    return Response([stored(FOLDER / file.filename) for file in files], status_code=201)


@app.put("/files/{name}", responses={200: Stored, 201: Stored})
async def put(name: Name, request: Request) -> Response:
    """Takes the body as a file, piece by piece: the client sends no faster than the disk writes."""
    is_new = not (FOLDER / name).exists()
    with arriving(name) as target:
        async for piece in request.stream():
            await asyncio.to_thread(target.write, piece)
    return Response(stored(FOLDER / name), status_code=201 if is_new else 200)


@app.get("/files/{name}", responses=GONE)
async def download(name: Name) -> FileResponse:
    """Sends a file, or the ranges that are asked for; an ETag lets clients go on with what they have begun."""
    return FileResponse(existing(name), filename=name)


@app.delete("/files/{name}", responses=GONE | {204: None})
def delete(name: Name) -> Response:
    """Removes a file."""
    existing(name).unlink(missing_ok=True)
    return Response(status_code=204)


def existing(name: str) -> Path:
    """The path of a file; 404 if there is none."""
    if not (FOLDER / name).is_file():
        raise HTTPException(404, "no such file")
    return FOLDER / name


def stored(file: Path) -> Stored:
    """What the list says of a file."""
    status = file.stat()
    return Stored(file.name, status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc))


@contextmanager
def arriving(name: str) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name when it is whole, and is gone if it never is."""
    with tempfile.NamedTemporaryFile(dir=FOLDER, prefix=".", delete=False) as target:
        try:
            yield target
        except BaseException:
            Path(target.name).unlink()
            raise
    Path(target.name).replace(FOLDER / name)


if __name__ == "__main__":
    app.run()
