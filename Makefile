# xmppctl: build, test, install. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

PREFIX ?= /usr/local
DESTDIR ?=

.ONESHELL:

executable := .build/release/xmppctl
bin := $(DESTDIR)$(PREFIX)/bin
share := $(DESTDIR)$(PREFIX)/share

.PHONY: build demo test fuzz bench memory growth torture sanitize mutate lint deb check-deb install uninstall clean help

build: ## the executable, as it is released
	scripts/install-dependencies.sh build
	scripts/build-release.sh >/dev/null

demo: ## every command at work against a server on loopback
	scripts/demo.sh

test: ## all tests, against real servers on loopback among others
	scripts/install-dependencies.sh test
	swift build --build-tests
	swift test --skip-build 2>&1 | tee .build/test.log
	grep -hoE 'Test run with [0-9]+ tests?.*' .build/test.log

fuzz: ## each fuzz target for TIME=60 seconds, or TARGET=NAME alone
	scripts/install-dependencies.sh build
	Tests/Fuzz/fuzz.sh $(or $(TIME),60) $(TARGET)

bench: ## the speed beside that of other programs
	Tests/Benchmarks/bench.sh

memory: ## the most memory it ever has, with what asks for much of it; fails above the ceiling
	Tests/Benchmarks/memory.sh

growth: ## how time and memory grow with what a server sends; fails if faster than its size (SHAPE=stanza)
	SHAPE='$(SHAPE)' Tests/Benchmarks/growth.sh

torture: ## what takes minutes: floods, kills, failing system calls, bad lines (TIME=300 SEED=… RUNS=… ONLY=Chaos)
	scripts/install-dependencies.sh test
	swift build --build-tests
	XMPPCTL_TORTURE=1 XMPPCTL_TORTURE_TIME=$(TIME) XMPPCTL_TORTURE_SEED=$(SEED) XMPPCTL_TORTURE_RUNS=$(RUNS) \
	  swift test --skip-build --filter '$(ONLY).*Torture'

sanitize: ## the tests once more under the address sanitizer (with leaks) and under the thread sanitizer
	scripts/install-dependencies.sh test
	# What is measured or injected from outside means something else through a sanitizer: memory, system calls.
	skip='/(interrupted|fullLater|messages|slowed|names|many|heldBack|unacknowledged|flood|endless|bomb)\('
	for sanitizer in address thread; do
	  scratch=.build-$$sanitizer
	  swift build --build-tests --sanitize=$$sanitizer --scratch-path $$scratch
	  ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$$PWD/Tests/sanitizers.txt:print_suppressions=0 \
	    TSAN_OPTIONS=exitcode=66 SWIFT_BACKTRACE=enable=no \
	    swift test --skip-build --sanitize=$$sanitizer --scratch-path $$scratch --skip "$$skip" 2>&1 | tee $$scratch/test.log
	  if grep -aE 'WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer' $$scratch/test.log; then exit 1; fi
	done

mutate: ## each guard switched off once; its tests must notice
	scripts/install-dependencies.sh test
	Tests/Mutation/mutate.sh

lint: ## the style, the import rule; notes on files that grow long
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
	scripts/check-imports.sh
	for script in scripts/*.sh Tests/Benchmarks/*.sh Tests/Fuzz/*.sh Tests/Mutation/*.sh .ci/run; do bash -n $$script; done
	find Sources Tests -name '*.swift' -exec awk 'END { if (NR > 300) print "note: " FILENAME " has " NR " lines" }' {} \;

$(executable):
	$(MAKE) build

install: $(executable) ## into PREFIX (/usr/local), below DESTDIR
	@install -d $(bin)
	install -s -m 755 $(executable) $(bin)/xmppctl
	shopt -s nullglob
	for page in man/*.[1-8]; do
	  install -D -m 644 $$page $(share)/man/man$${page##*.}/$${page##*/}
	done
	put() { [ ! -e completions/$$1 ] || install -D -m 644 completions/$$1 $(share)/$$2; }
	put xmppctl.bash bash-completion/completions/xmppctl
	put _xmppctl zsh/site-functions/_xmppctl
	put xmppctl.fish fish/vendor_completions.d/xmppctl.fish

deb: ## a Debian package, .build/xmppctl_VERSION_ARCHITECTURE.deb
	scripts/install-dependencies.sh deb
	scripts/build-deb.sh

check-deb: ## that package on a new system, without a Swift toolchain (needs root)
	scripts/install-dependencies.sh check-deb
	scripts/check-deb.sh "$$(scripts/build-deb.sh)"

uninstall: ## removes what install put there
	rm -f $(bin)/xmppctl $(share)/man/man[1-8]/xmppctl.[1-8] $(share)/man/man[1-8]/xmppctl-*.[1-8]
	rm -f $(share)/bash-completion/completions/xmppctl $(share)/zsh/site-functions/_xmppctl
	rm -f $(share)/fish/vendor_completions.d/xmppctl.fish

clean: ## removes everything that was built
	rm -rf .build .build-*

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
