"""The workloads in FastAPI. `uvicorn fastapi_app:app`"""

import asyncio
from typing import Annotated

from fastapi import FastAPI, Form, UploadFile
from pydantic import BaseModel, Field

app = FastAPI()
TEXT = {"text": "x" * 150_000}


class Item(BaseModel):
    id: int
    name: Annotated[str, Field(max_length=64)]
    price: Annotated[float, Field(ge=0)]
    tags: list[str]


class Order(BaseModel):
    id: int
    customer: Annotated[str, Field(min_length=1, max_length=64)]
    paid: bool
    items: list[Item]


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
async def form(name: Annotated[str, Form()], age: Annotated[int, Form()]):
    return {"name": name, "age": age}


@app.post("/upload")
async def upload(file: UploadFile):
    return {"name": file.filename, "size": len(await file.read())}


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
