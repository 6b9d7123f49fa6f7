#!/bin/bash
# Builds the executable as it is released and prints where it is. The commit goes into its build ID, for `--version`: four
# bytes that say whether the tree was modified, then the commit. The linker writes it, so nothing is compiled anew for it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without the RUNPATH that SwiftPM adds, by which a library beside the executable would be loaded.
build=(swift build -c release --static-swift-stdlib --disable-local-rpath --product xmppctl)
if commit=$(git rev-parse HEAD 2>/dev/null); then
  modified=00000000
  [ -z "$(git status --porcelain)" ] || modified=00000001
  build+=(-Xlinker "--build-id=0x$modified$commit")
fi
"${build[@]}" >&2
executable=$("${build[@]}" --show-bin-path)/xmppctl
scripts/check-linking.sh "$executable" >&2
echo "$executable"
