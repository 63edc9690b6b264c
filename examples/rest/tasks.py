"""Tasks in a SQLite database. Nothing here knows of HTTP."""

from __future__ import annotations

import sqlite3
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, structs

Title = Annotated[str, Meta(min_length=1, max_length=200)]

SCHEMA = """
create table if not exists tasks (
    id integer primary key,
    title text not null unique,
    done integer not null default 0,
    created text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) strict
"""


class NewTask(Struct):
    """What a task is made of."""

    title: Title
    done: bool = False


class TaskChange(Struct):
    """What is to change; a field that is not sent stays."""

    title: Title | UnsetType = UNSET
    done: bool | UnsetType = UNSET


class Task(NewTask, kw_only=True):
    """A task."""

    id: int
    created: str


class DuplicateTitleError(Exception):
    """Another task has this title."""


class Tasks:
    """The table of tasks, over one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, *, done: bool | None, after: int, limit: int) -> list[Task]:
        """The next `limit` tasks after the one with the id `after`."""
        rows = self._db.execute(
            "select * from tasks where id > ? and (? is null or done = ?) order by id limit ?",
            (after, done, done, limit),
        )
        return [_task(row) for row in rows]

    def read(self, task_id: int) -> Task | None:
        """The task with this id."""
        row = self._db.execute("select * from tasks where id = ?", (task_id,)).fetchone()
        return None if row is None else _task(row)

    def add(self, new: NewTask) -> Task:
        """Adds a task. Raises `DuplicateTitleError`."""
        task = self._write("insert into tasks (title, done) values (?, ?) returning *", new.title, new.done)
        assert task is not None
        return task

    def change(self, task_id: int, change: TaskChange) -> Task | None:
        """Changes what is set in `change`; `None` if there is no such task. Raises `DuplicateTitleError`."""
        values = {name: value for name, value in structs.asdict(change).items() if value is not UNSET}
        return self._write(
            "update tasks set title = coalesce(?, title), done = coalesce(?, done) where id = ? returning *",
            values.get("title"),
            values.get("done"),
            task_id,
        )

    def remove(self, task_id: int) -> bool:
        """Removes a task; false if there is none."""
        return self._write("delete from tasks where id = ? returning *", task_id) is not None

    def _write(self, statement: str, *values: object) -> Task | None:
        try:
            with self._db:  # a transaction: committed at the end, rolled back if something is raised
                rows = self._db.execute(statement, values).fetchall()
        except sqlite3.IntegrityError as error:
            raise DuplicateTitleError from error
        return _task(rows[0]) if rows else None


def _task(row: sqlite3.Row) -> Task:
    return Task(id=row["id"], title=row["title"], done=bool(row["done"]), created=row["created"])
