#!/usr/bin/env bash
# An hour (or as many seconds as the argument says) of mixed load on the release build, with faults: benches/soak/run.py says which.
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=()
for program in redis-server openssl; do command -v "$program" >/dev/null || missing+=("$program"); done
if [ "${#missing[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${missing[@]}"
fi
cargo build --release -p spikard-core --bin spikard
exec python3 benches/soak/run.py "${CARGO_TARGET_DIR:-target}/release/spikard" "$@"
