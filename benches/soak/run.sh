#!/usr/bin/env bash
# An hour (or as many seconds as the argument says) of mixed load on the release build, with faults: benches/soak/run.py says which.
set -euo pipefail
cd "$(dirname "$0")/../.."
benches/install.sh redis-server openssl
cargo build --release -p spikard-core --bin spikard
PYTHONPATH=benches exec python3 benches/soak/run.py "${CARGO_TARGET_DIR:-target}/release/spikard" "$@"
