# epolltune. `make help` lists the goals.

VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' src/share/packaging/debian/changelog)
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/site-functions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d
sharedir ?= $(prefix)/share/epolltune
unitdir ?= $(prefix)/lib/systemd/system

# A compiler for another machine (aarch64-linux-gnu-gcc) finds that machine's libraries below SYSROOT.
CROSS_CC := $(filter %-linux-gnu-gcc,$(notdir $(firstword $(CC))))
# One directory per variant, so that switching compilers or sanitizers rebuilds nothing.
VARIANT := $(CROSS_CC:%-linux-gnu-gcc=-%)$(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-san)$(if $(TSAN),-tsan)
BUILD ?= build$(VARIANT:-%=/%)

ifneq ($(CROSS_CC)$(SYSROOT),)
SYSROOT_LIB := $(SYSROOT)/usr/lib/$(shell $(CC) -print-multiarch)
export PKG_CONFIG_LIBDIR := $(SYSROOT_LIB)/pkgconfig:$(SYSROOT)/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR := $(SYSROOT)
override CC += $(SYSROOT:%=--sysroot=%)
endif

LIBS := libnl-3.0 libnl-genl-3.0 libnl-route-3.0 libnl-idiag-3.0 jansson libarchive smartcols
DEBIAN_LIBS := libc6-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libnl-idiag-3-dev libjansson-dev \
	libarchive-dev libsmartcols-dev
DEBIAN_BUILD := gcc make pkg-config $(DEBIAN_LIBS)
DEBIAN_TEST := libcmocka-dev mandoc man-db iproute2 ethtool util-linux procps strace qemu-system-x86 \
	busybox-static cpio e2fsprogs jq libxml2-utils xz-utils zstd bash zsh fish tidy tmux nginx redis-server gunicorn haproxy memcached nodejs \
	wrk prometheus prometheus-node-exporter python3-prometheus-client python3-jsonschema curl systemd
# Of the goals that need more.
DEBIAN_test-html := chromium-driver python3-selenium poppler-utils
DEBIAN_test-fleet := ansible-core ansible-lint openssh-server iproute2 jq procps util-linux
DEBIAN_LINT := clang clang-format clang-tidy cppcheck shellcheck valgrind

# A function in a table need not use all that the table hands it.
WARN := -Wall -Wextra -Wno-unused-parameter -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Wvla $(if $(WERROR),-Werror)
OPT ?= -O2 -g
CFLAGS ?= $(OPT) -fstack-protector-strong
# The program has the same bytes wherever it is built.
override CFLAGS += -std=c17 -fPIE -fdebug-prefix-map=$(CURDIR)=. $(WARN)
override LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack
override CPPFLAGS += -D_GNU_SOURCE -DEPOLLTUNE_VERSION='"$(VERSION)"' -Iinclude -Isrc -MMD -MP
ifdef SAN
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
endif
ifdef TSAN
override CFLAGS += -fsanitize=thread
override LDFLAGS += -fsanitize=thread
endif
ifeq ($(SAN)$(TSAN),)
override CPPFLAGS += $(if $(findstring -O,$(CFLAGS)),-D_FORTIFY_SOURCE=2)
endif

