"""Clients that were generated from documents: they are good code, and work with the servers that were described."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from examples.starting import started

from .npm import FOLDER, node

pytestmark = pytest.mark.xdist_group("documents")  # which are written once for each process

PYTHON = """
import sys

from tasks import Client
from tasks.api.default import delete_tasks_by_task_id, get_tasks, get_tasks_by_task_id
from tasks.api.default import patch_tasks_by_task_id, post_tasks
from tasks.models import NewTask, Problem, Task, TaskChange, ValidationProblem

with Client(base_url=sys.argv[1]) as client:
    created = post_tasks.sync(client=client, body=NewTask(title="water the plants"))
    assert isinstance(created, Task) and (created.title, created.done) == ("water the plants", False), created
    taken = post_tasks.sync(client=client, body=NewTask(title="water the plants"))
    assert isinstance(taken, Problem) and (taken.status, taken.detail) == (409, "another task has this title"), taken
    changed = patch_tasks_by_task_id.sync(created.id, client=client, body=TaskChange(done=True))
    assert isinstance(changed, Task) and changed.done and changed.created == created.created, changed
    assert get_tasks.sync(client=client, done=True, limit=1) == [changed]
    refused = get_tasks.sync(client=client, limit=1000)
    assert isinstance(refused, ValidationProblem) and refused.errors, refused
    assert (refused.errors[0].loc, refused.errors[0].type_) == (["query", "limit"], "less_than_equal"), refused
    assert delete_tasks_by_task_id.sync_detailed(created.id, client=client).status_code == 204
    gone = get_tasks_by_task_id.sync(created.id, client=client)
    assert isinstance(gone, Problem) and gone.title == "Resource Not Found", gone
"""
CHECKED = """
[mypy]
strict = true
python_version = 3.12
# The same file for every document; what it hands on to httpx is of type object.
[mypy-tasks.client]
ignore_errors = true
"""
TYPESCRIPT = """
import assert from "node:assert";
import createClient from "openapi-fetch";
import type { components, paths } from "./rest.js";

const client = createClient<paths>({ baseUrl: process.argv[2] });
const { data: created } = await client.POST("/tasks", { body: { title: "mow", done: false } });
const task: components["schemas"]["Task"] = created!;
assert.deepEqual([task.title, task.done], ["mow", false]);
const params = { path: { task_id: task.id } };
const { data: changed } = await client.PATCH("/tasks/{task_id}", { params, body: { done: true } });
assert.deepEqual(changed, { ...task, done: true });
const { data: found } = await client.GET("/tasks", { params: { query: { done: true, limit: 1 } } });
assert.deepEqual(found, [changed]);
const { error, response } = await client.GET("/tasks", { params: { query: { limit: 1000 } } });
assert.equal(response.status, 422);
assert.deepEqual((error as components["schemas"]["ValidationProblem"]).errors?.[0]?.loc, ["query", "limit"]);
assert.equal((await client.DELETE("/tasks/{task_id}", { params })).response.status, 204);
assert.equal((await client.GET("/tasks/{task_id}", { params })).error?.title, "Resource Not Found");
"""


def run(*command: str | Path, cwd: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the generator formats with ruff
    env = {**os.environ, "PATH": path}
    ran = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_client_in_python_is_typed_and_works(written: Mapping[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("openapi_python_client", reason="the generator asks for Python 3.11")
    generator = Path(sys.executable).parent / "openapi-python-client"
    options = ("--meta", "none", "--fail-on-warning", "--output-path", "tasks")
    run(generator, "generate", "--path", written["rest"], *options, cwd=tmp_path)
    (tmp_path / "use.py").write_text(PYTHON)
    (tmp_path / "mypy.ini").write_text(CHECKED)
    run(sys.executable, "-m", "mypy", "use.py", cwd=tmp_path)
    with started("rest/app.py", tmp_path) as program:
        run(sys.executable, "use.py", program.url, cwd=tmp_path)


def test_a_client_in_typescript_is_typed_and_works(written: Mapping[str, Path], tmp_path: Path) -> None:
    compiled(tmp_path, written["rest"], client=TYPESCRIPT)
    with started("rest/app.py", tmp_path) as program:
        run(Path(sys.executable).parent / "node", "client.js", program.url, cwd=tmp_path)


def test_every_document_has_types(written: Mapping[str, Path], tmp_path: Path) -> None:
    compiled(tmp_path, *written.values())


def compiled(folder: Path, *documents: Path, client: str = "") -> None:
    """The types of documents, and a client that uses them, as JavaScript."""
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    apis = {file.stem: {"root": str(file), "x-openapi-ts": {"output": f"{file.stem}.ts"}} for file in documents}
    (folder / "redocly.yaml").write_text(json.dumps({"apis": apis}))
    made = node("openapi-typescript", cwd=folder)
    assert made.returncode == 0, made.stderr
    if client:
        (folder / "client.ts").write_text(client)
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--skipLibCheck")
    ran = node("tsc", *options, *(file.name for file in folder.glob("*.ts")), cwd=folder)
    assert ran.returncode == 0, ran.stdout
