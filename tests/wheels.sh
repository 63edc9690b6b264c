#!/usr/bin/env bash
# Builds a wheel for each supported CPython on this machine, and the source distribution; installs
# each into a fresh virtual environment and lets spikard-py/tests/smoke.py serve and ask. PROFILE is the profile
# of the build. The wheels take the oldest manylinux tag that the symbols of this machine's C library
# allow; the release is built in the images of manylinux (.github/workflows/wheels.yml).
set -euo pipefail
cd "$(dirname "$0")/.."
profile="${PROFILE:-release}" target="${CARGO_TARGET_DIR:-target}" wheels="${WHEELS:-${CARGO_TARGET_DIR:-target}/wheels}"
tools="$target/wheels-tools"
rm -rf "$wheels"
mkdir -p "$wheels"

# Installs a distribution into a fresh environment and tries it there, away from the sources.
smoke() {
    local python="$1" place
    shift
    place="$(mktemp -d)"
    "$python" -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet --disable-pip-version-check "$@"
    (cd "$place" && PATH="$place/venv/bin:$PATH" "$place/venv/bin/python" -) <spikard-py/tests/smoke.py
    rm -rf "$place"
}

pythons="$(tests/pythons.sh)"
newest="$(tail -n 1 <<<"$pythons")"
[ -x "$tools/bin/maturin" ] || "$newest" -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.16,<2' auditwheel
for python in $pythons; do
    "$tools/bin/maturin" build --quiet --profile "$profile" --manifest-path spikard-py/Cargo.toml \
        --interpreter "$python" --auditwheel check --out "$wheels"
    wheel="$(ls -t "$wheels"/*.whl | head -n 1)"
    [ "$(uname -s)" != Linux ] || "$tools/bin/auditwheel" show "$wheel" | grep -A2 'constrains the platform tag'
    smoke "$python" "$wheel"
    echo "built, installed and tried: $wheel"
done
"$tools/bin/maturin" sdist --manifest-path spikard-py/Cargo.toml --out "$wheels"
# As `pip install spikard` does where there is no wheel; the target directory spares it the dependencies.
CARGO_TARGET_DIR="$(realpath "$target")" MATURIN_PEP517_ARGS="--profile $profile" smoke "$newest" "$wheels"/*.tar.gz
echo "built, installed and tried: $(ls "$wheels"/*.tar.gz)"
