#!/bin/bash
# Shows xmppctl at work against a Prosody of its own: on loopback only, with its own certificate authority and two
# accounts, in a temporary folder. It stops what it started, and fails when a command it shows fails.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/private-prosody.sh

scripts/install-dependencies.sh demo
PATH="$(dirname "$(scripts/build-release.sh)"):$PATH"

folder=$(mktemp -d)
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command line and shows it as a user would have typed it, and what it prints.
show() {
  printf '\n\033[1m$ %s\033[0m\n' "$1"
  local status=0
  bash -euo pipefail -c "$1" || status=$?
  if [ "$status" -ne 0 ]; then
    echo "demo: exit status $status of: $1" >&2
    exit 1
  fi
}

start_server
export CA=$folder/ca.pem SERVER=127.0.0.1:$port SECRET=$folder/password

echo
echo "A Prosody listens on $SERVER for the domain example.test; CA is the file with its authority."
show 'xmppctl connect --connect-to $SERVER --cacert $CA example.test'
show 'xmppctl features --connect-to $SERVER --cacert $CA example.test'
show 'xmppctl features --json --connect-to $SERVER --cacert $CA example.test | jq "[.stages[].features[].name] | unique"'
show 'echo wonderland | xmppctl bind --password-file - --connect-to $SERVER --cacert $CA alice@example.test/demo'
show 'echo wonderland | xmppctl features --password-file - --jid alice@example.test --connect-to $SERVER --cacert $CA'
(umask 077 && echo wonderland >"$SECRET")
show 'echo "disk full" | xmppctl send --password-file $SECRET --jid alice@example.test --connect-to $SERVER --cacert $CA bob@example.test; echo $?'
show 'xmppctl send --json -m "for two" --password-file $SECRET --jid alice@example.test --connect-to $SERVER --cacert $CA bob@example.test nobody@example.test || echo $?'
show 'echo "<iq type=\"get\" id=\"1\" to=\"example.test\"><query xmlns=\"jabber:iq:version\"/></iq>" | xmppctl send --xml --password-file $SECRET --jid alice@example.test --connect-to $SERVER --cacert $CA'
show 'xmppctl listen --json --type chat --count 2 --max-time 10 --password-command "echo builder" --jid bob@example.test --connect-to $SERVER --cacert $CA | jq -ac "[.from, .body]"'
