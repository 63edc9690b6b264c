"""The workloads in django-bolt."""

import asyncio
from typing import Annotated

from django_bolt import BoltAPI
from django_bolt.params import File, Form
from msgspec import Meta, Struct

api = BoltAPI()
TEXT = {"text": "x" * 150_000}


class Item(Struct):
    id: int
    name: Annotated[str, Meta(max_length=64)]
    price: Annotated[float, Meta(ge=0)]
    tags: list[str]


class Order(Struct):
    id: int
    customer: Annotated[str, Meta(min_length=1, max_length=64)]
    paid: bool
    items: list[Item]


@api.get("/")
async def hello():
    return {"message": "Hello, World!"}


@api.get("/sync")
def hello_sync():
    return {"message": "Hello, World!"}


@api.get("/users/{user_id}")
async def parameters(user_id: int, page: int, size: int = 10, q: str | None = None):
    return {"id": user_id, "page": page, "size": size, "q": q}


@api.post("/orders")
async def echo(order: Order) -> Order:
    return order


@api.post("/form")
async def form(name: Annotated[str, Form()], age: Annotated[int, Form()]):
    return {"name": name, "age": age}


@api.post("/upload")
async def upload(file: Annotated[dict, File()]):
    return {"name": file["filename"], "size": len(file["content"])}


@api.get("/sleep0")
async def sleep0():
    await asyncio.sleep(0)
    return {"message": "Hello, World!"}


@api.get("/sleep1")
async def sleep1():
    await asyncio.sleep(0.001)
    return {"message": "Hello, World!"}


@api.get("/large")
async def large():
    return TEXT
