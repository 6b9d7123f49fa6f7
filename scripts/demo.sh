#!/bin/bash
# Shows xmppctl at work against a Prosody of its own: on loopback only, with its own certificate authority and two
# accounts, in a temporary folder. It stops what it started, and fails when a command it shows fails.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-dependencies.sh demo
swift build -c release --static-swift-stdlib --product xmppctl
PATH="$(swift build -c release --static-swift-stdlib --show-bin-path):$PATH"

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

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The server listens a moment before it answers.
answers() (
  exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
  echo "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.test'>" >&3
  read -r -n 1 -t 5 <&3
) 2>/dev/null

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && listens "$port"; do :; done
  echo "$port"
}

certificates() (
  cd "$folder"
  new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -new "${new_key[@]}" -keyout ca.key -out ca.csr -subj "/CN=Authority of the demo" 2>/dev/null
  openssl x509 -req -in ca.csr -signkey ca.key -days 90 -out ca.pem 2>/dev/null \
    -extfile <(printf 'basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n')
  openssl req -new "${new_key[@]}" -keyout server.key -out server.csr -subj "/CN=Server of the demo" 2>/dev/null
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -out server.pem 2>/dev/null \
    -extfile <(printf 'subjectAltName = DNS:example.test, DNS:rooms.example.test\n')
)

account() { # NAME PASSWORD
  mkdir -p "$folder/data/example%2etest/accounts"
  printf 'return { ["password"] = "%s"; };\n' "$2" >"$folder/data/example%2etest/accounts/$1.dat"
}

start_server() {
  certificates
  account alice wonderland
  account bob builder
  port=$(free_port)
  SERVER_FOLDER=$folder PROSODY_MODULES=$PWD/Tests/Servers/prosody-modules \
    C2S_PORT=$port DIRECT_TLS_PORT=$(free_port) S2S_PORT=$(free_port) \
    prosody -F --config Tests/Servers/prosody.cfg.lua >"$folder/console.log" 2>&1 &
  server=$!
  until answers "$port"; do
    if ! kill -0 "$server" 2>/dev/null; then
      cat "$folder/console.log" "$folder/server.log" >&2
      exit 1
    fi
    sleep 0.05
  done
}

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
export CA=$folder/ca.pem SERVER=127.0.0.1:$port

echo
echo "A Prosody listens on $SERVER for the domain example.test; CA is the file with its authority."
show 'xmppctl connect --connect-to $SERVER --cacert $CA example.test'
show 'xmppctl features --connect-to $SERVER --cacert $CA example.test'
show 'xmppctl features --json --connect-to $SERVER --cacert $CA example.test | jq "[.stages[].features[].name] | unique"'
show 'echo wonderland | xmppctl bind --password-file - --connect-to $SERVER --cacert $CA alice@example.test/demo'
show 'echo wonderland | xmppctl features --password-file - --jid alice@example.test --connect-to $SERVER --cacert $CA'
