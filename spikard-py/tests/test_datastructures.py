"""An uploaded file, in memory and on disk; the bag for state."""

import asyncio
import os

import pytest

from spikard.datastructures import State, UploadFile


def test_a_small_file_stays_in_memory():
    file = UploadFile("a.txt", b"hello", content_type="text/plain", headers={"X-Part": "1"})
    assert (file.filename, file.size, file.content_type, file.headers["x-part"]) == ("a.txt", 5, "text/plain", "1")
    assert not file.rolled_to_disk
    assert file.read(2) == b"he"
    assert file.read() == b"llo"
    assert file.seek(-1, os.SEEK_END) == 4
    assert file.as_bytes_io().read() == b"hello"
    assert file.read() == b"o"
    file.close()


def test_a_file_over_one_mebibyte_lies_on_disk():
    half = b"x" * 512 * 1024
    file = UploadFile("big", half + half)
    assert not file.rolled_to_disk
    file.seek(0, os.SEEK_END)
    assert file.write(b"y") == 1
    assert file.rolled_to_disk
    assert file.size == 1024 * 1024 + 1
    file.seek(-2, os.SEEK_END)
    assert file.read() == b"xy"
    assert file.as_bytes_io().getbuffer().nbytes == file.size
    file.close()
    with pytest.raises(ValueError, match="closed"):
        file.read()


@pytest.mark.parametrize("spool_size", [4, 1024])
def test_every_method_has_a_form_to_await(spool_size):
    async def use():
        file = UploadFile("a", spool_size=spool_size)
        assert await file.awrite(b"hello") == 5
        assert await file.aseek(1) == 1
        assert await file.aread(2) == b"el"
        assert await file.aread() == b"lo"
        assert file.rolled_to_disk == (spool_size == 4)
        await file.aclose()

    asyncio.run(use())


def test_overwriting_does_not_make_a_file_longer():
    file = UploadFile("a", b"hello")
    file.write(b"J")
    assert file.size == 5
    file.seek(0)
    assert file.read() == b"Jello"


def test_state_holds_what_was_set_and_names_what_was_not():
    state = State()
    state.pool = 1
    assert state.pool == 1
    with pytest.raises(AttributeError, match="state has no 'pol'"):
        _ = state.pol
