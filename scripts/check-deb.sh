#!/bin/bash
# Installs the Debian package on a system that has just been made, without a Swift toolchain, and runs it there: against a
# Prosody that runs outside of it. Takes the package, and needs root for chroot.
set -euo pipefail
package=$(realpath "$1")
cd "$(dirname "$0")/.."
. scripts/private-prosody.sh

folder=$(mktemp -d)
root=$folder/root
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  ! mountpoint -q "$root/proc" || umount "$root/proc"
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# From where this system installs, too.
read -r mirror release < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase "$release" "$root" "$mirror" >"$folder/debootstrap.log" ||
  { tail -n 20 "$folder/debootstrap.log" >&2; exit 1; }
cp "$package" "$root/tmp/xmppctl.deb"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LC_ALL=C.UTF-8 "$@"; }
inside DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends /tmp/xmppctl.deb \
  >"$folder/install.log" 2>&1 || { tail -n 20 "$folder/install.log" >&2; exit 1; }

scripts/check-linking.sh "$root/usr/bin/xmppctl"
if inside xmppctl --version 2>"$folder/errors" || ! grep -q 'mount /proc' "$folder/errors"; then
  echo "check-deb: without /proc it does not say what it lacks" >&2
  exit 1
fi
mount -t proc proc "$root/proc"
start_server
cp "$folder/ca.pem" "$root/tmp/ca.pem"
echo wonderland >"$root/tmp/password"
run() {
  echo "\$ xmppctl $*"
  inside xmppctl "$@"
}
if inside sh -c 'command -v swift'; then
  echo "check-deb: there is a Swift toolchain in the new system" >&2
  exit 1
fi
run --version
run features --connect-to "127.0.0.1:$port" --cacert /tmp/ca.pem example.test
run bind --connect-to "127.0.0.1:$port" --cacert /tmp/ca.pem --password-file /tmp/password alice@example.test/new
inside sh -c "echo hello | xmppctl send --connect-to 127.0.0.1:$port --cacert /tmp/ca.pem --password-file /tmp/password \
  --jid alice@example.test bob@example.test"
for file in share/man/man1/xmppctl.1.gz share/bash-completion/completions/xmppctl share/zsh/vendor-completions/_xmppctl \
  share/fish/vendor_completions.d/xmppctl.fish share/doc/xmppctl/copyright; do
  [ -e "$root/usr/$file" ] || { echo "check-deb: /usr/$file is missing" >&2; exit 1; }
done
inside dpkg --purge xmppctl >/dev/null
if [ -e "$root/usr/bin/xmppctl" ]; then
  echo "check-deb: it stays when it is removed" >&2
  exit 1
fi
echo "The package installs, runs and goes away on a new $release."
