# For other scripts, which source it: a Prosody of their own, on loopback only, with its own certificate authority and
# two accounts of example.test, alice (wonderland) and bob (builder), in the folder $folder.
# shellcheck shell=bash

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

# Sets $server, its process, and $port.
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
