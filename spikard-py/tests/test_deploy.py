"""What lies in `deploy/` is well formed, and names commands and settings that there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[2] / "deploy"
TOOLS = Path(sys.executable).parent


def manifests_of(name: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(DEPLOY / name))


def test_the_unit_and_its_socket_are_understood(tmp_path: Path) -> None:
    for name in ("spikard.service", "spikard.socket"):
        # The program is not installed here.
        text = (DEPLOY / "systemd" / name).read_text().replace("/usr/bin/spikard", "/bin/true")
        (tmp_path / name).write_text(text)
    verify = ["systemd-analyze", "verify", "--man=no", tmp_path / "spikard.service", tmp_path / "spikard.socket"]
    output = subprocess.run(verify, capture_output=True, text=True, check=True)
    assert output.stderr == ""


def test_the_commands_of_the_unit_are_commands() -> None:
    lines = (DEPLOY / "systemd/spikard.service").read_text().splitlines()
    commands = [line.split("=", 1)[1].split()[1] for line in lines if "=/usr/bin/spikard" in line]
    assert commands == ["check", "serve"]
    for command in commands:
        subprocess.run([TOOLS / "spikard", command, "--help"], check=True, capture_output=True)


def test_the_image_is_built_by_the_rules() -> None:
    output = subprocess.run(
        [TOOLS / "hadolint", DEPLOY / "docker/Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (output.stdout, output.returncode) == ("", 0)


def test_the_manifests_are_what_kubernetes_takes() -> None:
    manifests = manifests_of("kubernetes/spikard.yaml")
    assert [manifest["kind"] for manifest in manifests] == ["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"]
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_the_configuration_in_the_manifests_loads(tmp_path: Path) -> None:
    manifest = manifests_of("kubernetes/spikard.yaml")[0]
    file = tmp_path / "spikard.toml"
    file.write_text(manifest["data"]["spikard.toml"])
    environment = os.environ | {"ADMIN_TOKEN": "a token of the cluster"}
    command = [TOOLS / "spikard", "check", file]
    output = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert output.returncode == 0, output.stderr
    assert output.stderr == ""
