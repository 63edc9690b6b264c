#!/usr/bin/env bash
# Names the interpreters of the supported versions of CPython that this machine has, oldest first,
# one a line; says on stderr which versions are missing. pyenv's, uv's and the system's are found.
set -euo pipefail
pyenv="${PYENV_ROOT:-$HOME/.pyenv}/versions" uv="${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"
for version in ${VERSIONS:-3.10 3.11 3.12 3.13}; do
    found=""
    # On the path, pythonX.Y may be a shim of pyenv for a version that is not chosen: it comes last.
    for candidate in "$pyenv/$version".*/bin/python "$uv/cpython-$version".*/bin/python "/usr/bin/python$version" \
        "$(command -v "python$version" || true)"; do
        wanted="import sys; sys.exit('%d.%d%s' % (*sys.version_info[:2], sys.abiflags) != '$version')"
        if [ -x "$candidate" ] && "$candidate" -c "$wanted" 2>/dev/null; then
            found="$candidate"
            break
        fi
    done
    if [ -n "$found" ]; then echo "$found"; else echo "missing: CPython $version" >&2; fi
done
