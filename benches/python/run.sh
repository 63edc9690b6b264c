#!/usr/bin/env bash
# Builds Spikard's package and the references in release form, installs the peers into a virtual
# environment of their own, and prints the tables. Arguments go to run.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v wrk >/dev/null; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq wrk
fi
target="${CARGO_TARGET_DIR:-target}"
ours="$target/bench-python/spikard" peers="$target/bench-python/peers"
[ -x "$peers/bin/python" ] || "${PYTHON:-python3}" -m venv "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check -r benches/python/requirements.txt
make python VENV="$ours" PROFILE=release
cargo build --release -p spikard-benches --bin reference
SPIKARD_PYTHON="$ours/bin/python" PEERS_PYTHON="$peers/bin/python" REFERENCE="$target/release/reference" \
    exec python3 benches/python/run.py "$@"
