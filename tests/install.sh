#!/usr/bin/env bash
# Installs what lints and tests need and a fresh machine lacks: system packages, and the virtual
# environment of the Python package (.venv, or the one that VENV names).
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}" venv="${VENV:-.venv}" wanted=spikard-py/tests/requirements.txt
tools=spikard-py/tests/openapi/tools
packages=()
command -v curl >/dev/null || packages+=(curl)
command -v slowhttptest >/dev/null || packages+=(slowhttptest)
command -v testssl >/dev/null || packages+=(testssl.sh)
command -v openssl >/dev/null || packages+=(openssl)
command -v systemd-analyze >/dev/null || packages+=(systemd)
command -v redis-server >/dev/null || packages+=(redis-server)
"$python" -c "import ensurepip, sysconfig, pathlib; assert pathlib.Path(sysconfig.get_path('include'), 'Python.h').exists()" \
    2>/dev/null || packages+=(python3 python3-venv python3-dev)
# The browser that opens the pages of examples/: Debian's, or else the one that playwright brings (below).
if ! command -v chromium-headless-shell >/dev/null && grep -qs '^ID=debian' /etc/os-release; then
    packages+=(chromium-headless-shell)
fi
if [ "${#packages[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${packages[@]}"
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
    if ! command -v chromium-headless-shell >/dev/null; then
        "$venv/bin/playwright" install --with-deps --only-shell chromium
    fi
    cp "$wanted" "$venv/requirements.txt"
fi
# What comes from npm, by the Node.js of the environment: so it is the same on every machine.
if ! cmp -s "$tools/package-lock.json" "$venv/node/package-lock.json"; then
    rm -rf "$venv/node" "$venv/node.new"
    cp -r "$tools" "$venv/node.new"
    PATH="$venv/bin:$PATH" npm ci --prefix "$venv/node.new" --ignore-scripts --no-audit --no-fund --loglevel=error
    mv "$venv/node.new" "$venv/node"
fi
