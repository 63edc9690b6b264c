#!/usr/bin/env bash
# Starts the example upstream and the gateway in front of it, and says what to try. Ctrl-C ends both.
set -euo pipefail
cd "$(dirname "$0")/.."

port="${SPIKARD_PORT:-8000}"
export UPSTREAM_PORT="${UPSTREAM_PORT:-9000}"
build="${CARGO_TARGET_DIR:-target}/debug"

# SPIKARD_HOST and SPIKARD_PORT, where they are set, are meant for the gateway.
env -u SPIKARD_HOST -u SPIKARD_PORT "$build/examples/upstream" "$UPSTREAM_PORT" &
upstream=$!
"$build/spikard" serve config-examples/gateway.toml &
gateway=$!
trap 'kill "$gateway" "$upstream" 2>/dev/null; wait' EXIT INT TERM

until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$gateway" || exit 1
    sleep 0.1
done
cat <<TRY

Try, in a browser:   http://127.0.0.1:$port/
or in another shell:
  curl -i  http://127.0.0.1:$port/status                                a fixed JSON answer
  curl -i  http://127.0.0.1:$port/old                                   a redirect
  curl -i  http://127.0.0.1:$port/api/users/7                           the upstream, through the proxy
  curl -i  http://127.0.0.1:$port/admin                                 401: an API key is missing
  curl -i  -H 'X-API-Key: example-key' http://127.0.0.1:$port/admin     the same with the key
  curl -si --compressed -D - -o /dev/null http://127.0.0.1:$port/style.css
  for i in 1 2 3 4 5; do curl -so /dev/null -w '%{http_code}\n' http://127.0.0.1:$port/limited; done
  $build/spikard explain config-examples/gateway.toml GET http://127.0.0.1:$port/admin

TRY
wait "$gateway"
