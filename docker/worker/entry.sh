#!/usr/bin/env bash
# Runs the worker with the handlers of PAWL_HANDLERS: modules or files, separated by blanks.
#
# In: PAWL_DSN, PAWL_HANDLERS, perhaps libpq's PGPASSWORD. `entry.sh health` tells whether it runs.
set -euo pipefail

port=${PAWL_METRICS_PORT:-9187}
if [ "${1:-}" = health ]; then
  exec python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=3)' \
    "http://127.0.0.1:$port/metrics"
fi

: "${PAWL_DSN:?must name the database}"
: "${PAWL_HANDLERS:?must name a module or a file}"
read -r -a handlers <<<"$PAWL_HANDLERS"
exec pawl worker "${handlers[@]}" --log-format json --metrics-port "$port" "$@"
