#!/usr/bin/env bash
# Builds the release programs, installs wrk, nginx and HAProxy, and prints the tables.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
for program in wrk nginx haproxy perf; do
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("${program/#perf/linux-perf}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${missing[@]}"
fi
cargo build --release --bin spikard --bin reference --bin embedded
PATH="$PATH:/usr/sbin" exec python3 benches/run.py "$@"
