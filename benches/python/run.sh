#!/usr/bin/env bash
# Builds Spikard's package and the references in release form, installs the peers into a virtual
# environment of their own, and prints the tables. Arguments go to run.py. Ours and the peers run on
# one Python: PYTHON, else the newest one here.
set -euo pipefail
cd "$(dirname "$0")/../.."
benches/install.sh wrk
# Below 3.12 pip finds no django-bolt but 0.3, which costs several times what 0.13 costs.
python="${PYTHON:-$(tests/pythons.sh | tail -n 1)}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12) and "the peers need Python 3.12 or newer")'
version="$("$python" -c 'import platform; print(platform.python_version())')"
target="${CARGO_TARGET_DIR:-target}"
ours="$target/bench-python/spikard-$version" peers="$target/bench-python/peers-$version"
[ -x "$peers/bin/python" ] || "$python" -m venv "$peers"
"$peers/bin/pip" install --quiet --disable-pip-version-check -r benches/python/requirements.txt
make python VENV="$ours" PYTHON="$python" PROFILE=release
# pip compiles the modules that it installs; of ours it only knows where they are.
env -u PYTHONDONTWRITEBYTECODE "$ours/bin/python" -m compileall -q spikard-py/python
cargo build --release -p spikard-benches --bin reference
SPIKARD_PYTHON="$ours/bin/python" PEERS_PYTHON="$peers/bin/python" REFERENCE="$target/release/reference" \
    exec "$python" benches/python/run.py "$@"
