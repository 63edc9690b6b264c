"""Tasks over HTTP, in a real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from .starting import EXAMPLES, started, tried


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with started("rest/app.py", tmp_path) as program, httpx.Client(base_url=program.url) as client:
        yield client


def test_what_it_says_can_be_tried(tmp_path: Path) -> None:
    with started("rest/app.py", tmp_path) as program:
        answers = tried((EXAMPLES / "rest/app.py").read_text(), program, tmp_path)
    assert [answer.split()[-1] for answer in answers] == ["201", "200", "200"]
    assert '"done":true' in answers[2]


def test_a_task_is_created_read_changed_and_deleted(client: httpx.Client) -> None:
    created = client.post("/tasks", json={"title": "water the plants"})
    assert created.status_code == 201
    where, task = created.headers["location"], created.json()
    assert (task["title"], task["done"]) == ("water the plants", False)
    assert client.get(where).json() == task
    assert client.patch(where, json={"done": True}).json() == task | {"done": True}
    assert client.patch(where, json={"title": "mow"}).json() == task | {"title": "mow", "done": True}
    assert client.delete(where).status_code == 204
    assert {client.request(method, where).status_code for method in ("GET", "DELETE")} == {404}
    assert client.patch(where, json={}).json()["detail"] == "no such task"


def test_lists_are_filtered_and_come_in_pages(client: httpx.Client) -> None:
    for number in range(5):
        client.post("/tasks", json={"title": f"task {number}", "done": number % 2 == 0}).raise_for_status()

    def titles(query: str) -> list[str]:
        return [task["title"][-1] for task in client.get(f"/tasks?{query}").json()]

    assert titles("") == list("01234")
    assert titles("done=true") == list("024")
    assert titles("done=false&limit=1") == ["1"]
    assert titles("limit=2&after=2") == list("23")


def test_what_does_not_fit_is_refused(client: httpx.Client) -> None:
    client.post("/tasks", json={"title": "one"}).raise_for_status()
    client.post("/tasks", json={"title": "two"}).raise_for_status()
    assert client.post("/tasks", json={"title": "one"}).status_code == 409
    assert client.patch("/tasks/2", json={"title": "one"}).json()["detail"] == "another task has this title"
    assert client.post("/tasks", json={"title": ""}).status_code == 422
    assert client.patch("/tasks/1", json={"title": None}).status_code == 422
    assert client.get("/tasks?limit=1000&after=-1").status_code == 422
    assert client.get(f"/tasks/{2**63}").status_code == 422
    assert client.post("/tasks", json={"title": "'); drop table tasks; --"}).status_code == 201
    assert len(client.get("/tasks").json()) == 3


def test_many_at_once_are_all_kept_and_so_over_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "kept.db"
    env = {"TASKS_DATABASE": str(database)}
    with started("rest/app.py", tmp_path, env) as program, httpx.Client(base_url=program.url) as client:
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda number: client.post("/tasks", json={"title": f"task {number % 30}"}), range(60))
        assert sorted(answer.status_code for answer in answers) == [201] * 30 + [409] * 30
    with started("rest/app.py", tmp_path, env) as program:
        assert len(httpx.get(f"{program.url}/tasks?limit=100").json()) == 30
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("select count(*) from tasks").fetchone() == (30,)
