#!/bin/bash
# Switches the guards of guards.txt off, one at a time, and requires that their tests turn red: `mutate.sh [GUARD...]`.
#
# All guards get their switch in one copy of the tree, which is built once, below .build-mutate; which one is off is said by
# a file that the copy reads. So the tests are the same as ever, and each guard costs no more than running its tests. First
# they are run with every guard on: a test that is red then proves nothing.
#
# A guard in a text that tests read, such as a recipe of the README, needs no switch: the text in the copy is replaced while
# its tests run.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
place=$root/.build-mutate
tree=$place/tree
mkdir -p "$tree"

# What is as it was keeps its time, so that little is built again.
copy() {
  cmp -s "$1" "$2" || { mkdir -p "$(dirname "$2")" && cat "$1" >"$2"; }
  chmod --reference="$1" "$2"
}

declare -a guards rows files froms tos tests
count=0
read_table() {
  local key value
  while IFS=' ' read -r key value || [ -n "$key" ]; do
    case "$key" in
      guard) count=$((count + 1)); guards[count]=$value ;;
      row) rows[count]=$value ;;
      file) files[count]=$value ;;
      test) tests[count]=$value ;;
      '' | '#'*) ;;
      from | to) ;;
      *) echo "guards.txt: what is “$key”?" >&2; exit 65 ;;
    esac
  done <Tests/Mutation/guards.txt
  # The text of a line begins behind one space and keeps those that follow.
  local line n=0
  while IFS= read -r line; do
    case "$line" in
      'guard '*) n=$((n + 1)) ;;
      'from '*) froms[n]=${froms[n]:+${froms[n]}$'\n'}${line#from } ;;
      'to '*) tos[n]=${tos[n]:+${tos[n]}$'\n'}${line#to } ;;
    esac
  done <Tests/Mutation/guards.txt
}

read_table
git ls-files -co --exclude-standard -z | while IFS= read -r -d '' path; do
  [ -f "$path" ] || continue
  case "$path" in Sources/*.swift | scripts/*.sh) ;; *) copy "$path" "$tree/$path" ;; esac
done
(cd "$tree" && find Sources Tests -type f) | while IFS= read -r path; do
  case "$path" in */Mutants.swift) continue ;; esac
  [ -f "$path" ] || rm "$tree/$path"
done

# The sources and scripts, each with all of its switches.
git ls-files -co --exclude-standard 'Sources/*.swift' 'scripts/*.sh' | while IFS= read -r path; do
  [ -f "$path" ] || continue
  IFS= read -r -d '' text <"$path" || true
  for n in $(seq $count); do
    [ "${files[n]}" = "$path" ] || continue
    rest=${text/"${froms[n]}"/}
    if [ "$rest" = "$text" ] || [ "${rest/"${froms[n]}"/}" != "$rest" ]; then
      echo "guard ${guards[n]}: its text is not in $path exactly once" >&2
      exit 65
    fi
    case "$path" in
      *.sh) switch="[ \"\$(cat '$place/off')\" = $n ]" ;;
      *) switch="isOff($n)" ;;
    esac
    text=${text/"${froms[n]}"/"${tos[n]//OFF/"$switch"}"}
  done
  printf %s "$text" >"$place/source"
  chmod --reference="$path" "$place/source"
  copy "$place/source" "$tree/$path"
done
for module in XMPP xmppctl; do
  cat >"$place/source" <<SWIFT
import Glibc

/// The number of the guard that is switched off; 0 for none.
private let off: Int = {
  let descriptor = open("$place/off", O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return 0 }
  defer { close(descriptor) }
  var digits = [UInt8](repeating: 0, count: 8)
  let count = read(descriptor, &digits, digits.count)
  return Int(String(decoding: digits.prefix(max(0, count)), as: UTF8.self)) ?? 0
}()

@inline(never) func isOff(_ number: Int) -> Bool { number == off }
SWIFT
  copy "$place/source" "$tree/Sources/$module/Mutants.swift"
done

# Replaces the text of a guard that is not in a source, or puts it back: `replace NUMBER from to`.
replace() {
  local text path=$tree/${files[$1]} from to
  case "${files[$1]}" in Sources/*.swift) return ;; esac
  from=${froms[$1]} to=${tos[$1]//OFF/}
  [ "$2" = from ] || { to=$from from=${tos[$1]//OFF/}; }
  IFS= read -r -d '' text <"$path" || true
  if [[ $text != *"$from"* ]]; then
    echo "guard ${guards[$1]}: its text is not in ${files[$1]}" >&2
    exit 65
  fi
  printf %s "${text/"$from"/"$to"}" >"$path"
}

scratch=(--package-path "$tree" --scratch-path "$place/build")
printf 0 >"$place/off"
swift build "${scratch[@]}" --build-tests

# Whether the tests are green; how many ran is left in $ran.
run() {
  local status=0
  timeout --kill-after=10 600 swift test "${scratch[@]}" --skip-build --filter "$1" \
    </dev/null >"$place/log" 2>&1 || status=$?
  ran=$(grep -oE 'Test run with [0-9]+ tests?' "$place/log" | grep -oE '[0-9]+' | tail -1 || true)
  return $status
}

wanted=()
for n in $(seq $count); do
  if [ $# -eq 0 ] || [[ " $* " == *" ${guards[n]} "* ]]; then wanted+=("$n"); fi
done
[ ${#wanted[@]} -gt 0 ] || { echo "no such guard" >&2; exit 64; }

all=$(for n in "${wanted[@]}"; do echo "${tests[n]}"; done | sort -u | paste -sd '|')
echo "with every guard on"
run "$all" || { tail -40 "$place/log"; echo "not green with every guard on" >&2; exit 1; }
echo "$ran tests are green"

survivors=0
line() { printf '%-28s | %-4s | %-9s | %s\n' "$@"; }
line guard row result tests
for n in "${wanted[@]}"; do
  printf %s "$n" >"$place/off"
  replace "$n" from to
  started=$SECONDS
  if run "${tests[n]}"; then result=SURVIVED; else result=red; fi
  # A test that was not there, or could not begin, has noticed nothing.
  if [ "$result" = SURVIVED ] && [ "${ran:-0}" = 0 ]; then result='NO TEST'; fi
  if [ "$result" = red ] && ! grep -q 'Test run started' "$place/log"; then result=BROKEN; fi
  replace "$n" to from
  [ "$result" = red ] || survivors=$((survivors + 1))
  cp "$place/log" "$place/${guards[n]}.log"
  line "${guards[n]}" "${rows[n]}" "$result" "${tests[n]} ($((SECONDS - started)) s)"
done
printf 0 >"$place/off"
echo "${#wanted[@]} guards switched off, $((${#wanted[@]} - survivors)) noticed"
[ $survivors -eq 0 ]