SOURCES := $(sort $(wildcard src/*/*.c) $(wildcard probes/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
ARCHIVE := $(BUILD)/libepolltune.a
PROGRAM := $(BUILD)/epolltune
TEST_SOURCES := $(sort $(wildcard tests/unit/test_*.c tests/lab/test_*.c tests/cli/test_*.c tests/faults/test_*.c))
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
# The unit test of the corpora has the entry of each fuzzer under the name of its file.
FUZZ_ENTRIES := $(patsubst %.c,$(BUILD)/%.entry.o,$(wildcard tests/fuzz/fuzz_*.c))
TEST_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

# V=1 shows the commands.
SILENT := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
say = $(if $(V),,@$(if $(SILENT),,printf '  %-4s %s\n' $(1) $@;))

.PHONY: all man deps run tests check test test-servers test-gists test-faults test-fleet test-html test-kernels test-roots truth test-durability mutations coverage soak fuzz tsan lint bench install portable deb test-deb version cross uninstall clean help
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# Goals that compile read the flags of the libraries from a file that make updates first.
ifneq ($(filter-out clean help deps lint fuzz tsan test-roots mutations coverage portable deb test-deb version cross,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/libs.mk
endif

## make: builds build/epolltune (variants: CC=clang, SAN=1, TSAN=1; WERROR=1: warnings are errors)
all: $(PROGRAM)

# run, the tests and bench install missing packages; a plain build only names them.
INSTALLS := $(filter run test test-servers test-gists test-faults test-fleet test-html test-kernels truth bench,$(MAKECMDGOALS))
$(BUILD)/libs.mk: Makefile
	@$(if $(INSTALLS),$(MAKE) --no-print-directory deps 'FOR=$(INSTALLS)',true)
	@mkdir -p $(@D)
	@CC='$(CC)' src/share/packaging/packages
	@printf 'LIB_CFLAGS := %s\nLIB_LDLIBS := %s\n' "$$(pkg-config --cflags $(LIBS) | sed 's/-I/-isystem /g')" \
		"$$(pkg-config --libs $(LIBS))" >$@

# FOR=run: only the packages for a build.
FOR := test
## make deps: installs with apt the missing packages for build, test and lint
deps:
	@missing=; for p in $(DEBIAN_BUILD) $(if $(filter-out run test-fleet,$(FOR)),$(DEBIAN_TEST) $(DEBIAN_LINT)) \
		$(foreach goal,$(FOR),$(DEBIAN_$(goal))); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		CC='$(CC)' src/share/packaging/packages || exit; \
		$(if $(filter-out run,$(FOR)),echo "epolltune: no apt-get here; the tests need the equivalents of:$$missing" >&2;) exit; fi; \
	sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; command -v sudo >/dev/null || { \
		echo "epolltune: as root, run: apt-get install$$missing" >&2; exit 1; }; fi; \
	echo "epolltune: installing$$missing" >&2; \
	$$sudo apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >&2 || exit; \
	for s in nginx redis-server haproxy memcached prometheus prometheus-node-exporter openssh-server:ssh; do \
		case "$$missing " in *" $${s%:*} "*) \
		if [ -d /run/systemd/system ]; then $$sudo systemctl disable --now $${s#*:} >&2; fi ;; esac; done

## make run: builds and runs `epolltune check` (ARGS='…' for options)
run: $(PROGRAM)
	@status=0; $(PROGRAM) check $(ARGS) || status=$$?; \
	if [ $$status -gt 2 ]; then exit $$status; fi

## make tests: builds all tests
tests: $(PROGRAM) $(TESTS) $(BUILD)/man/knobs

ALL_TESTS := $(TEST_SOURCES:%.c=%) $(sort $(wildcard tests/*/test_*.sh))
SERVER_TESTS := $(filter %/test_check_listeners %/test_check_server %/test_check_server_walls %/test_check_server_state %/test_check_servers %/test_check_versus.sh %/test_check_manners.sh %/test_check_lines.sh,$(ALL_TESTS))
KERNEL_TESTS := $(filter tests/vm/%,$(ALL_TESTS))
UNIT_TESTS := $(filter tests/unit/%,$(ALL_TESTS))
GIST_TESTS := $(filter %/test_lint_gists.sh,$(ALL_TESTS))
CORE_TESTS := $(filter-out %/test_check_servers %/test_check_versus.sh %/test_check_manners.sh %/test_check_lines.sh $(KERNEL_TESTS) $(GIST_TESTS),$(ALL_TESTS))
RUN_TESTS = BUILD=$(BUILD) PROGRAM='$(abspath $(PROGRAM))' EMULATOR='$(EMULATOR)' tests/run

## make check: runs the unit tests, in seconds and without root; run it before each commit
check: $(PROGRAM) $(UNIT_TESTS:%=$(BUILD)/%)
	@$(RUN_TESTS) $(UNIT_TESTS)

# Unknown test names are passed through so that tests/run reports them.
TESTS_RUN = $(if $(TESTS_ONLY),$(foreach t,$(TESTS_ONLY),$(or $(filter tests/$t tests/$t.sh,$(ALL_TESTS)),tests/$t)),$(CORE_TESTS))
## make test: runs the core tests (select any with TESTS_ONLY='unit/% cli/test_path' or TESTS_EXCEPT=lab/%)
test: tests
	@$(RUN_TESTS) $(filter-out $(TESTS_EXCEPT:%=tests/%),$(TESTS_RUN))

