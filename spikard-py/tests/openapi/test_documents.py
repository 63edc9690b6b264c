"""The documents are valid OpenAPI, good ones by the rules of a linter, and the same in every run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from ruamel.yaml import YAML

from .documents import ALL, APPLICATIONS, CONFIGURATIONS, SYNTHETIC, Described
from .npm import node

pytestmark = pytest.mark.xdist_group("documents")  # which are written once for each process

NOT_HELD = {
    # rule, document, operation: why it cannot hold
    ("operation-2xx-response", "synthetic", "/socket/{room}"): "a WebSocket answers 101",
    ("operation-2xx-response", "chat", "/rooms/{room_name}"): "a WebSocket answers 101",
    ("operation-2xx-response", "synthetic", "/answers/redirect"): "a redirect answers 3xx, and nothing else",
}
"""What the linter may find. Besides these: a file that says nothing of its API names no licence (`_is_unnamed`)."""


@pytest.mark.parametrize("name", [described.name for described in ALL])
def test_a_document_is_valid(written: dict[str, Path], name: str) -> None:
    document = json.loads(written[name].read_text())
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_linter_finds_nothing(written: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "redocly.yaml").write_text("extends: [recommended]\n")
    options = ("--config", "redocly.yaml", "--format=json", "--max-problems=1000")
    ran = node("redocly", "lint", *written.values(), *options, cwd=tmp_path)
    reports = list(_objects(ran.stdout))
    assert len(reports) == len(written), ran.stderr
    found = []
    for problem in (problem for report in reports for problem in report["problems"]):
        place = problem["location"][0]
        found.append((problem["ruleId"], Path(place["source"]["ref"]).stem, place.get("pointer", "")))
    expected = {finding for finding in found if _is_expected(*finding) or _is_unnamed(*finding)}
    assert set(found) - expected == set()
    assert len(expected) >= len(NOT_HELD), "some of what may be found is not found any more"


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects that stand one behind the other."""
    while text := text.strip():
        found, end = json.JSONDecoder().raw_decode(text)
        yield found
        text = text[end:]


def _is_expected(rule: str, name: str, pointer: str) -> bool:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]
    return len(steps) > 2 and (rule, name, steps[2]) in NOT_HELD


def _is_unnamed(rule: str, name: str, pointer: str) -> bool:
    """An example of a policy shows that policy; on which terms an API may be used is not ours to make up."""
    return rule == "info-license" and name in {
        described.name for described in CONFIGURATIONS if described.name != "config-examples"
    }


@pytest.mark.parametrize("described", [*APPLICATIONS, SYNTHETIC], ids=lambda described: described.name)
def test_equal_runs_give_equal_bytes(described: Described, written: dict[str, Path], tmp_path: Path) -> None:
    again = described.write(tmp_path / "again.json", seed=4711)
    assert again.read_bytes() == written[described.name].read_bytes()


def test_yaml_is_the_same_in_the_same_order(written: dict[str, Path], tmp_path: Path) -> None:
    document = YAML(typ="safe").load(SYNTHETIC.write(tmp_path / "document.yaml"))
    assert json.dumps(document) == json.dumps(json.loads(written["synthetic"].read_text()))


def test_keys_stand_in_the_order_in_which_they_were_declared(written: dict[str, Path]) -> None:
    document = json.loads(written["synthetic"].read_text())
    assert list(document)[:4] == ["openapi", "info", "servers", "paths"]
    flat = document["components"]["schemas"]["Flat"]
    assert list(flat["properties"]) == ["text", "number", "flag", "size"]
    paths = [path for path in document["paths"] if path.startswith("/answers/")]
    assert [path.rpartition("/")[2] for path in paths[:4]] == ["text", "nothing", "page", "stream"]
