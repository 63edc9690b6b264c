#!/usr/bin/env bash
# Builds the release programs, installs wrk, nginx and HAProxy, and prints the tables.
set -euo pipefail
cd "$(dirname "$0")/.."
benches/install.sh wrk nginx haproxy perf:linux-perf
cargo build --release --bin spikard --bin reference --bin embedded
PATH="$PATH:/usr/sbin" exec python3 benches/run.py "$@"
