#!/usr/bin/env bash
# Installs what the tests need and a fresh machine lacks.
set -euo pipefail
packages=()
command -v curl >/dev/null || packages+=(curl)
command -v slowhttptest >/dev/null || packages+=(slowhttptest)
command -v openssl >/dev/null || packages+=(openssl)
if [ "${#packages[@]}" -gt 0 ]; then
    sudo=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq "${packages[@]}"
fi
