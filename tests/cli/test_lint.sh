#!/bin/bash
# tests/lint finds faults that this test plants in a copy of the sources.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	mkdir copy
	(cd "$root" && cp -r Makefile README.md LICENSE .ci include src probes tests man "$work/copy")
	cd copy
}

# Adds LINE to FILE, of which tests/lint has to name the last line, with EXPECTED.
plant() { # FILE LINE EXPECTED
	mkdir -p "${1%/*}"
	printf '%s\n' "$2" >>"$1"
	printf '%s:%d\t%s\n' "$1" "$(wc -l <"$1")" "$3" >>planted
}

all_found() {
	! tests/lint house >house.out || fail 'nothing is found'
	while IFS=$'\t' read -r place expected; do
		grep -q "^$place:.*<- .*$expected" house.out || fail "not found at $place: $expected"
	done <planted
}

test_the_house_has_its_rules() {
	plant probes/descriptors.c '#include "host/machine.h"' 'a probe includes'
	plant probes/descriptors.c '#include <jansson.h>' 'uses no library'
	plant src/host/text.c '#include "epolltune/report.h"' 'that contract is not of this folder'
	plant src/catalogue/x.c '#include "epolltune/lab.h"' 'that contract is not of this folder'
	plant src/host/y.c '#include "epolltune/accept_queues.h"' 'that contract is not of this folder'
	plant src/lab/x.c '#include "engine/sockets.h"' 'may not include'
	plant src/report/text.c '#include "commands/command.h"' 'may not include'
	plant src/catalogue/x.c '#include "report/render.h"' 'may not include'
	plant src/judge/x.c '#include "tune/plan.h"' 'may not include'
	plant src/bench/x.c '#include "tune/plan.h"' 'may not include'
	plant src/main.c '#include "report/render.h"' 'may not include'
	plant include/epolltune/err.h '#include "host/machine.h"' 'contracts only'
	plant src/report/text.c 'int f(void) { return open("/proc/self/maps", 0); }' 'only src/host opens'
	plant probes/accept-queue.c '#include <linux/rtnetlink.h>' 'uses netlink'
	plant src/report/text.c 'void f(void) { exit(1); }' 'only main calls exit'
	plant src/report/text.c 'void f(void) { system("true"); }' 'not allowed'
	plant src/report/text.c 'int x; ' 'blanks at the end'
	plant src/tune/plan.c 'bool f(struct finding *f) { return !strncmp(f->id, "lab.", 4); }' 'give it a type'
	plant src/tune/plan.c 'bool f(struct report *r) { return strstr("x", r->findings[0].title); }' 'give it a type'
	plant probes/nic.c 'bool f(struct change *c) { return !strncmp(c->wall, "nic.", 4); }' 'give it a type'
	plant src/judge/x.c 'int f(void) { if (wording_get(&w, "reuse")[0]) return 1; }' 'a wording decides nothing'
	plant src/judge/x.c 'int f(void) { return wording_get(w, "reuse")[0] ? 1 : 2; }' 'a wording decides nothing'
	plant src/catalogue/x.c 'int f(void) { return host_read(0, 0, 0, 0, 0); }' 'is not below this one'
	plant src/judge/x.c 'static int knob_find(void);' 'a public function has that name'
	plant src/judge/x.h '/* y: what x is. */' 'names another file'
	plant src/judge/x.c "$(printf '%s\n' 'int f(int x)' '{'; yes '	x++;' | head -n 61; echo '}')" 'at most 60'
	echo 'bool outcome_lacks(const struct outcome *o);' >>src/judge/verdict.h
	printf '%s\t%s\n' src/judge/verdict.c 'no other file calls it' >>planted
	all_found
}

test_a_circle_of_includes_is_found() {
	grep -qx '#include "host/nic_reply.h"' src/host/nic_ask.h src/host/nic_ask.c
	echo '#include "host/nic_ask.h"' >>src/host/nic_reply.h
	! tests/lint house >house.out || fail 'no circle found'
	grep -q 'src/host/nic_reply .*<- no circle' house.out
}

# tests/words-check finds HITS words in FILE.
words() { # HITS FILE TEXT
	local hits=$1 seen
	printf '%s\n' "$3" >"$2"
	seen=$(tests/words-check "$2") || true
	if [[ $(grep -c "^$2:[0-9]*: .*<- write: " <<<"$seen") -ne $hits ]]; then
		printf '%s\n' "$seen"
		fail "$2: not $hits words found in: $3"
	fi
}

test_words_are_found_in_texts_and_not_in_code() {
	local w=spared
	words 1 x.c "/* What was $w. */"
	words 1 x.c "// What was $w"
	words 1 x.c "const char *s = \"3 $w\\n\";"
	words 1 x.c 'const char *s = "with less than a "'$'\n''"quarter to "'$'\n''"spare";'
	words 1 x.c '/* It goes'$'\n'' * back. */'
	words 2 x.c "/* $w */ \"is $w\""
	words 0 x.c "int $w = $w(); char q = '\"'; f(\"$w\", \"{\\\"$w\\\": 1}\"); /* ->$w $w() \`${w}_x\` */"
	words 1 x.1 "The value is"$'\n'"$w."
	words 0 x.1 ".Li $w"
	words 1 x.md "What was $w"
	words 0 x.md "The key \`$w\`"
	words 1 Makefile "# What was $w"
	words 0 Makefile "$w := \$($w)"
	words 2 x.sh "echo 'what was $w' # and $w"
	words 0 x.sh "$w=\${1#$w}; $w '.$w | length'"
	words 1 x.sh "cat <<EOF"$'\n'"it's $w"$'\n'"EOF"
}

test_the_list_of_words_is_complete() {
	[[ $(grep -c $'\t' tests/words) -ge 50 ]] || fail 'tests/words has less than 50 rows'
}

run_tests "$@"
