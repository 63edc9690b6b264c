#!/usr/bin/env bash
# Starts the server on port 8000, or the one that is given: ./run.sh 9000
# Needs spikard, protobuf and grpcio-tools.
set -euo pipefail
cd "$(dirname "$0")"
python="${PYTHON:-python3}"
"$python" -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. sensors.proto
exec "$python" app.py "$@"
