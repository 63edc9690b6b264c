#!/usr/bin/env bash
# Builds the release programs, installs the other gateways (into an environment of their own: they are measured, never depended on),
# and prints the tables.
set -euo pipefail
cd "$(dirname "$0")/../.."
benches/install.sh wrk nginx haproxy h2load:nghttp2-client openssl
environment="${CARGO_TARGET_DIR:-target}/bench-gateways"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check -r benches/gateways/requirements.txt
cargo build --release --bin spikard --bin reference
PYTHONPATH=benches PATH="$PATH:/usr/sbin" exec "$environment/bin/python" benches/gateways/run.py "$@"
