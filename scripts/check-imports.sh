#!/bin/bash
# Keeps the import rule: which files may import what, and which rooms must not know of each other. All of one module can
# see all of it, so the second part looks for names. The rule in words is in docs/ARCHITECTURE.md.
set -euo pipefail
shopt -s extglob
cd "$(dirname "$0")/../Sources"

# module            files that may import it; a module that is not here may not be imported
imports='
Glibc                @(XMPP|xmppctl)/*
CLinux               @(XMPP|xmppctl)/*
CLibXML2             XMPP/XML/@(StreamParser|TreeBuilder).swift
COpenSSL             XMPP/Transport/@(TLS*|Certificate*|ClientCertificate*|Trust|PEMFile).swift
COpenSSL             XMPP/SASL/@(Hash|PBKDF2).swift
CICU                 XMPP/Address/*
CCares               XMPP/DNS/@(DNSChannel|DNSAnswer).swift
CZlib                XMPP/Transport/Compression*.swift
XMPP                 xmppctl/*
ArgumentParser       xmppctl/*
'

# files              names of other rooms that they do not use
strangers='
XMPP/Transport/*     Element StreamParser XMLWriter Namespace StreamHeader StreamFeatures Stanza
XMPP/DNS/*           Element StreamParser XMLWriter Namespace StreamHeader StreamFeatures Stanza TLSSession Socket
XMPP/Address/*       Element StreamParser XMLWriter Socket TLSSession Waiter
XMPP/XML/*           Socket TLSSession Endpoint Waiter StreamHeader StreamFeatures Stanza
XMPP/SASL/*          Socket TLSSession Waiter Element StreamParser
'

failures=0
complain() {
  echo "Sources/$1: $2" >&2
  failures=$((failures + 1))
}

may_import() { # FILE MODULE
  local module files
  while read -r module files; do
    # The table's right side is a pattern.
    # shellcheck disable=SC2053
    if [[ $module == "$2" && -n $files && $1 == $files ]]; then return 0; fi
  done <<<"$imports"
  return 1
}

while IFS=: read -r file line text; do
  module=$(sed -E 's/.*\bimport +((struct|class|enum|protocol|func|var|let|typealias) +)?([A-Za-z0-9_]+).*/\3/' <<<"$text")
  may_import "$file" "$module" || complain "$file:$line" "may not import $module"
done < <(grep -rnE --include='*.swift' '^[^/"]*\bimport +[A-Za-z]' XMPP xmppctl)

while read -r files names; do
  [ -n "$files" ] || continue
  # $files is a pattern here too.
  # shellcheck disable=SC2086
  while IFS=: read -r file line text; do
    complain "$file:$line" "knows of another room: ${text##+( )}"
  done < <(grep -nHE "^[^\"]*\b(${names// /|})\b" $files 2>/dev/null | grep -vE '^[^:]+:[0-9]+: *//')
done <<<"$strangers"

if [ "$failures" -gt 0 ]; then
  echo "$failures breaks of the import rule; the table is in scripts/check-imports.sh" >&2
  exit 1
fi
