#!/usr/bin/env bash
# Fails if the log of `cargo test` has an ignored test that tests/skipped.txt does not name.
set -euo pipefail
list="$(dirname "$0")/skipped.txt"
found=0
while read -r name; do
    if ! grep -qxF "$name" <(sed 's/ *#.*//' "$list"); then
        echo "skipped without a reason in tests/skipped.txt: $name"
        found=1
    fi
done < <(sed -n 's/^test \(.*\) \.\.\. ignored.*/\1/p' "$1")
exit "$found"
