#!/usr/bin/env bash
# Builds the release programs, installs the other gateways (into an environment of their own: they are measured, never depended on),
# and prints the tables.
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=()
for program in wrk nginx haproxy h2load openssl; do
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("${program/#h2load/nghttp2-client}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${missing[@]}"
fi
environment="${CARGO_TARGET_DIR:-target}/bench-gateways"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check -r benches/gateways/requirements.txt
cargo build --release --bin spikard --bin reference
PATH="$PATH:/usr/sbin" exec "$environment/bin/python" benches/gateways/run.py "$@"
