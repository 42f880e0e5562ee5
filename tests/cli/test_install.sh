#!/bin/sh
# make install and make uninstall.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

test_install_puts_everything_in_place_and_uninstall_removes_it() {
	cd "$root"
	# The default build: make would build that of BUILD again, without the flags of its variant.
	unset BUILD MAKEFLAGS
	make -s install DESTDIR="$work" prefix=/usr
	"$work/usr/bin/epolltune" --version >/dev/null
	for page in man/*.[1-8]; do
		cmp "$page" "$work/usr/share/man/man${page##*.}/${page##*/}"
	done
	for directory in ansible cron prometheus schema; do
		diff -r -x __pycache__ "src/share/$directory" "$work/usr/share/epolltune/$directory"
	done
	bash -n "$work/usr/share/bash-completion/completions/epolltune"
	grep -q '^complete -c epolltune' "$work/usr/share/fish/vendor_completions.d/epolltune.fish"
	grep -q '^ExecStart=/usr/bin/epolltune rollback --pending' "$work/usr/lib/systemd/system/epolltune-rollback.service"
	[ -x "$work/usr/share/epolltune/cron/check-since" ] || fail 'cron cannot run check-since'
	grep -q '^#compdef epolltune$' "$work/usr/share/zsh/site-functions/_epolltune"

	make -s uninstall DESTDIR="$work" prefix=/usr
	is 'what is left' "$(find "$work" -type f)" ''
}

# Of the default build; without relocations to write, and no fixed address or executable stack, a flaw of a
# parser is harder to use.
test_the_program_is_hardened() {
	cd "$root"
	unset BUILD MAKEFLAGS
	program=$(make -s --no-print-directory --eval 'print: ; @echo $(PROGRAM)' print)
	readelf -Whlds "$program" >"$work/elf"
	for part in 'Type: *DYN' 'GNU_RELRO' BIND_NOW 'GNU_STACK.* RW ' '__stack_chk_fail' '__[a-z]*_chk@'; do
		grep -q "$part" "$work/elf" || fail "not so: $part"
	done
}

run_tests "$@"
