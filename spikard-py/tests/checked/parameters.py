"""What mypy and pyright see of markers: a default is of the parameter's type, `Query[int]` serves as an `int`."""

# ruff: noqa: B008, PLR0917  # markers stand in defaults

from dataclasses import dataclass
from typing import Annotated

from typing_extensions import assert_type

from spikard import Body, Cookie, File, Form, Header, Path, Query, UploadFile


@dataclass
class Payment:
    amount: float


async def by_default(
    q: str = Query(...),
    limit: int = Query(10, ge=1, le=100, description="how many", examples=[10, 20], deprecated=True),
    offset: int = Query(default=0),
    tags: list[str] = Query(default_factory=list, schema={"separator": ","}),
    after: str | None = Query(None),
    x_token: str = Header(alias="X-Token"),
    session: str | None = Cookie(None),
) -> int:
    assert_type(limit, int)
    assert_type(after, str | None)
    return limit + offset + len(q) + len(tags) + len(x_token) + len(session or "")


async def by_annotation(
    user_id: Annotated[int, Path(ge=1)],
    payment: Annotated[Payment, Body()],
    limit: Annotated[int, Query(le=100)] = 10,
) -> float:
    assert_type(user_id, int)
    assert_type(payment, Payment)
    return payment.amount + limit


async def by_subscript(
    q: Query[str],
    payment: Body[Payment],
    file: File[UploadFile],
    title: Form[str],
    limit: Query[int] = Query(default=10),
    x_token: Header[str] = Header(convert_underscores=False),
) -> float:
    number: int = limit
    text: str = q.upper() + title + x_token
    made: Payment = payment
    content: bytes = file.read()
    total: float = payment.amount + number + len(text) + made.amount + len(content) + sum(range(limit))
    return total if limit > 2 else 0


Query(10, greater=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Query(convert_underscores=False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Query(description=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Query(min_length="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
