"""The documents of all examples, as `spikard openapi` writes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parents[1]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Described:
    """Something that has a document."""

    name: str
    argument: str
    """What `spikard openapi` is given: a file or `module:app`."""
    folder: Path
    """Where it is run."""
    env: Mapping[str, str] = field(default_factory=dict)

    def write(self, target: Path, seed: int = 0) -> Path:
        """Writes the document; `seed` is that of Python's hashes."""
        command = [sys.executable, "-m", "spikard", "openapi", self.argument, "-o", str(target)]
        env = {"PYTHONHASHSEED": str(seed), "PYTHONWARNINGS": "error", "PYTHONPATH": str(TESTS), **self.env}
        ran = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == "", "something is left out of the document"
        return target


APPLICATIONS = [
    Described(name, "app:app", EXAMPLES / name) for name in ("auth", "chat", "dashboard", "files", "grpc", "rest")
]
SYNTHETIC = Described("synthetic", "openapi.synthetic:app", TESTS)
GATEWAY = Described(
    "gateway", "spikard.toml", EXAMPLES / "gateway", {"JWT_SECRET": "s" * 32, "PARTNER_KEY": "a key of a partner"}
)
CONFIGURATIONS = [
    Described(file.stem if file.parent.name == "policies" else "config-examples", str(file), ROOT)
    for file in [ROOT / "config-examples/gateway.toml", *sorted((ROOT / "config-examples/policies").glob("*.toml"))]
]
ALL = [*APPLICATIONS, SYNTHETIC, GATEWAY, *CONFIGURATIONS]
