"""What mypy and pyright see of background work: the arguments are those of the function. Checked, not run."""

from typing_extensions import assert_type

from spikard import background


async def send(address: str, *, copy: bool = False) -> int:
    return len(address) + copy


def write(line: bytes) -> None:
    print(line)


background.run(send("a"))
background.run(send, "a", copy=True)
background.run(write, b"a")
background.run(lambda: write(b"a"))
background.run(send, 3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
background.run(write)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
assert_type(background.counts().failed, int)
