"""Names that the pages take for granted: what a block is given before it begins, by the names that it needs."""

GIVEN = {
    "app": "from spikard import Spikard\napp = Spikard()\n",
    "Response": "from spikard import Response\n",
    "ServerConfig": "from spikard import ServerConfig\n",
    "User": "from msgspec import Struct\nclass User(Struct):\n    id: int\n    name: str\n    email: str\n",
    # What the test of 001 and 002 is held against: users are created without an id, and with 201.
    "users": """
from msgspec import Struct
from spikard import Response, Spikard

class NewUser(Struct):
    name: str
    email: str

app = Spikard()

@app.get("/users/{user_id}")
async def get_user(user_id: int):
    return {"id": user_id, "name": "Alice"}

@app.post("/users")
async def create_user(user: NewUser):
    return Response({"id": 1, "name": user.name}, status_code=201)

@app.get("/data")
async def data():
    return {"status": "ok"}
""",
    # What the handler of 003 calls.
    "items": """
def get_items(request):
    return [f"item {number}" for number in range(request.count)]

def aggregate_items(items):
    return str(sum(item.value for item in items))

async def process_bidi_item(request):
    return request.text.upper()
""",
    # What the tests of WebSockets are held against.
    "echo": """
import pytest
from spikard import Spikard, TestClient

app = Spikard()

@app.websocket("/ws")
async def echo(message: dict):
    return {"echo": message}

@pytest.fixture
def client():
    return TestClient(app)
""",
    "create_pool": "async def create_pool():\n    return DatabasePool()\n",
    # What the tests of events are held against: a stream that does not end.
    "counter": """
import asyncio
import pytest
from spikard import Spikard, TestClient

app = Spikard()

@app.sse("/events")
async def events():
    number = 0
    while True:
        yield {"count": number}
        number += 1
        await asyncio.sleep(0)

@pytest.fixture
def client():
    return TestClient(app)
""",
    "hello": "@app.get('/hello')\nasync def hello():\n    return {'message': 'hello'}\n",
}
"""The source, by name."""
