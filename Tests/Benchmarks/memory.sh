#!/bin/bash
# Shows the most memory that the released executable ever has resident, with each kind of input that asks for much of it,
# and fails where that is more than its ceiling. A server of its own on loopback plays the other side.
set -euo pipefail
cd "$(dirname "$0")/../.."

ceiling=$((32 << 10)) # KiB

scripts/install-dependencies.sh bench
xmppctl=$(scripts/build-release.sh)
here=Tests/Benchmarks

folder=$(mktemp -d)
sink=
stop() {
  if [ -n "$sink" ]; then
    kill "$sink" 2>/dev/null || true
    wait "$sink" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

gcc -O2 -Wall -Wextra -Werror -o "$folder/measure" $here/measure.c
python3 $here/sink.py serve "$folder/port" &
sink=$!
until [ -e "$folder/port" ]; do sleep 0.05; done
way=(--tls none --connect-to "127.0.0.1:$(<"$folder/port")")
failed=

# Runs a command by way of a shell script, whose $0 is the third word, and shows the most memory that one process had.
measure() { # WHAT SCRIPT NAME COMMAND...
  local what=$1 script=$2 memory
  shift 2
  if ! timeout 300 "$folder/measure" 1 sh -c "$script" "$@" <"${input:-/dev/null}" >"$folder/output" \
    2>"$folder/errors" 3>"$folder/cost"; then
    echo "memory: this is not as it should be: $what: $*" >&2
    tail -n 5 "$folder/errors" >&2
    failed=yes
    return
  fi
  read -r _ _ memory <"$folder/cost"
  printf '%-58s %s MiB\n' "$what" "$(awk -v kibibytes="$memory" 'BEGIN { printf "%5.1f", kibibytes / 1024 }')"
  [ "$memory" -le $ceiling ] || {
    echo "memory: that is more than $((ceiling >> 10)) MiB" >&2
    failed=yes
  }
}

listen=("$xmppctl" listen --json --no-reconnect "${way[@]}")
# Whatever it is that ends the run, it is told by this status.
refused='"$@" >/dev/null; [ $? = 76 ]'
lines='"$@" >/dev/null'

measure "--version" "$lines" sh "$xmppctl" --version
# Its file descriptors, once it has begun to print, are the same ones up to the end.
measure "listen --json, 1,000,000 stanzas" '
  "$@" >"$0" & process=$!
  until [ -s "$0" ]; do sleep 0.1; done
  first=$(ls "/proc/$process/fd")
  while sleep 0.2 && files=$(ls "/proc/$process/fd" 2>/dev/null) && [ -n "$files" ]; do
    [ "$files" = "$first" ] || { kill $process; echo "other descriptors: $files" >&2; exit 1; }
  done
  wait $process && [ "$(wc -l <"$0")" = 1000000 ]' "$folder/lines" "${listen[@]}" --count 1000000 --jid 1000000.stanzas.test
rm "$folder/lines"
measure "listen --json, 100,000 into a pipe that sleeps for 10 s" '
  "$@" | { sleep 10; [ "$(wc -l)" = 100000 ]; }' sh "${listen[@]}" --count 100000 --jid 100000.stanzas.test
measure "listen --json, 24 MB of names that are all different" "$lines" sh "${listen[@]}" --count 96 --jid names.test
for style in "listen --json" "listen --xml" listen; do
  # shellcheck disable=SC2086 # these are words
  measure "$style, the largest stanzas that pass" "$lines" sh \
    "$xmppctl" $style --no-reconnect "${way[@]}" --count 32 --jid costly.test
done
measure "listen --json, the same, traced" "$lines" sh "${listen[@]}" --trace=/dev/null --count 32 --jid costly.test
measure "listen --json, a stanza of 200 MB, skipped" "$lines" sh "${listen[@]}" --count 1 --jid huge.test
measure "listen --json, a zlib bomb of 1 GB" "$refused" sh "${listen[@]}" --compress --jid zip-bomb.test
for style in "features --json" "features --xml" features; do
  # shellcheck disable=SC2086 # these are words
  measure "$style, a value that is escaped throughout" "$lines" sh "$xmppctl" $style "${way[@]}" controls.test
done
rejected='"$@" >/dev/null; [ $? = 77 ]'
export XMPPCTL_PASSWORD=none
measure "bind --json, 20,000 mechanisms, 20,000 binding types" "$rejected" sh "$xmppctl" bind --json "${way[@]}" a@bindings.test
measure "bind --json, a challenge of 1.2 MB" "$rejected" sh "$xmppctl" bind --json "${way[@]}" a@challenge.test
unset XMPPCTL_PASSWORD
awk 'BEGIN { for (number = 0; number < 200000; number++)
  printf "{\"to\":\"eve@sink.test\",\"id\":\"i%d\",\"type\":\"headline\",\"body\":\"number %d\"}\n", number, number }' >"$folder/input"
input=$folder/input measure "send --ndjson, 200,000 messages" '
  "$@" >"$0" && [ "$(wc -l <"$0")" = 200000 ]' "$folder/lines" \
  "$xmppctl" send --ndjson --json --max-time 280 "${way[@]}" --jid sink.test
for size in 1050000 1570000; do
  awk -v size=$size 'BEGIN { text = "x"; while (length(text) < size) text = text text; text = substr(text, 1, size)
    for (number = 0; number < 200000000 / size; number++) printf "{\"to\":\"eve@sink.test\",\"body\":\"%s\"}\n", text }' >"$folder/input"
  input=$folder/input measure "send --ndjson, messages of $size bytes" "$lines" sh \
    "$xmppctl" send --ndjson --json --max-time 280 "${way[@]}" --jid sink.test
done

echo "ceiling: $((ceiling >> 10)) MiB"
[ -z "$failed" ]