## make test-servers: checks beside nginx, redis, gunicorn and haproxy (beside a busy nginx CHECKS=30 times), and --run with them
CHECKS := 30
test-servers: tests
	@CHECKS=$(CHECKS) $(RUN_TESTS) $(SERVER_TESTS)

## make test-gists: compares what lint --try says of well-known advice with a check in a namespace that has it
test-gists: tests
	@$(RUN_TESTS) $(GIST_TESTS)

## make test-html: reads the pages of --format html in a browser, light, dark, narrow and printed
test-html: $(PROGRAM)
	@$(MAKE) --no-print-directory deps FOR=test-html
	@PROGRAM='$(abspath $(PROGRAM))' tests/html

## make test-fleet: tries the Ansible collection against hosts in namespaces, over ssh
test-fleet: $(PROGRAM)
	@$(MAKE) --no-print-directory deps FOR=test-fleet
	@PROGRAM='$(abspath $(PROGRAM))' tests/fleet

## make test-faults: lets each call of each command fail, one a run (FAULTS=100: at most 100 of each command)
FAULTS := all
test-faults: tests
	@FAULTS=$(FAULTS) $(RUN_TESTS) tests/faults/test_call_faults tests/faults/test_apply_faults

## make test-kernels: runs the tests in emulated machines, with each of KERNELS (5.10 6.1 6.12 newest) of Debian
KERNELS := 5.10 6.1 6.12 newest
test-kernels: tests
	@failed=0; for kernel in $(KERNELS); do echo "Linux $$kernel:"; \
		EPOLLTUNE_KERNEL=$$kernel $(RUN_TESTS) $(filter-out $(TESTS_EXCEPT:%=tests/%),$(if $(TESTS_ONLY),$(TESTS_RUN),$(KERNEL_TESTS))) || failed=1; \
	done; exit $$failed

## make test-roots: builds with the packages and compilers of other Debian releases (ROOTS='sid:gcc-16 bullseye')
test-roots:
	@tests/roots $(ROOTS)

## make test-durability: cuts the power at each call of apply, confirm and rollback; runs HISTORIES (200) from SEED
HISTORIES := 200
SEED := 1
test-durability: $(PROGRAM)
	@PROGRAM='$(abspath $(PROGRAM))' tests/durability/crash_states.py --all
	@PROGRAM='$(abspath $(PROGRAM))' tests/durability/histories.py --histories $(HISTORIES) --seed $(SEED)

## make mutations: breaks the program in each way of tests/mutations (or ROWS='words of names'); a test must fail
mutations:
	@tests/mutate $(ROWS)

## make coverage: prints the share of lines that the core tests run, file by file, and what they leave out
COVERAGE_BUILD := build/coverage
# Those that build or read the tree.
COVERAGE_EXCEPT := cli/test_promises.sh cli/test_lint.sh cli/test_install.sh cli/test_run.sh cli/test_lib.sh cli/test_packages.sh \
	cli/test_schemas.sh cli/test_prometheus.sh cli/test_systemd.sh lab/test_valgrind.sh
COVERAGE_FLAGS = -O1 -g $(shell tests/coverage flags)
coverage:
	@$(MAKE) --no-print-directory -s BUILD=$(COVERAGE_BUILD) CC=clang CFLAGS='$(COVERAGE_FLAGS)' \
		LDFLAGS=-fprofile-instr-generate tests
	@BUILD=$(COVERAGE_BUILD) PROGRAM='$(abspath $(COVERAGE_BUILD)/epolltune)' tests/coverage \
		$(filter-out $(COVERAGE_EXCEPT:%=tests/%) $(TESTS_EXCEPT:%=tests/%),$(TESTS_RUN))

## make truth: how often check and other tools are right, by clients of real servers; hours (SMOKE=1: 30 cases, a
## minute; REPEAT=100: 20 cases so many times each, ALL=1: all cases, BUSY=1: on busy CPUs)
truth: $(PROGRAM)
	@PROGRAM='$(abspath $(PROGRAM))' tests/truth/run \
		$(if $(SMOKE),--smoke,$(if $(REPEAT),$(if $(ALL),,--sample) --repeat $(REPEAT) $(if $(BUSY),--busy) --readme,--rivals --repeat 3 --readme)) $(ARGS)

