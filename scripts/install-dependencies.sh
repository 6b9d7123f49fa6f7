#!/bin/bash
# Installs the Debian packages that xmppctl needs, and only those that are missing. It takes one word:
#
#   build   what the executable is compiled and linked against (the default)
#   demo    that, and what `make demo` shows it with
#   test    that, and the servers the tests run it against
#   deb     that, and what makes a Debian package
#   check-deb  what demo needs, and what makes a new system to install that package on
#   bench   what demo needs, and what `make bench` measures it against
#
# It asks for root by sudo only where it has something to install. Servers that it installs are not started.
set -euo pipefail

build=(
  "pkg-config      tells the compiler where the libraries are"
  "libssl-dev      OpenSSL: TLS, certificates, SASL's hashes"
  "libxml2-dev     libxml2: the parser"
  "libicu-dev      ICU: preparing addresses and passwords"
  "zlib1g-dev      zlib: stream compression"
  "libc-ares-dev   c-ares: DNS"
  "binutils        readelf looks at how the executable is linked"
)
demo=(
  "prosody         the server it is shown with"
  "openssl         makes that server's certificate"
  "jq              reads its JSON"
)
test=(
  "prosody-modules SASL2, for the server of the tests"
  "ejabberd        another server"
  "mandoc          checks the manual pages"
  "strace          makes system calls fail"
  "zsh             is asked for completions, as bash is"
  "fish            is asked for completions too"
)
deb=(
  "dpkg-dev        knows which packages the executable needs"
)
check_deb=(
  "debootstrap     makes a new system"
)
bench=(
  "gcc             compiles the programs it is compared with"
  "libstrophe-dev  another XMPP library"
  "go-sendxmpp     another program that sends"
  "python3         plays the server where a real one would be what is measured"
  "valgrind        counts instructions"
)

case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  demo) wanted=("${build[@]}" "${demo[@]}") ;;
  test) wanted=("${build[@]}" "${demo[@]}" "${test[@]}") ;;
  deb) wanted=("${build[@]}" "${deb[@]}") ;;
  check-deb) wanted=("${build[@]}" "${demo[@]}" "${deb[@]}" "${check_deb[@]}") ;;
  bench) wanted=("${build[@]}" "${demo[@]}" "${bench[@]}") ;;
  *)
    echo "usage: $0 [build|demo|test|deb|check-deb|bench]" >&2
    exit 64
    ;;
esac

missing=()
for line in "${wanted[@]}"; do
  package=${line%% *}
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  if [ "$status" != installed ]; then
    [ ${#missing[@]} -gt 0 ] || echo "Installing from Debian:"
    echo "  $line"
    missing+=("$package")
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a server as soon as it is installed, unless a policy forbids it. Ours is there for that moment only.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'as_root rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
fi
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}" </dev/null
