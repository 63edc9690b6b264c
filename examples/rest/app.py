"""Tasks over HTTP: create, read, update and delete in a SQLite database that handlers get by injection.

    python examples/rest/app.py

    curl -i --json '{"title": "water the plants"}' http://127.0.0.1:8000/tasks
    curl 'http://127.0.0.1:8000/tasks?done=false&limit=10'
    curl -X PATCH --json '{"done": true}' http://127.0.0.1:8000/tasks/1

The database is `tasks.db` in the current directory, or what `TASKS_DATABASE` names.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

from tasks import SCHEMA, DuplicateTitleError, NewTask, Task, TaskChange, Tasks

from spikard import HTTPException, LicenseInfo, OpenApiConfig, Path, Query, Request, Response, ServerConfig, Spikard
from spikard.di import Provide

DATABASE = os.environ.get("TASKS_DATABASE", "tasks.db")
# The integers that SQLite can hold; others are refused with 422.
TaskId = Annotated[int, Path(ge=1, le=2**63 - 1)]

app = Spikard(
    ServerConfig(
        openapi=OpenApiConfig(
            enabled=True, title="Tasks", license=LicenseInfo("MIT", url="https://opensource.org/license/mit")
        )
    )
)
# What some handlers answer beside their task, for the description of the API.
GONE = {404: {"description": "There is no such task"}}
TAKEN = {409: {"description": "Another task has this title"}}


def connect(database: str) -> Iterator[sqlite3.Connection]:
    """A connection for one request: what stands behind `yield` runs when the answer is over."""
    # A request may move from thread to thread, but never is on two at once.
    with closing(sqlite3.connect(database, check_same_thread=False)) as db:
        db.row_factory = sqlite3.Row
        yield db


# `Tasks` needs `db`, and `connect` needs `database`: each gets it by the name of its parameter.
app.provide("database", DATABASE)
app.provide("db", Provide(connect))
app.provide(Tasks, Provide(Tasks, sync_to_thread=False))


@app.on_startup
def create_table() -> None:
    """Makes the table before the first request."""
    with closing(sqlite3.connect(DATABASE)) as db:
        db.execute("pragma journal_mode = wal")  # readers do not wait for a writer
        db.execute(SCHEMA)


# The handlers are not async, since SQLite waits for the disk: they run on threads, next to each other.
@app.get("/tasks")
def list_tasks(
    tasks: Tasks,
    done: bool | None = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Task]:
    """Some tasks; the next page begins after the id of the last one."""
    return tasks.find(done=done, after=after, limit=limit)


@app.post("/tasks", responses=TAKEN | {201: {"model": Task, "headers": {"location": str}}})
def create_task(new: NewTask, tasks: Tasks) -> Response:
    """Adds a task, and says where it is."""
    task = tasks.add(new)
    return Response(task, status_code=201, headers={"location": f"/tasks/{task.id}"})


@app.get("/tasks/{task_id}", responses=GONE)
def read_task(task_id: TaskId, tasks: Tasks) -> Task:
    """One task."""
    return existing(tasks.read(task_id))


@app.patch("/tasks/{task_id}", responses=GONE | TAKEN)
def change_task(task_id: TaskId, change: TaskChange, tasks: Tasks) -> Task:
    """Changes the fields that are sent."""
    return existing(tasks.change(task_id, change))


@app.delete("/tasks/{task_id}", responses=GONE | {204: None})
def delete_task(task_id: TaskId, tasks: Tasks) -> Response:
    """Removes a task."""
    if not tasks.remove(task_id):
        raise HTTPException(404, "no such task")
    return Response(status_code=204)


def existing(task: Task | None) -> Task:
    """The task; 404 if there is none."""
    if task is None:
        raise HTTPException(404, "no such task")
    return task


@app.exception_handler(DuplicateTitleError)
def title_taken(_request: Request, _error: DuplicateTitleError) -> Response:
    """Turns what the table raises into an answer, for every handler."""
    raise HTTPException(409, "another task has this title")


if __name__ == "__main__":
    app.run()