## make soak: SOAK (30) checks beside namespaces that come and go; each must give the same verdicts
SOAK := 30
soak: $(PROGRAM)
	@PROGRAM='$(abspath $(PROGRAM))' tests/soak $(SOAK)

## make cross: builds for CROSS (aarch64; s390x has big-endian bytes), runs the unit tests in user emulation
CROSS := aarch64
cross:
	@for tool in $(CROSS)-linux-gnu-gcc qemu-$(CROSS); do command -v $$tool >/dev/null || { \
		echo 'epolltune: to cross-build run: apt-get install gcc-$(CROSS)-linux-gnu qemu-user' >&2; exit 1; }; done
	@root=$$(src/share/packaging/root --arch $(CROSS:aarch64=arm64) bookworm $(DEBIAN_LIBS) libcmocka-dev) && \
	$(MAKE) --no-print-directory CC=$(CROSS)-linux-gnu-gcc SYSROOT=$$root check \
		EMULATOR="qemu-$(CROSS) $$(echo $$root/lib/ld*.so.*) --library-path $$root/usr/lib/$(CROSS)-linux-gnu"

## make fuzz: fuzzes the parsers of tests/fuzz with libFuzzer, FUZZ_SECONDS (10) each, FUZZ_JOBS (1) at once
# New inputs go to build/, what tests/fuzz/corpus has is kept; tests/unit/test_fuzz runs it in `make check`.
FUZZ_SECONDS ?= 10
FUZZ_JOBS ?= 1
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZERS := $(patsubst %.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz:
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang CFLAGS='-g -O1 -fsanitize=fuzzer-no-link $(FUZZ_FLAGS)' \
		LDFLAGS='-fsanitize=fuzzer $(FUZZ_FLAGS)' $(FUZZERS)
	@printf '%s\n' $(FUZZERS) | xargs -P $(FUZZ_JOBS) -n 1 tests/fuzz/run $(FUZZ_SECONDS)

## make tsan: runs the server's threads and processes under ThreadSanitizer
tsan:
	@$(MAKE) --no-print-directory TSAN=1 build/tsan/tests/lab/test_server
	@TSAN_OPTIONS='suppressions=tests/tsan.supp halt_on_error=1' BUILD=build/tsan tests/run tests/lab/test_server

## make man: makes man/epolltune-knobs.7 from the catalogue
man: $(BUILD)/man/knobs
	@$< >$(BUILD)/man/epolltune-knobs.7 && cp $(BUILD)/man/epolltune-knobs.7 man/epolltune-knobs.7

## make lint: checks house rules, words, formatting, man pages and scripts; runs static analysis
lint:
	@tests/lint

## make bench: measures speed as medians and ratios within one run; not a test
bench: $(PROGRAM) $(BUILD)/tests/lab/bench_wire $(BUILD)/tests/lab/bench_busy
	@BUILD=$(BUILD) PROGRAM=$(abspath $(PROGRAM)) tests/bench

# Ansible and Python may leave files beside those of the collection.
COLLECTION := $(shell find src/share/ansible -type f ! -path '*/__pycache__/*' ! -path '*/.*')
SHARED := $(sort $(patsubst src/share/%,%,$(wildcard src/share/prometheus/* src/share/schema/*) $(COLLECTION)))
UNITS := $(notdir $(wildcard src/share/systemd/*))
CRON := $(notdir $(wildcard src/share/cron/*))
## make install: installs program, man pages, completion and what others read (DESTDIR, prefix)
install: $(PROGRAM)
	install -Dm755 $(PROGRAM) "$(DESTDIR)$(bindir)/epolltune"
	for page in man/*.[1-8]; do install -Dm644 $$page "$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}" || exit; done
	for file in $(SHARED); do install -Dm644 src/share/$$file "$(DESTDIR)$(sharedir)/$$file" || exit; done
	install -d "$(DESTDIR)$(unitdir)"
	for unit in $(UNITS); do sed 's|/usr/bin/epolltune|$(bindir)/epolltune|g' src/share/systemd/$$unit \
		>"$(DESTDIR)$(unitdir)/$$unit" || exit; done
	install -d "$(DESTDIR)$(sharedir)/cron"
	for script in $(CRON); do sed 's|/usr/bin/epolltune|$(bindir)/epolltune|g; s|/usr/share/epolltune|$(sharedir)|g' \
		src/share/cron/$$script >"$(DESTDIR)$(sharedir)/cron/$$script" && \
		chmod 755 "$(DESTDIR)$(sharedir)/cron/$$script" || exit; done
	install -d "$(DESTDIR)$(bashcompdir)" "$(DESTDIR)$(zshcompdir)" "$(DESTDIR)$(fishcompdir)"
	"$(DESTDIR)$(bindir)/epolltune" completion bash >"$(DESTDIR)$(bashcompdir)/epolltune"
	"$(DESTDIR)$(bindir)/epolltune" completion zsh >"$(DESTDIR)$(zshcompdir)/_epolltune"
	"$(DESTDIR)$(bindir)/epolltune" completion fish >"$(DESTDIR)$(fishcompdir)/epolltune.fish"

## make portable: makes build/epolltune-VERSION-MACHINE.tar.gz, which runs after tar x on Debian 11 and newer
portable:
	@CC='$(CC)' MAKE='$(MAKE)' src/share/packaging/portable $(VERSION) $(DEBIAN_LIBS)

version:
	@echo $(VERSION)

## make deb: makes build/deb/epolltune_VERSION_ARCHITECTURE.deb and its source package with debhelper
deb:
	@src/share/packaging/deb $(VERSION)

## make test-deb: makes the package; lintian, apt and dpkg try it in a root of Debian's packages
test-deb:
	@tests/deb

## make uninstall: removes the installed files
uninstall:
	rm -f "$(DESTDIR)$(bindir)/epolltune" "$(DESTDIR)$(bashcompdir)/epolltune" "$(DESTDIR)$(zshcompdir)/_epolltune" \
		"$(DESTDIR)$(fishcompdir)/epolltune.fish"
	for page in man/*.[1-8]; do rm -f "$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}"; done
	for file in $(SHARED); do rm -f "$(DESTDIR)$(sharedir)/$$file"; done
	rm -rf "$(DESTDIR)$(sharedir)/ansible"
	for unit in $(UNITS); do rm -f "$(DESTDIR)$(unitdir)/$$unit"; done
	for script in $(CRON); do rm -f "$(DESTDIR)$(sharedir)/cron/$$script"; done

## make clean: removes build/
clean:
	rm -rf build

## make help: prints this list
help:
	@sed -n 's/^## //p' Makefile

$(PROGRAM): $(BUILD)/src/main.o $(ARCHIVE)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lm -pthread

# Built from scratch, so that a removed source leaves no member.
$(ARCHIVE): $(OBJECTS) $(BUILD)/sources
	@rm -f $@
	@$(AR) rcs $@ $(OBJECTS)

# Writes a file only if its content changes, so that only its dependents are rebuilt.
holds = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@

$(BUILD)/sources: force
	$(call holds,$(SOURCES))
$(BUILD)/flags: force
	$(call holds,$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_CFLAGS)))
.PHONY: force
force:

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_CFLAGS) -c -o $@ $<

$(BUILD)/man/knobs: $(BUILD)/man/knobs.o $(ARCHIVE)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS) -lm -pthread

$(BUILD)/tests/fuzz/%.entry.o: tests/fuzz/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) -DLLVMFuzzerTestOneInput=$* $(CFLAGS) $(LIB_CFLAGS) -c -o $@ $<
$(BUILD)/tests/unit/test_fuzz: $(FUZZ_ENTRIES)

# Without sanitizers: it comes before their library.
$(BUILD)/tests/faults/interposer.so: tests/faults/interposer.c tests/faults/interposer.h
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) -std=c17 -O2 -g -Wall -Wextra -Wno-unused-parameter $(if $(WERROR),-Werror) -D_GNU_SOURCE -fPIC -shared -o $@ $< -ldl
$(BUILD)/tests/faults/test_call_faults: | $(BUILD)/tests/faults/interposer.so

# forkpty() is in libutil before glibc 2.34.
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_SUPPORT) $(ARCHIVE)
	$(call say,LINK)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter-out $(ARCHIVE),$^) $(ARCHIVE) $(LIB_LDLIBS) -lcmocka -lutil -lm -pthread

.SECONDARY:
-include $(OBJECTS:.o=.d) $(BUILD)/src/main.d $(BUILD)/man/knobs.d $(TESTS:=.d) $(TEST_SUPPORT:.o=.d) $(FUZZ_ENTRIES:.o=.d)
