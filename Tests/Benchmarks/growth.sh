#!/bin/bash
# Shows how the time and memory of the released executable grow with what a server sends, one shape after another, and fails
# if any of them grows faster than its size. SHAPE names some of them.
set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-dependencies.sh bench
xmppctl=$(scripts/build-release.sh)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
gcc -O2 -Wall -Wextra -Werror -o "$folder/measure" Tests/Benchmarks/measure.c
python3 Tests/Benchmarks/growth.py "$PWD/${xmppctl#"$PWD/"}" "$folder/measure" ${SHAPE:+"$SHAPE"}
