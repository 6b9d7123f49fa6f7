#!/bin/bash
# Builds the fuzz targets with libFuzzer and the address sanitizer, and runs them, two at once, for some seconds each:
#
#   [SEED=N] Tests/Fuzz/fuzz.sh [SECONDS] [TARGET...]
#
# It begins with the corpus of the repository and that of earlier runs, which it keeps in .build-fuzz/corpus. For each target
# it prints the executions, what the corpus came to, and what was found; then it fails, and says how to see it again.
#
#   Tests/Fuzz/fuzz.sh --minimise [TARGET...]    brings what earlier runs found into the corpus of the repository
set -euom pipefail
cd "$(dirname "$0")/../.."
here=Tests/Fuzz
build=$PWD/.build-fuzz
program=$build/release/Fuzz
# Longer inputs are slower and find little more.
longest=4096
export ASAN_OPTIONS=detect_leaks=1 SWIFT_BACKTRACE=enable=no

seconds=60
minimise=
case "${1:-}" in
  --minimise) minimise=1 && shift ;;
  '' | [a-z]*) ;;
  *) seconds=$1 && shift ;;
esac
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(ls $here/Corpus))

# All modules are instrumented: `--sanitize fuzzer` for what SwiftPM must know of it, the rest for the compiler.
swift build --package-path $here/Engine --scratch-path "$build" -c release --product Fuzz --sanitize fuzzer \
  -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing

run() { # TARGET
  local corpus=$build/corpus/$1 found=$build/found/$1 log=$build/$1.log dictionary=()
  mkdir -p "$corpus" "$found"
  case $1 in
    stream | reader | features | answers | management | xml | stanza) dictionary=(-dict=$here/xml.dict) ;;
    jid) dictionary=(-dict=$here/jid.dict) ;;
    config | ndjson) dictionary=(-dict=$here/json.dict) ;;
  esac
  local status=0
  FUZZ_TARGET=$1 timeout --foreground --kill-after=10 $((seconds + 120)) "$program" -max_total_time="$seconds" -timeout=25 \
    -seed="${SEED:-0}" \
    -rss_limit_mb=1500 -max_len=$longest -artifact_prefix="$found/" -print_final_stats=1 "${dictionary[@]}" \
    "$corpus" $here/Corpus/$1 >"$log" 2>&1 || status=$?
  local runs verdict
  runs=$(grep -aoE '^#[0-9]+' "$log" | tail -1 | tr -d '#')
  verdict="nothing found"
  [ $status -eq 0 ] || verdict="FOUND: $(grep -aE 'BROKEN|Fatal error|SUMMARY|ERROR' "$log" | head -1 | cut -c1-200)"
  printf '%-12s %9s executions  %5s inputs  %s\n' "$1" "${runs:-0}" "$(ls "$corpus" | wc -l)" "$verdict"
  [ $status -eq 0 ] && return
  echo "  what it was is in $found, what was said in $log; to see it again:"
  echo "  FUZZ_TARGET=$1 SWIFT_BACKTRACE=enable=no $program $found/NAME"
  touch "$build/failed"
}

merge() { # TARGET
  local new=$build/merged/$1
  rm -rf "$new" && mkdir -p "$new" "$build/corpus/$1"
  FUZZ_TARGET=$1 "$program" -set_cover_merge=1 -use_counters=0 -max_len=$longest "$new" $here/Corpus/$1 "$build/corpus/$1" >"$build/$1.log" 2>&1
}

if [ -n "$minimise" ]; then
  for target in "${targets[@]}"; do
    merge "$target"
    # Those with a name of their own stay; libFuzzer names by SHA-1.
    find $here/Corpus/"$target" -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    for named in $here/Corpus/"$target"/*; do
      [ ! -e "$named" ] || rm -f "$build/merged/$target/$(sha1sum "$named" | cut -d' ' -f1)"
    done
    cp "$build/merged/$target"/* $here/Corpus/"$target"/
    echo "$target: $(ls $here/Corpus/"$target" | wc -l) inputs, $(cat $here/Corpus/"$target"/* | wc -c) bytes"
  done
  exit
fi

trap 'for job in $(jobs -p); do kill -- -$job 2>/dev/null || true; done' EXIT
rm -f "$build/failed"
for target in "${targets[@]}"; do
  # Two at once: wait for one of them to end.
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  run "$target" &
done
wait
[ ! -e "$build/failed" ]
