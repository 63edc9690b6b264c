"""Makes `user_pb2` and `user_pb2_grpc` of `user.proto`, as protobuf's compiler does for a user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROTO = Path(__file__).parent / "user.proto"


def generate(folder: Path, proto: Path = PROTO) -> Path:
    """Writes the modules of a description into a folder, which it returns."""
    command = ["-m", "grpc_tools.protoc", f"-I{proto.parent}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    subprocess.run([sys.executable, *command, str(proto)], check=True, timeout=60)
    return folder
