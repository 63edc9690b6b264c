#!/usr/bin/env bash
# Fails if the log of `make test` has a skipped test that tests/skipped.txt does not name: an ignored
# test of cargo by its name, a skipped one of pytest by its file.
set -euo pipefail
list="$(dirname "$0")/skipped.txt"
found=0
while read -r name; do
    if ! grep -qxF "$name" <(sed 's/ *#.*//' "$list"); then
        echo "skipped without a reason in tests/skipped.txt: $name"
        found=1
    fi
done < <(sed -nE 's/^test (.*) \.\.\. ignored.*/\1/p; s/^SKIPPED \[[0-9]+\] ([^:]*):.*/\1/p' "$1")
exit "$found"
