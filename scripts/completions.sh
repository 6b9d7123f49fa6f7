#!/bin/bash
# Writes the completions for bash, zsh and fish anew, from what the executable says of its options: run it when an option
# has changed. With two words it takes that executable and writes into that folder; so a test compares them.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
  swift build --product xmppctl
  set -- "$(swift build --show-bin-path)/xmppctl" completions
fi
executable=$1 folder=$2

mkdir -p "$folder"
"$executable" --generate-completion-script bash >"$folder/xmppctl.bash"
"$executable" --generate-completion-script zsh >"$folder/_xmppctl"
# ArgumentParser asks fish for the cursor's place in a word in a way that only an interactive fish answers.
"$executable" --generate-completion-script fish |
  sed 's/(__xmppctl_tokens -tC)/(commandline -ct | string length)/' >"$folder/xmppctl.fish"
