#!/bin/bash
# Measures the released executable beside other programs that do the same, against servers of its own on loopback, and
# prints how they compare. Times depend on the machine and its mood, so only ratios are shown, of medians within one run.
# Instructions hardly depend on either. It fails where something does not work, never because something is slow.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-dependencies.sh bench
xmppctl=$(scripts/build-release.sh)
here=Tests/Benchmarks
# shellcheck source=scripts/private-prosody.sh
. scripts/private-prosody.sh

folder=$(mktemp -d)
server=
sink=
stop() {
  for process in $server $sink; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for program in measure floor strophe; do
  # pkg-config's answers are words.
  # shellcheck disable=SC2046
  gcc -O2 -Wall -Wextra -Werror -o "$folder/$program" $here/$program.c $(pkg-config --cflags --libs libxml-2.0 libstrophe)
done
python3 $here/sink.py serve "$folder/port" &
sink=$!
start_server
until [ -e "$folder/port" ]; do sleep 0.05; done
sink_port=$(<"$folder/port")

# Runs a command; its median wall and CPU time go to $wall and $cpu, in microseconds, its highest memory to $memory, in KiB.
# Its input and output are the files in $input and $output.
measure() { # RUNS COMMAND...
  local runs=$1
  shift
  if ! timeout 120 "$folder/measure" "$runs" "$@" <"${input:-/dev/null}" >"${output:-$folder/output}" \
    2>"$folder/errors" 3>"$folder/cost"; then
    echo "bench: this does not work: $*" >&2
    tail -n 5 "$folder/errors" >&2
    exit 1
  fi
  read -r wall cpu memory <"$folder/cost"
}

# Instructions that a stanza costs: what 2,000 more of them add. @N@ in the command stands for how many they are; the input
# is the file of that name and $suffix, where that is set.
instructions() { # COMMAND...
  local number counts=()
  for number in 2000 4000; do
    counts+=("$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "${@//@N@/$number}" 2>&1 >/dev/null \
      <"$(if [ -n "${suffix:-}" ]; then echo "$folder/$number.$suffix"; else echo /dev/null; fi)" |
      awk '/Collected/ { print $4 }')")
  done
  echo $(((counts[1] - counts[0]) / 2000))
}

row() { # WHAT MEASURE OURS BESIDE THEIRS [GOAL]
  awk -v ours="$3" -v theirs="$5" -v what="$1" -v measure="$2" -v beside="$4" -v goal="${6:-}" 'BEGIN {
    printf "%-34s %-14s %7.2f  x %-24s %s\n", what, measure, ours / theirs, beside, goal ? "goal <= " goal : "" }'
}

show() { # WHAT MEASURE FIGURE [GOAL]
  printf '%-34s %-14s %7s    %-24s %s\n' "$1" "$2" "$3" "" "${4:+goal <= $4}"
}

listen=("$xmppctl" listen --json --no-reconnect --tls none --connect-to "127.0.0.1:$sink_port")

start_up() {
  measure 41 "$xmppctl" --version
  local ours=$wall
  measure 41 true
  row "start-up (--version)" wall "$ours" true "$wall"
  measure 41 jq --version
  row "" wall "$ours" "jq --version" "$wall"
  measure 41 openssl version
  row "" wall "$ours" "openssl version" "$wall"
}

features() {
  measure 21 "$xmppctl" features --connect-to "127.0.0.1:$port" --cacert "$folder/ca.pem" example.test
  local ours=$wall our_cpu=$cpu
  measure 21 openssl s_client -starttls xmpp -xmpphost example.test -connect "127.0.0.1:$port" \
    -CAfile "$folder/ca.pem" -verify_return_error -brief
  row "features of a Prosody" wall "$ours" "openssl s_client" "$wall"
  row "" CPU "$our_cpu" "openssl s_client" "$cpu"
}

listening() {
  local count=100000 ours
  output=$folder/lines measure 5 "${listen[@]}" --count $count --jid $count.stanzas.test
  ours=$cpu
  [ "$(jq -s length "$folder/lines")" = $count ]
  measure 5 "$folder/strophe" listen "$sink_port" $count.stanzas.test $count
  row "listen --json, 100,000 stanzas" CPU "$ours" "a libstrophe client" "$cpu" 0.7
  python3 $here/sink.py stream $count >"$folder/stream"
  input=$folder/stream measure 5 "$folder/floor"
  row "" CPU "$ours" "bare libxml2" "$cpu" 3
  input=$folder/lines measure 3 jq -c .
  row "" CPU "$ours" "jq -c . behind it" "$cpu" 1

  for count in 2000 4000; do
    head -n $count "$folder/lines" >"$folder/$count.lines"
    python3 $here/sink.py stream $count >"$folder/$count.stream"
  done
}

counting() {
  local ours theirs
  ours=$(instructions "${listen[@]}" --count @N@ --jid @N@.stanzas.test)
  show "listen --json, one stanza" instructions "$ours"
  theirs=$(instructions "$folder/strophe" listen "$sink_port" @N@.stanzas.test @N@)
  row "" instructions "$ours" "a libstrophe client" "$theirs" 0.7
  theirs=$(suffix=stream instructions "$folder/floor")
  row "" instructions "$ours" "bare libxml2" "$theirs" 3
  theirs=$(suffix=lines instructions jq -c .)
  row "" instructions "$ours" "jq -c . behind it" "$theirs" 1
}

memory_use() {
  local count
  measure 1 "$xmppctl" --version
  show "--version" "memory, MiB" "$(mebibytes)"
  for count in 10000 1000000; do
    measure 1 "${listen[@]}" --count $count --jid $count.stanzas.test
    show "listen --json, $(printf "%'d" $count) stanzas" "memory, MiB" "$(mebibytes)" 16
  done
}

mebibytes() { awk -v kibibytes="$memory" 'BEGIN { printf "%.1f", kibibytes / 1024 }'; }

sending() {
  echo wonderland >"$folder/password"
  chmod 600 "$folder/password"
  measure 21 "$xmppctl" send --password-file "$folder/password" --jid alice@example.test \
    --connect-to "127.0.0.1:$port" --cacert "$folder/ca.pem" -m 'disk full' bob@example.test
  local ours=$wall our_cpu=$cpu
  measure 21 "$folder/strophe" send "$port" alice@example.test wonderland "$folder/ca.pem" bob@example.test
  row "send, one confirmed message" wall "$ours" "a libstrophe client" "$wall" 0.6
  row "" CPU "$our_cpu" "a libstrophe client" "$cpu"
  echo 'disk full' >"$folder/text"
  input=$folder/text measure 21 env SSL_CERT_FILE="$folder/ca.pem" go-sendxmpp \
    --username alice@example.test --password wonderland --jserver "127.0.0.1:$port" bob@example.test
  row "" wall "$ours" "go-sendxmpp, unconfirmed" "$wall"
  row "" CPU "$our_cpu" "go-sendxmpp, unconfirmed" "$cpu"
}

sending_many() {
  seq 10000 >"$folder/numbers"
  input=$folder/numbers measure 5 "$xmppctl" send --lines --jid sink.test --tls none \
    --connect-to "127.0.0.1:$sink_port" bob@example.org
  local ours=$cpu count=10000
  measure 5 "${listen[@]}" --count $count --jid $count.stanzas.test
  row "send --lines, 10,000 confirmed" CPU "$ours" "listen of as many" "$cpu"
}

echo
start_up
features
listening
counting
memory_use
sending
sending_many
