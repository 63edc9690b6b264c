"""Orders: an application of FastAPI as it might have been written before there was a gateway.

It neither checks tokens nor counts requests; `X-User` and `X-Consumer` are the gateway's word.
"""

from __future__ import annotations

from itertools import count
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

app = FastAPI(title="Orders")
numbers = count(1)
orders: dict[int, Order] = {}


class NewOrder(BaseModel):
    """What somebody orders."""

    article: str
    quantity: int = Field(gt=0)


class Order(NewOrder):
    """An order with its number, and who it came from."""

    number: int
    ordered_by: str


@app.post("/orders", status_code=201)
async def place(
    new: NewOrder, x_user: Annotated[str | None, Header()] = None, x_consumer: Annotated[str | None, Header()] = None
) -> Order:
    """Takes an order."""
    order = Order(**new.model_dump(), number=next(numbers), ordered_by=x_user or x_consumer or "nobody")
    orders[order.number] = order
    return order


@app.get("/orders")
async def listed() -> list[Order]:
    """All orders, the first one first."""
    return list(orders.values())


@app.get("/orders/{number}", responses={404: {"description": "There is no such order"}})
async def read(number: int) -> Order:
    """One order."""
    if number not in orders:
        raise HTTPException(404, "no such order")
    return orders[number]
