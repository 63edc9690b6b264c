"""The workloads for granian's own interface, without a framework: what a server in Rust costs below one.

Multipart has no parser at this level and is left out.
"""

import asyncio
from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

JSON = [("content-type", "application/json")]
encode = msgspec.json.Encoder().encode
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


decode = msgspec.json.Decoder(Order).decode


async def hello(scope, protocol):
    return {"message": "Hello, World!"}


async def parameters(scope, protocol):
    query = parse_qs(scope.query_string)
    user, page, size = int(scope.path[7:]), int(query["page"][0]), int(query["size"][0])
    return {"id": user, "page": page, "size": size, "q": query["q"][0]}


async def echo(scope, protocol):
    return decode(await protocol())


async def form(scope, protocol):
    fields = parse_qs((await protocol()).decode())
    return {"name": fields["name"][0], "age": int(fields["age"][0])}


async def sleep0(scope, protocol):
    await asyncio.sleep(0)
    return {"message": "Hello, World!"}


async def sleep1(scope, protocol):
    await asyncio.sleep(0.001)
    return {"message": "Hello, World!"}


async def large(scope, protocol):
    return TEXT


ROUTES = {"/": hello, "/orders": echo, "/form": form, "/sleep0": sleep0, "/sleep1": sleep1, "/large": large}


async def app(scope, protocol):
    handler = ROUTES.get(scope.path, parameters)
    try:
        protocol.response_bytes(200, JSON, encode(await handler(scope, protocol)))
    except msgspec.ValidationError as error:
        protocol.response_bytes(422, JSON, encode({"detail": str(error)}))
