#!/usr/bin/env bash
# Installs the programs named that are not there: `program`, or `program:package` where Debian calls it otherwise.
set -euo pipefail
missing=()
for wanted in "$@"; do
    program="${wanted%%:*}"
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("${wanted##*:}")
done
if [ "${#missing[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${missing[@]}"
fi
