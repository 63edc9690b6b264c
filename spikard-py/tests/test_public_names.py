"""The names of the package: each is there, and none is imported before it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import spikard
from spikard import config


def test_the_three_lists_of_names_agree():
    tree = ast.parse(Path(spikard.__file__).read_text())
    imported = {
        (statement.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
        for alias in statement.names
    }
    assert imported == {(home, name) for name, home in spikard._HOME_OF.items()} | {("config", "*")}
    assert sorted(spikard._HOME_OF) == sorted(spikard.__all__)


@pytest.mark.parametrize("name", [*spikard.__all__, *config.__all__])
def test_a_name_is_there(name):
    assert getattr(spikard, name) is not None
    assert name in dir(spikard)


def test_a_name_that_is_none_is_an_attribute_error():
    for name in ("Spikar", "nothing", "_Hidden"):
        with pytest.raises(AttributeError, match=f"module 'spikard' has no attribute '{name}'"):
            getattr(spikard, name)


def test_the_import_of_the_package_imports_nothing_else():
    program = "import sys; before = set(sys.modules); import spikard; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("spikard")] == ["spikard"]
    assert not {"asyncio", "msgspec", "pydantic", "inspect"} & set(loaded)


def test_an_application_is_imported_without_what_only_a_server_needs():
    # On Python 3.10 msgspec loads some of them itself.
    program = "import sys, msgspec; own = {*sys.modules}; from spikard import Spikard; print(*{*sys.modules} - own)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "spikard.app" in loaded
    assert not {"asyncio", "ssl", "subprocess", "pydantic"} & set(loaded)
