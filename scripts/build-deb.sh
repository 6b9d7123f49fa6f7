#!/bin/bash
# Makes a Debian package of the executable, its manual pages and its completions, and prints where it is.
set -euo pipefail
cd "$(dirname "$0")/.."

executable=$(scripts/build-release.sh)
version=$(sed -nE 's/.*static let number = "(.*)"/\1/p' Sources/xmppctl/Version.swift)
architecture=$(dpkg --print-architecture)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
root=$folder/root
doc=$root/usr/share/doc/xmppctl

umask 022
make --no-print-directory install PREFIX=/usr DESTDIR="$root" >&2
# Where Debian's zsh looks for what packages bring.
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
scripts/check-linking.sh "$root/usr/bin/xmppctl"
find "$root/usr/share/man" -type f -exec gzip -9n {} +
install -d "$doc" "$root/DEBIAN" "$folder/debian"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
install -m 644 README.md "$doc"
cat >"$doc/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: xmppctl

Files: *
Copyright: the authors of xmppctl
License: Apache-2.0
 On Debian systems the full text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.

Comment:
 The executable contains the run-time library of Swift and the packages that
 Package.swift names, which have the same license.
END

# What the executable is linked against, by the packages that have it; Swift's own libraries are inside it.
: >"$folder/debian/control"
depends=$(cd "$folder" && dpkg-shlibdeps -O "$root/usr/bin/xmppctl" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
cat >"$root/DEBIAN/control" <<END
Package: xmppctl
Version: $version
Architecture: $architecture
Maintainer: The authors of xmppctl <xmppctl@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: $depends
Recommends: ca-certificates
Section: net
Priority: optional
Description: curl for XMPP: probes servers, logs in, sends and listens
 One executable for shell scripts, cron jobs, monitoring and jq. It shows what
 an XMPP server offers before TLS, in TLS and after the login; sends messages
 and ends with 0 only when the server has them; prints what comes in, one line
 or one JSON object a stanza; and has an exit status for each thing that can go
 wrong.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

package=.build/xmppctl_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >&2
echo "$PWD/$package"
