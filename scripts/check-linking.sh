#!/bin/bash
# Looks at how an executable is linked: libraries only from where the system has them, every symbol bound at start, the
# table of their addresses read-only. Takes the executable, and says what it lacks.
set -euo pipefail
executable=$1
dynamic=$(readelf -dW "$executable")
headers=$(readelf -lW "$executable")
status=0
lacks() {
  echo "check-linking: $executable: $1" >&2
  status=1
}
if grep -qE '\((RUNPATH|RPATH)\)' <<<"$dynamic"; then lacks "libraries are looked for in a RUNPATH"; fi
grep -qE '\(FLAGS(_1)?\).*(BIND_NOW|NOW)' <<<"$dynamic" || lacks "symbols are bound when they are first used (no BIND_NOW)"
grep -q GNU_RELRO <<<"$headers" || lacks "the table of addresses stays writable (no RELRO)"
exit $status
