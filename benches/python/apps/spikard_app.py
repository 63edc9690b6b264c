"""The workloads in Spikard. `python spikard_app.py PORT [default|bare] [WORKERS]`"""

import asyncio
import sys
from typing import Annotated

from msgspec import Meta, Struct

from spikard import ServerConfig, Spikard, UploadFile

BARE = {"enable_request_id": False, "compression": False, "request_timeout": None, "max_body_size": None}
app = Spikard()
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


class Login(Struct):
    name: str
    age: int


@app.get("/")
async def hello():
    return {"message": "Hello, World!"}


@app.get("/sync")
def hello_sync():
    return {"message": "Hello, World!"}


@app.get("/users/{user_id}")
async def parameters(user_id: int, page: int, size: int = 10, q: str | None = None):
    return {"id": user_id, "page": page, "size": size, "q": q}


@app.post("/orders")
async def echo(order: Order) -> Order:
    return order


@app.post("/form")
async def form(login: Login):
    return {"name": login.name, "age": login.age}


@app.post("/upload")
async def upload(file: UploadFile):
    return {"name": file.filename, "size": len(file.read())}


@app.get("/sleep0")
async def sleep0():
    await asyncio.sleep(0)
    return {"message": "Hello, World!"}


@app.get("/sleep1")
async def sleep1():
    await asyncio.sleep(0.001)
    return {"message": "Hello, World!"}


@app.get("/large")
async def large():
    return TEXT


if __name__ == "__main__":
    port, kind, workers = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    app.run(config=ServerConfig(port=port, workers=workers, **(BARE if kind == "bare" else {})))
